"""Deletes a set of things, each after everything that needs it, side by side where nothing stands between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from mlops_stacks.executors.embedded.errors import OperationError, ProtectedError
from mlops_stacks.executors.embedded.operations import Operator
from mlops_stacks.executors.embedded.state import Entry, State


@dataclass
class Deletions:
    """What came of it: URNs that are gone, sentences on what is left on purpose or in spite of it, and failures."""

    deleted: list[str] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def everything(state: State) -> list[Entry]:
    """All that a stack has or may have: resources, replaced ones, and what unfinished creates may have left."""
    return [*state.resources.values(), *state.doomed.values(), *state.unfinished_creates()]


def refuse_protected(entries: Iterable[Entry]) -> None:
    """Raise `ProtectedError`, naming everything that is; nothing may be deleted then."""
    names = sorted(entry.name for entry in entries if entry.protect)
    if names:
        raise ProtectedError(
            f"nothing was deleted, because {_listed(names)} {'is' if len(names) == 1 else 'are'} protected; "
            "take the protection away and run up first, or keep it"
        )


def delete_all(operator: Operator, entries: Iterable[Entry], workers: int) -> Deletions:
    """Delete `entries`. Where one fails, what it needs stays too, and the rest goes on."""
    by_key = {entry.key: entry for entry in entries}
    going = {entry.urn for entry in by_key.values()}
    sorter = _sorted(by_key)
    result = Deletions()
    running: dict[Future[tuple[str, ...]], Entry] = {}
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        while (ready := sorter.get_ready()) or running:
            for entry in map(by_key.__getitem__, ready):
                if _needs_no_provider(entry, going):
                    _forget(operator, entry, result)
                    sorter.done(entry.key)
                else:
                    running[pool.submit(_delete, operator, entry)] = entry
            if not ready:
                _collect(running, sorter, result)
    finally:
        # An interrupt lets what has begun come to its end and begins nothing more.
        pool.shutdown(cancel_futures=True)
    operator.store.commit()
    return result


def _collect(running: dict[Future[tuple[str, ...]], Entry], sorter: TopologicalSorter[str], result: Deletions) -> None:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        entry = running.pop(future)
        try:
            residue = future.result()
        except OperationError as error:
            result.failures[entry.urn] = str(error)
        else:
            result.deleted.append(entry.urn)
            result.remaining.extend(f"{entry.name} left something behind: {sentence}" for sentence in residue)
            sorter.done(entry.key)


def _delete(operator: Operator, entry: Entry) -> tuple[str, ...]:
    return operator.delete(operator.course(entry, "delete"), entry)


def _needs_no_provider(entry: Entry, going: set[str]) -> bool:
    return not entry.custom or entry.retain_on_delete or entry.deleted_with in going


def _forget(operator: Operator, entry: Entry, result: Deletions) -> None:
    with operator.store.edit() as state:
        state.drop(entry)
    result.deleted.append(entry.urn)
    if entry.custom and entry.retain_on_delete:
        result.remaining.append(f"{entry.name} was kept, because its definition says to retain it")


def _sorted(by_key: Mapping[str, Entry]) -> TopologicalSorter[str]:
    sorter = TopologicalSorter(_needed_by(by_key, by_key))
    try:
        sorter.prepare()
    except CycleError:
        # Only something left over from an earlier program can close a circle, since a program registers what it
        # needs first: what is left over then goes without waiting for its users, as nothing new can need it.
        current = {key: entry for key, entry in by_key.items() if entry.id or not entry.custom}
        newest = {entry.urn: key for key, entry in reversed(current.items())}
        sorter = TopologicalSorter(_needed_by(by_key, {newest[entry.urn]: entry for entry in current.values()}))
        sorter.prepare()
    return sorter


def _needed_by(by_key: Mapping[str, Entry], waiting: Mapping[str, Entry]) -> dict[str, set[str]]:
    """For each key the keys of what must go before it: whatever of `waiting` needs it."""
    users: dict[str, set[str]] = {key: set() for key in by_key}
    by_urn: dict[str, list[str]] = {}
    for key, entry in by_key.items():
        by_urn.setdefault(entry.urn, []).append(key)
    for key, entry in waiting.items():
        for urn in entry.needs:
            for needed in by_urn.get(urn, ()):
                users[needed].add(key)
    return users


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
