"""The blueprint itself, and what of it an environment may set anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, JsonValue, StringConstraints, Tag

from mlops_components.spec.feature import FeatureGroup
from mlops_stacks.blueprint.base import Key, Model, Name
from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.engines import engines_of, find_engine
from mlops_stacks.blueprint.model import Models
from mlops_stacks.blueprint.stage_options import StageOptions
from mlops_stacks.blueprint.target import Target
from mlops_stacks.blueprint.vocabulary import COMPOSITION_ORDER, SHARED, Lifecycle, Platform, Stage, is_platform

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class Owner(Model):
    """Who answers for the platform."""

    name: str
    email: Email | None = None


class Notification(Model):
    """Who is told of outcomes and alarms, and asked for approvals."""

    email: Email
    on: tuple[Literal["success", "failure", "alarm", "budget", "approval"], ...] = ("failure", "alarm")
    """Where nobody is there for `approval`, delivery asks who hears of failures, else who hears of successes."""


class Workload(Model):
    """The user's ML code."""

    entry_point: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")]
    """`package.module:attribute`: an object that fulfils `mlops_stacks.runtime.workload.Workload`."""
    path: str = "."
    """Folder that holds the package, relative to the blueprint."""
    image: str | None = None
    """An image of your own that honours the step command, instead of the one that CI 1 builds."""


class SecretFromEnvironment(Model):
    """A secret that is in an environment variable of whoever runs the step."""

    source: Literal["environment"]
    variable: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SecretFromFile(Model):
    """A secret that is the content of a file, readable by its owner only."""

    source: Literal["file"]
    path: str


class SecretFromManager(Model):
    """A secret in the platform's own store, by its name or ARN."""

    source: Literal["manager"]
    name: str


SecretReference = Annotated[SecretFromEnvironment | SecretFromFile | SecretFromManager, Field(discriminator="source")]


class Role(StrEnum):
    """What a team may do."""

    VIEWER = "viewer"
    """Look at runs, models and dashboards."""
    CONTRIBUTOR = "contributor"
    """Also experiment and train."""
    APPROVER = "approver"
    """Also approve versions and releases."""


class Access(Model):
    """A team, and what it may do."""

    role: Role
    members: tuple[str, ...] = ()
    """Identities in the platform's own spelling: an IAM principal's ARN, an e-mail, a group."""


class Override(Model):
    """Patches a property of each resource that matches; one that matches nothing is an error."""

    type: str
    """Type token, with wildcards: `aws:s3/bucket:Bucket`, `aws:s3/*`."""
    name: str = "*"
    """Logical name, with wildcards."""
    set: dict[str, JsonValue]
    """Property path (provider names, dots between levels) -> value."""


def _options_class(stage: Stage, raw: Any) -> str:
    """Name of the class which reads this stage's options; unknown engines get the common ones, and a finding later."""
    if isinstance(raw, StageOptions):
        return type(raw).__name__
    engine = None
    if isinstance(raw, Mapping) and is_platform(raw.get("platform")):
        engine = find_engine(stage, Platform(raw["platform"]), raw.get("engine"))
    return engine.options.__name__ if engine else StageOptions.__name__


def _chosen(stage: Stage) -> Any:
    """The options of a stage: those of its engine, as the rows of the engines say."""
    named = {engine.options.__name__: engine.options for engine in engines_of(stage)}
    classes = [cls for _, cls in sorted(named.items()) if cls is not StageOptions] + [StageOptions]
    if len(classes) == 1:
        return StageOptions
    tagged: list[Any] = [Annotated[cls, Tag(cls.__name__)] for cls in classes]
    return Annotated[reduce(or_, tagged), Discriminator(lambda raw: _options_class(stage, raw))]


class Stages(Model):
    """The stages that a blueprint has; each may be left out."""

    foundation: _chosen(Stage.FOUNDATION) | None = None  # type: ignore[valid-type]
    feature_store: _chosen(Stage.FEATURE_STORE) | None = None  # type: ignore[valid-type]
    workbench: _chosen(Stage.WORKBENCH) | None = None  # type: ignore[valid-type]
    continuous_integration: _chosen(Stage.CONTINUOUS_INTEGRATION) | None = None  # type: ignore[valid-type]
    pipeline_delivery: _chosen(Stage.PIPELINE_DELIVERY) | None = None  # type: ignore[valid-type]
    experiment_tracking: _chosen(Stage.EXPERIMENT_TRACKING) | None = None  # type: ignore[valid-type]
    training_pipeline: _chosen(Stage.TRAINING_PIPELINE) | None = None  # type: ignore[valid-type]
    model_registry: _chosen(Stage.MODEL_REGISTRY) | None = None  # type: ignore[valid-type]
    serving: _chosen(Stage.SERVING) | None = None  # type: ignore[valid-type]
    monitoring: _chosen(Stage.MONITORING) | None = None  # type: ignore[valid-type]

    def items(self) -> Iterator[tuple[Stage, StageOptions]]:
        """The stages that are there, in composition order."""
        for stage in COMPOSITION_ORDER:
            chosen = getattr(self, stage.value)
            if chosen is not None:
                yield stage, chosen

    def engine(self, stage: Stage) -> Engine | None:
        """The engine of a stage that is there."""
        chosen: StageOptions | None = getattr(self, stage.value)
        return None if chosen is None else find_engine(stage, chosen.platform, chosen.engine)


class Settings(Model):
    """What an environment may set anew; a mapping is merged key by key, everything else is replaced."""

    model_config = ConfigDict(extra="ignore")

    owners: tuple[Owner, ...] = ()
    tags: dict[str, str] = {}
    notifications: tuple[Notification, ...] = ()
    stages: Stages
    workload: Workload | None = None
    feature_groups: dict[Key, FeatureGroup] = {}
    models: Models = {}
    secrets: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")], SecretReference] = {}
    """Environment variable of the steps -> where its value is. Values never stand in a blueprint."""
    access: dict[Key, Access] = {}
    """Team -> what it may do."""
    lifecycle: Lifecycle = Lifecycle.RETAIN
    """What `destroy` does to what holds data, where a stage does not say otherwise."""
    overrides: tuple[Override, ...] = ()

    def lifecycle_of(self, stage: Stage) -> Lifecycle:
        """The lifecycle of a stage's data."""
        chosen: StageOptions | None = getattr(self.stages, stage.value)
        return (chosen.lifecycle if chosen else None) or self.lifecycle


class Environment(Model):
    """One environment: where it lives, and in what it differs."""

    target: Target | None = None
    """Mandatory on a cloud."""
    targets: dict[Platform, Target] = {}
    """Targets of stages on other platforms."""
    settings: Settings
    """The blueprint's settings under this environment's overlay."""

    def target_on(self, platform: Platform) -> Target | None:
        """The target on this platform."""
        if self.target is not None and self.target.platform == platform:
            return self.target
        return self.targets.get(platform)


class Blueprint(Model):
    """A whole blueprint, resolved: each environment carries its own settings."""

    schema_version: Literal[1]
    name: Name
    platform: Platform
    shared: Environment
    """The scope of what exists once; its target is by default the first environment's."""
    environments: dict[Name, Environment]
    """In the order of the file, which is the order of promotion."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes, in the order in which `up` does them."""
        return (SHARED, *self.environments)

    def scope(self, name: str) -> Environment:
        """A scope by its name; raises KeyError."""
        return self.shared if name == SHARED else self.environments[name]

    def stack(self, scope: str) -> str:
        """Name of the Pulumi stack of a scope."""
        return f"{self.name}-{scope}"
