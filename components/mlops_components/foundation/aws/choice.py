"""Whether a foundation creates a resource, uses one that is there, or does without."""

from enum import StrEnum
from typing import NotRequired, Optional

from typing_extensions import TypedDict


class Choice(StrEnum):
    """Where a resource comes from."""

    CREATE = "create"
    """The foundation creates and owns it."""
    ADOPT = "adopt"
    """It exists already; the foundation refers to it and changes nothing about it."""
    SKIP = "skip"
    """The foundation does without."""


class AwsKeyChoice(TypedDict):
    """The key that encrypts everything of a scope."""

    choice: NotRequired[Choice]
    """Default `create`. With `skip`, buckets and images are encrypted with keys that AWS owns."""
    arn: NotRequired[str]
    """ARN of the key to adopt; its policy must let this account use it."""
    deletion_window_days: NotRequired[int]
    """A deleted key can be saved for so many days, 7 to 30; default 30."""


class AwsBucketChoice(TypedDict):
    """One bucket of a scope."""

    choice: NotRequired[Choice]
    """Default `create`. With `skip`, what would go there goes into a folder of the artifacts bucket."""
    name: NotRequired[str]
    """Name of the bucket to adopt; its owner keeps it encrypted, versioned and private."""
    expire_days: NotRequired[Optional[int]]
    """Objects of a created bucket are deleted after so many days; null keeps them. Default: 90 for captures, 365 for
    logs, and kept elsewhere."""
