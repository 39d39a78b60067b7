"""What it takes to deploy one resource type: which actions, on which ARN."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The permissions with which a provider creates, reads, updates and deletes one resource type.

    Actions are words of one text: a service's prefix ends with a colon and holds for the words after it, as in
    `s3: CreateBucket DeleteBucket iam: GetRole`.
    """

    arns: tuple[str, ...]
    """ARNs. `{name}` stands for the input of that name; `{region}`, `{account}` and `{partition}` for the place."""
    actions: str
    """Actions on these ARNs."""
    anywhere: str = ""
    """Actions that AWS ties to no resource, so that they can be allowed on `*` only."""
    own: str = ""
    """Actions on these ARNs where AWS chooses the name: allowed only on what carries this blueprint's tag."""
    tagging: str = ""
    """Actions that put tags on what AWS names, allowed only where they put on this blueprint's."""
    key: str = ""
    """Actions on the encryption key that the resource refers to."""
    key_for_services: str = ""
    """The same for grants that the service makes for itself (`kms:GrantIsForAWSResource`)."""
    image: str = ""
    """Actions on the repository of the image that the resource runs: the service asks whether its caller may pull."""
    linked: tuple[str, ...] = ()
    """Services whose service-linked role is made with the first resource of this type in an account."""
    hashed: bool = False
    """The name ends with a hash of the content, which the next release changes."""


def words(text: str) -> tuple[str, ...]:
    """The actions of a text in full: `s3: A B iam: C` are `s3:A`, `s3:B` and `iam:C`."""
    service, found = "", []
    for word in text.split():
        if word.endswith(":"):
            service = word
        else:
            found.append(f"{service}{word}")
    return tuple(found)


def arn(service: str, resource: str) -> str:
    """An ARN in the region and account of the resource."""
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"
