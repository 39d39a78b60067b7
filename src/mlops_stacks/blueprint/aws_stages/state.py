"""Where Pulumi's state of a blueprint is kept on AWS, and what encrypts its secrets, where nobody said otherwise."""

from __future__ import annotations


def state_bucket(blueprint: str, account: str) -> str:
    """Name of the bucket that `mlops-stacks bootstrap` tells people to make."""
    return f"{blueprint}-pulumi-state-{account}"


def secrets_alias(blueprint: str) -> str:
    """Alias of the key that `mlops-stacks bootstrap` tells people to make."""
    return f"alias/{blueprint}-pulumi"
