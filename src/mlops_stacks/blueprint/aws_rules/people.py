"""Who is told, who may come in, and where secrets are, as far as AWS takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlops_stacks.blueprint.aws_stages.audit import CreateTrail
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation, SkipBucket
from mlops_stacks.blueprint.problems import Problem
from mlops_stacks.blueprint.settings import SecretFromManager, Settings
from mlops_stacks.blueprint.vocabulary import Platform

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+")
_SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+|[\w/+=.@-]{1,512}")


def broken_access(settings: Settings) -> Iterator[Problem]:
    """Teams that nobody could be in."""
    if not isinstance(settings.stages.foundation, AwsFoundation):
        return
    for team, access in settings.access.items():
        if not access.members:
            yield Problem(
                ("access", team, "members"),
                "nobody is in this team, so nobody could assume its role",
                "write ARNs of IAM roles or users, e.g. `[arn:aws:iam::123456789012:role/data-science]`",
            )
        for position, member in enumerate(access.members):
            if not _PRINCIPAL.fullmatch(member):
                yield Problem(
                    ("access", team, "members", position),
                    f"`{member}` is not the ARN of an IAM role or user, which is what AWS knows people by",
                    "write e.g. `arn:aws:iam::123456789012:role/data-science`",
                )


def broken_news(settings: Settings) -> Iterator[Problem]:
    """Limits of which nobody is told, and news that nothing brings."""
    foundation = settings.stages.foundation
    if not isinstance(foundation, AwsFoundation):
        return
    told = [position for position, each in enumerate(settings.notifications) if "budget" in each.on]
    if foundation.budget is not None and not told:
        yield Problem(
            ("stages", "foundation", "budget"),
            "nobody is told when the limit is reached",
            "add `notifications: [{email: team@example.com, on: [budget]}]`",
        )
    if foundation.budget is None:
        for position in told:
            yield Problem(
                ("notifications", position, "on"),
                "there is no budget to tell of",
                "write `budget: {monthly_usd: 500}` in the foundation, or leave `budget` out here",
            )
    if isinstance(foundation.trail, CreateTrail) and isinstance(foundation.logs_bucket, SkipBucket):
        yield Problem(
            ("stages", "foundation", "logs_bucket"),
            "the audit trail would have nowhere to be kept",
            "keep the bucket, or write `trail: {mode: skip}`",
        )


def broken_secrets(settings: Settings) -> Iterator[Problem]:
    """Secrets that a job on AWS could not read."""
    pipeline = settings.stages.training_pipeline
    if pipeline is None or pipeline.platform is not Platform.AWS:
        return
    for name, secret in settings.secrets.items():
        if not isinstance(secret, SecretFromManager):
            yield Problem(
                ("secrets", name, "source"),
                "a job on AWS has neither your environment nor your files",
                "write `source: manager` with the `name` of a secret in Secrets Manager",
            )
        elif not _SECRET.fullmatch(secret.name):
            yield Problem(
                ("secrets", name, "name"),
                f"`{secret.name}` is neither the name nor the ARN of one secret in Secrets Manager",
                "write e.g. `flights/api-key`",
            )


SETTINGS_RULES = (broken_access, broken_news, broken_secrets)
