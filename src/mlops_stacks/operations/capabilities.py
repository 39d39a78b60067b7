"""Which engine does what, where: generated from the table that validation uses, never written down twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from mlops_stacks.blueprint.engines import engines_of
from mlops_stacks.blueprint.vocabulary import Platform, Stage


@dataclass(frozen=True)
class Capability:
    """One engine of one stage on one platform."""

    stage: str
    platform: str
    engine: str
    title: str
    default: bool
    """Whether a blueprint that names no engine gets this one."""
    ready: bool
    """Whether it has a component."""
    remark: str
    """The upstream's state, where it is not simply maintained."""

    @property
    def state(self) -> str:
        """For people."""
        return "; ".join(part for part in ("ready" if self.ready else "planned", self.remark) if part)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def capabilities() -> Iterator[Capability]:
    """Every engine, by stage and platform in display order, the default one first."""
    for stage in Stage:
        for platform in Platform:
            for number, engine in enumerate(engines_of(stage, platform)):
                yield Capability(
                    stage.value,
                    platform.value,
                    engine.name,
                    engine.title,
                    number == 0,
                    engine.has_component,
                    engine.state,
                )
