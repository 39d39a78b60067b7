"""The buckets of an environment: which are made, which are adopted, and what goes where if one is not there."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pulumi

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.buckets import (
    BucketContext,
    BucketSpec,
    CreatedBucket,
    Place,
    adopted_bucket,
    bucket_name,
    create_bucket,
    network_log_statements,
    wanted,
)
from mlops_components.foundation.aws.choice import AwsBucketChoice, Choice
from mlops_components.foundation.aws.trail import TrailLogs, bucket_statements

_EXPIRE_DAYS = {"capture": 90, "logs": 365}


class Places:
    """The buckets of a scope: the log bucket first, since the others deliver their access logs to it."""

    def __init__(
        self,
        context: BucketContext,
        choices: Mapping[str, AwsBucketChoice],
        old_versions_days: int,
        *,
        has_trail: bool = False,
        has_network: bool = False,
    ) -> None:
        self._context, self._choices, self._old_versions_days = context, choices, old_versions_days
        self._has_trail, self._has_network = has_trail, has_network
        self.log = self._log_bucket()

    @property
    def log_arn(self) -> Optional[tuple[pulumi.Input[str], list[pulumi.Resource]]]:
        """ARN of the log bucket, and what must be there before it is written to."""
        if self.log is None:
            return None
        return self.log.place.arn, [self.log.policy] if self.log.policy else []

    @property
    def trail_logs(self) -> Optional[TrailLogs]:
        """Where an audit trail is kept."""
        if self.log is None:
            return None
        return TrailLogs(self.log.place.bucket, [self.log.policy] if self.log.policy else [])

    def place(self, purpose: str, otherwise: Optional[Place] = None, readers: Sequence[str] = ()) -> Place:
        """The bucket of a purpose, or a folder of another where it is skipped."""
        choice = self._choices.get(purpose) or {}
        if wanted(choice) is Choice.SKIP:
            if otherwise is None:
                raise ArgsError(f"'{purpose}' cannot be skipped, since every stage keeps its results there.")
            return otherwise.inside(purpose)
        if wanted(choice) is Choice.ADOPT:
            return adopted_bucket(purpose, choice, self._context.placement, self._context.key)
        return create_bucket(self._context, self._spec(purpose, readers=readers), self.log).place

    def _log_bucket(self) -> Optional[CreatedBucket]:
        choice = self._choices.get("logs") or {}
        if wanted(choice) is Choice.SKIP:
            return None
        if wanted(choice) is Choice.ADOPT:
            return CreatedBucket(adopted_bucket("logs", choice, self._context.placement, self._context.key))
        sources = [
            bucket_name(self._context.placement, purpose)
            for purpose in self._choices
            if purpose != "logs" and wanted(self._choices[purpose]) is Choice.CREATE
        ]
        return create_bucket(self._context, self._spec("logs", log_sources=sources), None)

    def _spec(self, purpose: str, *, readers: Sequence[str] = (), log_sources: Sequence[str] = ()) -> BucketSpec:
        return BucketSpec(
            purpose=purpose,
            expire_after_days=(self._choices.get(purpose) or {}).get("expire_days", _EXPIRE_DAYS.get(purpose)),
            old_versions_days=self._old_versions_days,
            reader_account_ids=readers,
            log_sources=log_sources,
            more_statements=self._log_statements if purpose == "logs" else _none,
        )

    def _log_statements(self, arn: str) -> list[dict[str, Any]]:
        placement = self._context.placement
        trail = bucket_statements(arn, placement) if self._has_trail else []
        return [*trail, *(network_log_statements(arn, placement) if self._has_network else [])]


def _none(_: str) -> list[dict[str, Any]]:
    return []


def bucket_outputs(place: Place) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Name and ARN of a place's bucket."""
    return pulumi.Output.from_input(place.bucket), pulumi.Output.from_input(place.arn)
