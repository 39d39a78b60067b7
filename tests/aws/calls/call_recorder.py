"""Records which calls to AWS our own code makes, whoever makes the client: boto3, s3fs, or a library in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore
from botocore.session import Session

_EMULATED = "123456789012"
"""The emulator's account."""
_EVENT = "before-parameter-build"
"""botocore emits this once a call, before retries, with the parameters as the caller gave them."""


@dataclass(frozen=True)
class Call:
    """One call: `s3`, `GetObject`, and what it was given; the content of objects is left out."""

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(hash=False)

    def in_account(self, account: str) -> Call:
        """The same call, had the emulator been this account."""
        return Call(self.service, self.operation, _moved(self.parameters, account))

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.service}.{self.operation}({given})"[:400]


def _moved(value: Any, account: str) -> Any:
    if isinstance(value, str):
        return value.replace(f":{_EMULATED}:", f":{account}:")
    if isinstance(value, Mapping):
        return {name: _moved(one, account) for name, one in value.items()}
    return [_moved(one, account) for one in value] if isinstance(value, list) else value


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The calls that this process makes inside the block, in order.

    Only clients made inside are heard. Those that libraries kept from before are therefore forgotten first, and those
    made here are afterwards.
    """
    calls: list[Call] = []

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        given = {name: value for name, value in params.items() if name != "Body"}
        calls.append(Call(model.service_model.service_name, model.name, given))

    def listen(session: Session) -> None:
        session.register(_EVENT, note)

    forget_clients()
    botocore.register_initializer(listen)
    try:
        yield calls
    finally:
        botocore.unregister_initializer(listen)
        forget_clients()


def forget_clients() -> None:
    """Let boto3 and s3fs make new clients: they keep theirs for the life of a process."""
    import boto3
    from s3fs import S3FileSystem

    boto3.DEFAULT_SESSION = None
    S3FileSystem.clear_instance_cache()
