"""One way to implement one stage, and what in a blueprint it turns into something.

Whether an engine has a component is read from the code (its module is there), never written down. `reads` names the
blueprint fields that the component makes use of: a field which nobody in a blueprint reads is refused at validation,
with the reason, instead of being dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from keyword import iskeyword
from typing import Any

from mlops_stacks.blueprint.stage_options import StageOptions
from mlops_stacks.blueprint.vocabulary import Platform, Stage


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to implement one stage.

    `reads` are patterns of field paths from the blueprint's root: `*` stands for one key or index, `**` for all that
    follows. The options of the stage itself are read by definition, but for those in `ignores`, with the reason.
    """

    stage: Stage
    name: str
    platform: Platform
    title: str
    options: type[StageOptions] = StageOptions
    reads: tuple[str, ...] = ()
    needs: tuple[Stage, ...] = ()
    """Stages without which this engine cannot work."""
    ignores: tuple[tuple[str, str], ...] = ()
    """Option -> why it means nothing here."""
    decision: str = ""
    """What somebody must have decided before this engine can be used; empty: its defaults do."""
    elsewhere: bool = False
    """Whether other platforms have an engine of this name."""
    native: bool = False
    """Whether it also takes resources that only AWS's Cloud Control provider has (aws-native)."""
    state: str = ""
    """The upstream's state, if it is not simply maintained, with a date."""

    @property
    def module(self) -> str:
        """The module in which the component is, or will be."""
        package = f"mlops_components.{self.stage.value}"
        # Each platform's component is one of its own, and a word of Python's cannot name a module.
        name = f"{self.platform}_{self.name}" if self.elsewhere or iskeyword(self.name) else self.name
        return f"{package}.{name}.foundation" if self._is_package else f"{package}.{name}"

    @property
    def _is_package(self) -> bool:
        return self.stage is Stage.FOUNDATION and self.name != Platform.LOCAL

    @property
    def has_component(self) -> bool:
        """Whether this engine can be composed today."""
        return _module_exists(self.module)

    def reads_field(self, path: str) -> bool:
        """Whether this engine makes use of the blueprint field at `path` (dotted, from the root)."""
        own = f"stages.{self.stage.value}."
        if path.startswith(own):
            return True
        return any(_matches(path.split("."), pattern.split(".")) for pattern in self.reads)


def _matches(path: list[str], pattern: list[str]) -> bool:
    if pattern[-1] == "**":
        return len(path) >= len(pattern) and _matches(path[: len(pattern) - 1], pattern[:-1])
    return len(path) == len(pattern) and all(want in ("*", part) for part, want in zip(path, pattern, strict=True))


@cache
def _module_exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


# Fields that many engines read, and what many ignore.
TAGS = ("owners.**", "tags.*")
MODEL_NAMES = ("models.*",)
STEP_FIELDS = (
    "workload.entry_point",
    "workload.path",
    "secrets.**",
    "models.*.parameters.**",
    "models.*.acceptance.**",
    "models.*.approval",
    "models.*.pipeline.schedule.**",
    "models.*.pipeline.retries",
    "models.*.pipeline.timeout_minutes",
    "models.*.release",
    "models.*.features.**",
)
STATELESS = (("lifecycle", "nothing in this stage holds data"),)


def engine_on(platform: Platform, stage: Stage, name: str, title: str, **more: Any) -> Engine:
    """An engine of one platform."""
    return Engine(stage, name, platform, title, **more)
