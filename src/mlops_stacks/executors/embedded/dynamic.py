"""Calls dynamic providers the way in which Pulumi's own host does, so that a resource behaves alike under both.

A provider is unpickled once in a process, configured once, and receives the properties with `__provider` among them.
Each call has a time limit: it runs in a thread of its own, because a thread cannot be stopped, only left behind.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, TypeVar

import dill  # type: ignore[import-untyped]
from pulumi.dynamic import (
    CheckFailure,
    Config,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime._serialization import _deserialize

from mlops_stacks.executors.embedded.errors import OperationError
from mlops_stacks.executors.embedded.values import PROVIDER, normalised

DEFAULT_LIMIT = 300.0
"""Seconds that an operation may take if the resource's `customTimeouts` say nothing."""

Values = Mapping[str, Any]
Result = TypeVar("Result")

_loaded: dict[tuple[str, str], ResourceProvider] = {}
_loading = threading.Lock()


class Provider:
    """The operations of one resource's provider; every failure is an `OperationError` that names the resource."""

    def __init__(self, pickled: str, project: str, subject: str, limits: Mapping[str, float]) -> None:
        self._pickled = pickled
        self._subject = subject
        self._limits = limits
        self._provider = self._call("load", lambda: _load(pickled, project))

    def check(self, olds: Values, news: Values) -> tuple[dict[str, Any], list[CheckFailure]]:
        """The inputs to use, and what is wrong with them."""
        result = self._call("check", lambda: self._provider.check({**olds}, {**news}))
        inputs = self._normalised(result.inputs, "check")
        inputs[PROVIDER] = news[PROVIDER]
        return inputs, list(result.failures or ())

    def diff(self, id_: str, outputs: Values, news: Values) -> DiffResult:
        """What would have to change."""
        return self._call("diff", lambda: self._provider.diff(id_, {**outputs}, {**news}))

    def create(self, inputs: Values) -> tuple[str, dict[str, Any]]:
        """The id and outputs of what now exists."""
        result: CreateResult = self._call("create", lambda: self._provider.create({**inputs}))
        if not isinstance(result.id, str) or not result.id:
            raise OperationError(f"create of {self._subject} gave no id: its provider must return one")
        return result.id, self._outputs(result.outs, inputs, "create")

    def update(self, id_: str, outputs: Values, news: Values) -> dict[str, Any]:
        """The outputs of what has been updated."""
        result: UpdateResult = self._call("update", lambda: self._provider.update(id_, {**outputs}, {**news}))
        return self._outputs(result.outs, news, "update")

    def read(self, id_: str, outputs: Values) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        """The outputs as they are now, with the inputs if the provider gives them; None if the thing is gone."""
        result: ReadResult = self._call("read", lambda: self._provider.read(id_, {**outputs}))
        if not result.id:
            return None
        inputs = None if result.inputs is None else self._outputs(result.inputs, outputs, "read")
        return self._outputs(result.outs, outputs, "read"), inputs

    def delete(self, id_: str, properties: Values) -> None:
        """Take the thing away; `properties` are its outputs, or its inputs if its create was never completed."""
        self._call("delete", lambda: self._provider.delete(id_, {**properties}))

    def residue(self, id_: str, properties: Values) -> tuple[str, ...]:
        """What a provider with a method `residue(id, properties)` says is left after the deletion, in sentences."""
        ask = getattr(self._provider, "residue", None)
        return tuple(self._call("residue", lambda: ask(id_, {**properties}))) if ask else ()

    def _outputs(self, outputs: Values | None, properties: Values, operation: str) -> dict[str, Any]:
        return {**self._normalised(outputs or {}, operation), PROVIDER: properties[PROVIDER]}

    def _normalised(self, values: Values, operation: str) -> dict[str, Any]:
        place = f"{operation} of {self._subject}"
        named = {key: normalised(value, f"{place}: {key}") for key, value in values.items()}
        return {key: value for key, value in named.items() if value is not None}

    def _call(self, operation: str, call: Callable[[], Result]) -> Result:
        limit = self._limits.get(operation, DEFAULT_LIMIT)
        future: Future[Result] = Future()
        threading.Thread(target=_settle, args=(future, call), daemon=True).start()
        if not wait([future], timeout=limit).done:
            raise OperationError(
                f"{operation} of {self._subject} took longer than its limit of {limit:g} seconds; "
                "find out what it waits for, or allow more with customTimeouts"
            )
        if error := future.exception():
            raise OperationError(f"{operation} of {self._subject} failed: {_cause(error)}") from error
        return future.result()


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 it is raised where the result is awaited
        future.set_exception(error)


def _cause(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if text and not isinstance(error, KeyError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _load(pickled: str, project: str) -> ResourceProvider:
    with _loading:
        key = (project, pickled)
        if key not in _loaded:
            provider = _deserialize(lambda: dill.loads(base64.b64decode(pickled)))  # noqa: S301 the state is the user's
            provider.configure(ConfigureRequest(config=Config(raw_config={}, project_name=project)))
            _loaded[key] = provider
        return _loaded[key]
