"""Physical names: legal on their platform, the same on every run, and never shared by two resources.

A name is its parts joined by hyphens wherever that is legal and can be read back in one way only. Otherwise (a part
with a hyphen or a foreign character, a name too long) a hash of the original parts is appended. Parts that differ
therefore give names that differ, provided that every name in one namespace is made from the same number of parts.

Nothing here asks the platform: a name is known before deployment, so that a plan shows it and policies can refer to it.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

_HASH_LENGTH = 10
"""40 bits: among 10,000 cut names of one account the chance of a clash is 1 in 20,000."""
_LOOKS_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH_LENGTH}}}$")


@dataclass(frozen=True)
class NameRule:
    """What a platform accepts as a name. All rules take lower-case letters, digits and single inner hyphens."""

    limit: int
    """Longest name, in characters."""
    minimum: int = 1
    """Shortest name, in characters."""
    starts_with_letter: bool = False
    """Whether the first character must be a letter."""
    extra: str = ""
    """Further characters allowed inside a name."""
    reserved_prefixes: tuple[str, ...] = ()
    """Beginnings that the platform keeps for itself."""
    reserved_suffixes: tuple[str, ...] = ()
    """Endings that the platform keeps for itself."""

    def accepts(self, name: str) -> bool:
        """Whether `name` is legal under this rule."""
        return (
            self.minimum <= len(name) <= self.limit
            and re.fullmatch(rf"[a-z0-9]([a-z0-9{re.escape(self.extra)}-]*[a-z0-9])?", name) is not None
            and not (self.starts_with_letter and not name[0].isalpha())
            and "--" not in name
            and not name.startswith(self.reserved_prefixes)
            and not name.endswith(self.reserved_suffixes)
        )


# Amazon S3 User Guide, "General purpose bucket naming rules"; dots are left out because they break TLS host names,
# and the reserved endings with two hyphens because no name here has two in a row.
S3_BUCKET = NameRule(
    limit=63,
    minimum=3,
    reserved_prefixes=("sthree-", "amzn-s3-demo-"),
    reserved_suffixes=("-s3alias", "-an"),
)
# IAM: 64 characters, unique whatever the case, hence lower case only.
IAM_ROLE = NameRule(limit=64, extra="_")
# SageMaker API: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}` for model package groups, pipelines, endpoints and most others.
SAGEMAKER = NameRule(limit=63)
# SageMaker API: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}` for MLflow apps and tracking servers.
SAGEMAKER_MLFLOW = NameRule(limit=256)
# MLflow experiments as SageMaker refers to them: `[a-zA-Z0-9\-_./]+`, at most 256 characters.
MLFLOW_EXPERIMENT = NameRule(limit=256, extra="_")
# SageMaker API: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}` for experiments and trials; a run adds up to 44 characters.
SAGEMAKER_EXPERIMENT = NameRule(limit=76)
# SageMaker API: `[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}` for feature groups.
SAGEMAKER_FEATURE_GROUP = NameRule(limit=64, extra="_")
# AWS Glue takes 255 characters; Athena takes lower case, digits and underscores, which the caller puts for hyphens.
GLUE_DATABASE = NameRule(limit=255, extra="_")
# Amazon ECR: 2 to 256 characters, begins with a letter, one separator at a time.
ECR_REPOSITORY = NameRule(limit=256, minimum=2, starts_with_letter=True)
# AWS KMS: 256 characters with the prefix `alias/`, which callers put in front; `aws/` is reserved.
KMS_ALIAS = NameRule(limit=250, extra="_")


# Amazon SNS API CreateTopic: 256 letters, digits, hyphens and underscores.
SNS_TOPIC = NameRule(limit=256, extra="_")
# CloudTrail User Guide, "Naming requirements": 3 to 128, begins with a letter or digit, none of ._- twice in a row.
CLOUDTRAIL = NameRule(limit=128, minimum=3, extra="_")
# AWS Budgets API: 100 characters, without a colon or backslash.
BUDGET = NameRule(limit=100, extra="_")
# Amazon EC2 API CreateSecurityGroup: 255 characters; `sg-` is reserved.
SECURITY_GROUP = NameRule(limit=255, extra="_", reserved_prefixes=("sg-",))


def physical_name(parts: Sequence[str], rule: NameRule) -> str:
    """Return the name for `parts` (blueprint, scope, purpose, …) under `rule`.

    Only the first part may contain hyphens without a hash being appended: the others have none, so that the joined
    name can be read back in one way only.
    """
    joined = "-".join(parts)
    if rule.accepts(joined) and _unambiguous(parts) and not _LOOKS_HASHED.search(joined):
        return joined
    digest = content_hash(list(parts))
    stem = _legal_stem(joined, rule)[: rule.limit - _HASH_LENGTH - 1].rstrip("-" + rule.extra)
    return f"{stem}-{digest}"


def content_hash(spec: Any) -> str:
    """Return ten hexadecimal digits that stand for `spec`, a JSON value of plain types."""
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def immutable_name(parts: Sequence[str], spec: pulumi.Input[Any], rule: NameRule) -> pulumi.Output[str]:
    """Return a name that changes with `spec`, for a resource that the platform cannot update in place.

    The replacement then gets a name of its own and can exist beside its predecessor. `spec` may contain outputs. The
    logical name of the resource stays as it is.
    """
    base = physical_name(parts, replace(rule, limit=rule.limit - _HASH_LENGTH - 1))
    return pulumi.Output.from_input(spec).apply(lambda plain: f"{base}-{content_hash(plain)}")


def _unambiguous(parts: Sequence[str]) -> bool:
    return bool(parts) and all(parts) and not any("-" in part for part in parts[1:])


def _legal_stem(text: str, rule: NameRule) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    stem = re.sub(rf"[^a-z0-9{re.escape(rule.extra)}]+", "-", ascii_text).strip("-" + rule.extra)
    if not stem or (rule.starts_with_letter and not stem[0].isalpha()) or stem.startswith(rule.reserved_prefixes):
        stem = f"x-{stem}".rstrip("-")
    return stem
