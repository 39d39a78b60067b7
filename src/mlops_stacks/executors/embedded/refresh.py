"""Looks at what really is: reads every resource at the start of a run, side by side, and again where that is stale."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from mlops_stacks.executors.embedded.operations import Operator
from mlops_stacks.executors.embedded.state import Entry
from mlops_stacks.executors.embedded.values import PROVIDER, Bag, changed_keys, mark_secrets, unseal


@dataclass(frozen=True)
class Seen:
    """A resource as it was found. `inputs` is what the provider says the inputs amount to now, if it says so."""

    outputs: Bag
    inputs: Mapping[str, Any] | None
    drifted: bool


class Refresher:
    """Reads resources; what was read before anything changed is used only as long as nothing has."""

    def __init__(self, operator: Operator, workers: int) -> None:
        self._operator = operator
        self._pool = ThreadPoolExecutor(max_workers=workers)
        self._ahead: dict[str, Future[Seen | None]] = {}
        self._stale = threading.Event()

    def begin(self, entries: Iterable[Entry]) -> None:
        """Start to read; a resource with secrets waits until the program supplies them."""
        for entry in entries:
            if entry.custom and entry.id and not (entry.inputs.digests or entry.outputs.digests):
                self._ahead[entry.key] = self._pool.submit(self._read, entry, Bag({}), frozenset())

    def invalidate(self) -> None:
        """Something has been changed, and other resources may have felt it: read them again."""
        self._stale.set()

    def look(self, entry: Entry, inputs: Bag, secret_outputs: frozenset[str]) -> Seen | None:
        """The resource as it is now, None if it is gone."""
        ahead = self._ahead.get(entry.key)
        if ahead and not self._stale.is_set() and not inputs.secrets and not secret_outputs:
            wait([ahead])
            # An operation may have begun while this was being read.
            if not self._stale.is_set():
                return ahead.result()
        return self._read(entry, inputs, secret_outputs)

    def end(self) -> None:
        """Read no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, entry: Entry, inputs: Bag, secret_outputs: frozenset[str]) -> Seen | None:
        known = unseal(entry.outputs, inputs)
        found = self._operator.provider(entry).read(entry.id, known.values)
        if found is None:
            return None
        outputs = mark_secrets(found[0], inputs, secret_outputs | known.secrets)
        return Seen(outputs, found[1], drifted=bool(changed_keys(entry.outputs, outputs) - {PROVIDER}))
