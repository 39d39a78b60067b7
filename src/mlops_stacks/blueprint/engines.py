"""Which engines there are, on every platform."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.engine_rows import aws, azure, gcp, kubernetes, local
from mlops_stacks.blueprint.vocabulary import Platform, Stage

ENGINES: tuple[Engine, ...] = tuple(engine for rows in (aws, gcp, azure, kubernetes, local) for engine in rows.ENGINES)


def engines_of(stage: Stage, platform: Platform | None = None) -> Iterator[Engine]:
    """The engines of a stage (on a platform), the default one first."""
    return (e for e in ENGINES if e.stage is stage and (platform is None or e.platform is platform))


def find_engine(stage: Stage, platform: Platform, name: str | None) -> Engine | None:
    """The engine of this name, or the platform's default one; None where there is no such engine."""
    return next((e for e in engines_of(stage, platform) if name is None or e.name == name), None)
