"""Which dependents cannot outlive a resource that is deleted before it is made again, as Pulumi's engine decides it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi.output import Unknown

from mlops_stacks.executors.embedded.operations import Operator
from mlops_stacks.executors.embedded.state import Entry


def replaced_with(operator: Operator, entry: Entry, candidates: Sequence[Entry]) -> list[Entry]:
    """The candidates that must be replaced because a property of theirs comes from `entry`, directly or not.

    A provider is asked for its diff with that property unknown; if that replaces, the dependent goes too.
    """
    going = {entry.urn: entry}
    while True:
        found = [one for one in candidates if one.urn not in going and _must_go(operator, one, going.keys())]
        if not found:
            return [one for one in going.values() if one is not entry]
        going.update({one.urn: one for one in found})


def _must_go(operator: Operator, entry: Entry, going: Iterable[str]) -> bool:
    affected = [key for key, urns in entry.property_dependencies.items() if not set(urns).isdisjoint(going)]
    if not affected or not entry.custom:
        return False
    unknown = Unknown()  # type: ignore[no-untyped-call]
    news = {**entry.inputs.values, **dict.fromkeys(affected, unknown)}
    return bool(operator.provider(entry).diff(entry.id, entry.outputs.values, news).replaces)
