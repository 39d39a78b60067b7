"""The hand-written programs of benchmarks/ hold what the blueprints beside them compose, or comparing times is idle."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.permissions.assumed import filled
from mlops_stacks.plan import SECRET, UNKNOWN, PlannedResource, ScopePlan

pytestmark = pytest.mark.no_cover  # plans of everything, whose lines others cover

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KEPT_OPTIONS = ("protect", "retainOnDelete", "deletedWith", "read", "additionalSecretOutputs", "version")
TOKEN = re.compile(r"\$\{(urn:pulumi:[^#}]+)#([^}]+)\}")
DIGEST = re.compile(r"^[0-9a-f]{64}$")


class Canonical:
    """Resources without their logical names: a reference to one says what it is, not what it is called."""

    def __init__(self, scopes: Iterable[ScopePlan]) -> None:
        self._by_urn = {resource.urn: resource for scope in scopes for resource in scope.resources}

    def resources(self) -> Counter[str]:
        """How often each resource is there, parents and components left out."""
        return Counter(self.text(resource) for resource in self._by_urn.values() if resource.custom)

    def text(self, resource: PlannedResource) -> str:
        """All that matters of a resource."""
        options = {key: self.value(resource.options[key]) for key in KEPT_OPTIONS if key in resource.options}
        parts = [resource.scope, resource.type, self.value(resource.inputs), options]
        return json.dumps(parts, sort_keys=True, indent=1)

    def value(self, value: Any) -> Any:
        """A value with its references resolved; JSON in text is compared as JSON.

        Keys refer too: a build specification names its report groups by their ARNs, in keys.
        """
        if isinstance(value, Mapping):
            return {self.references(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if not isinstance(value, str) or value in (SECRET, UNKNOWN):
            return value
        if value in self._by_urn:
            return self.text(self._by_urn[value])
        if value.lstrip().startswith(("{", "[")) and not TOKEN.match(value) and (parsed := _parsed(value)) is not None:
            return self.value(parsed)
        if DIGEST.match(value):
            return "a hash of a text that holds tokens, which hold logical names"
        return self.references(value)

    def references(self, text: str) -> str:
        """A text in which each token says what it refers to."""
        return TOKEN.sub(lambda token: f"<{self.text(self._by_urn[token[1]])} {token[2]}>", text)


def _parsed(text: str) -> Any:
    """A text as JSON; None for one that only begins like it, such as a template with places for values."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def flat(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A hand-written program, imported as the benchmark runs it: with its folder on the path."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "flat"))
    spec = importlib.util.spec_from_file_location(f"flat_{name}", BENCHMARKS / "flat" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("program", "blueprint"), [("aws_slice", "aws.yaml"), ("local", "local.yaml")])
def test_the_flat_program_holds_the_resources_of_the_blueprint(
    program: str, blueprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = Canonical(plan(open_project(BENCHMARKS / blueprint, BENCHMARKS)).scopes).resources()
    by_hand = Canonical(flat(program, monkeypatch).plan()).resources()
    missing, surplus = list((composed - by_hand).elements()), list((by_hand - composed).elements())
    assert not missing + surplus, "\n".join(["only composed:", *missing, "only by hand:", *surplus])


@pytest.mark.parametrize(
    ("blueprint", "made_late"), [("aws", {"training_pipeline", "serving", "monitoring"}), ("aws-minimal", set())]
)
def test_the_replayed_program_holds_the_resources_of_a_blueprint(
    blueprint: str, made_late: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all that there will be: what an empty account gets is part of it."""
    project = open_project(BENCHMARKS.parent / "blueprints" / f"{blueprint}.yaml", BENCHMARKS, releases=False)
    made = plan(filled(project))
    assert made_late <= {str(resource.stage) for resource in made.resources if resource.custom}
    module = flat("replayed", monkeypatch)
    composed, replayed = (Canonical(scopes).resources() for scopes in (made.scopes, module.plan(module.record(made))))
    missing, surplus = list((composed - replayed).elements()), list((replayed - composed).elements())
    assert not missing + surplus, "\n".join(["only composed:", *missing, "only replayed:", *surplus])


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    module = flat("local", monkeypatch)
    before = Canonical(module.plan()).resources()
    monkeypatch.setitem(module.WORKLOAD, "entry_point", "another:one")
    assert before != Canonical(module.plan()).resources()
