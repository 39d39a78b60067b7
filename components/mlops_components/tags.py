"""Tags that say whose a resource is, on every resource that can carry any.

They are checked after merging, because a user's tag may be legal alone and still be one too many.
"""

import re
from collections.abc import Mapping

from mlops_components.placement import AwsPlacement

# AWS General Reference, "Tag naming limits and requirements".
_AWS_KEY_LIMIT = 128
_AWS_VALUE_LIMIT = 256
_AWS_COUNT_LIMIT = 50
_AWS_CHARACTERS = re.compile(r"[\w .:/=+\-@]*")


class TagError(ValueError):
    """A tag is illegal on the platform; the message is one sentence that names it."""


def aws_tags(placement: AwsPlacement, stage: str) -> dict[str, str]:
    """Return the tags of a resource of `stage`: the common ones and the user's, checked against AWS's rules.

    Raises `TagError` where a user's tag would hide a common one, or where AWS would refuse a tag.
    """
    common = {
        "managed-by": "mlops-stacks",
        "blueprint": placement["blueprint"],
        "environment": placement["scope"],
        "stage": stage,
    }
    if placement.get("owner"):
        common["owner"] = placement["owner"]
    return _merged(common, placement.get("tags") or {})


def _merged(common: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    hidden = sorted(set(common) & set(own))
    if hidden:
        raise TagError(f"the tag '{hidden[0]}' is set by mlops-stacks itself; choose another key.")
    tags = {**common, **own}
    if len(tags) > _AWS_COUNT_LIMIT:
        surplus = len(tags) - _AWS_COUNT_LIMIT
        raise TagError(f"{len(tags)} tags are more than the {_AWS_COUNT_LIMIT} that AWS allows; leave out {surplus}.")
    for key, value in tags.items():
        _check_aws(key, value)
    return dict(sorted(tags.items()))


def _check_aws(key: str, value: str) -> None:
    if not 1 <= len(key) <= _AWS_KEY_LIMIT:
        raise TagError(f"the tag key '{key[:40]}' has {len(key)} characters; AWS takes 1 to {_AWS_KEY_LIMIT}.")
    if len(value) > _AWS_VALUE_LIMIT:
        raise TagError(f"the value of tag '{key}' has {len(value)} characters; AWS takes at most {_AWS_VALUE_LIMIT}.")
    if key.lower().startswith("aws:"):
        raise TagError(f"the tag key '{key}' begins with 'aws:', which AWS keeps for itself; choose another key.")
    for text, what in ((key, "key"), (value, "value")):
        if not _AWS_CHARACTERS.fullmatch(text):
            raise TagError(f"the {what} of tag '{key}' may contain letters, digits, spaces and _ . : / = + - @ only.")
