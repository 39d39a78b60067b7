"""A flat program with the resources of any plan: each handed to its class of the SDK, one after the other.

For blueprints that are too large to write by hand a second time. It knows neither blueprint nor component: it reads a
file that `record` wrote, so that nothing of what composing costs is in its time. A test keeps it equal to the plan.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
from planning import PROJECT, plan_scopes

from mlops_stacks.executors.names import ORGANIZATION
from mlops_stacks.plan import Plan, ScopePlan

_TOKEN = re.compile(r"\$\{(urn:pulumi:[^#}]+)#([^}]+)\}")
_PACKAGES = {"aws": "pulumi_aws", "aws-native": "pulumi_aws_native"}
_MODULES = {"lambda": "lambda_"}
_REFERENCE = "pulumi:pulumi:StackReference"
_Path = tuple[str, ...]
"""Where an exported value is: the stack's full name, the output, and the keys within it."""


def record(plan: Plan) -> str:
    """What the program reads: each scope's outputs, and its resources, components left out, in their order."""
    return json.dumps(
        {
            "blueprint": plan.blueprint,
            "platform": plan.platform,
            "scopes": {
                scope.scope: {
                    "stack": f"{ORGANIZATION}/{PROJECT}/{scope.stack}",
                    "outputs": scope.outputs,
                    "resources": [
                        {
                            "urn": resource.urn,
                            "type": resource.type,
                            "name": resource.name,
                            "inputs": resource.inputs,
                            "options": resource.options,
                            "dependencies": resource.dependencies,
                        }
                        for resource in scope.resources
                        if resource.custom
                    ],
                }
                for scope in plan.scopes
            },
        }
    )


def _class_of(token: str) -> type[pulumi.CustomResource]:
    if token.startswith("pulumi:providers:"):
        return importlib.import_module(_PACKAGES[token.rpartition(":")[2]]).Provider  # type: ignore[no-any-return]
    package, module, name = token.split(":")
    folder = module.partition("/")[0]
    found = importlib.import_module(f"{_PACKAGES[package]}.{_MODULES.get(folder, folder)}")
    return getattr(found, name)  # type: ignore[no-any-return]


class _Scope:
    """One scope's resources, as they come into being."""

    def __init__(self, recorded: Mapping[str, Any], exported: Mapping[str, _Path]) -> None:
        self._recorded = recorded
        self._exported = exported
        self._made: dict[str, pulumi.CustomResource] = {}
        self._references: dict[str, pulumi.StackReference] = {}
        self._imported: dict[tuple[str, str], pulumi.Output[Any]] = {}

    def program(self) -> None:
        """Make them all, then export what later scopes read."""
        for one in self._recorded["resources"]:
            self._made[one["urn"]] = self._reference(one) if one["type"] == _REFERENCE else self._resource(one)
        for name, value in self._recorded["outputs"].items():
            pulumi.export(name, self._value(value))

    def _reference(self, one: Mapping[str, Any]) -> pulumi.StackReference:
        stack = one["options"]["read"]
        self._references[stack] = pulumi.StackReference(one["name"], stack_name=stack)
        return self._references[stack]

    def _resource(self, one: Mapping[str, Any]) -> pulumi.CustomResource:
        kind = _class_of(one["type"])
        parameters = _parameters(kind)  # type: ignore[arg-type]  # mypy takes a class for unhashable
        inputs = {key: item for key, item in one["inputs"].items() if _letters(key) in parameters}
        if kind.__name__ == "Provider":  # a provider's inputs travel as JSON
            inputs = {key: _parsed(item) for key, item in inputs.items()}
        arguments = {parameters[_letters(key)]: self._value(item) for key, item in inputs.items()}
        return kind(one["name"], **arguments, opts=self._options(one))

    def _options(self, one: Mapping[str, Any]) -> pulumi.ResourceOptions:
        options = one["options"]
        return pulumi.ResourceOptions(
            provider=self._made.get(options.get("provider")),  # type: ignore[arg-type]
            protect=options.get("protect"),
            retain_on_delete=options.get("retainOnDelete"),
            deleted_with=self._made.get(options.get("deletedWith")),
            depends_on=[self._made[urn] for urn in one["dependencies"] if urn in self._made],
        )

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, str) and _TOKEN.search(value):
            return self._text(value)
        return value

    def _text(self, text: str) -> Any:
        """A text with the outputs that it refers to."""
        parts = _TOKEN.split(text)
        outputs = [self._output(urn, name) for urn, name in zip(parts[1::3], parts[2::3], strict=True)]
        if len(outputs) == 1 and not parts[0] and not parts[-1]:
            return outputs[0]
        between = parts[::3]
        return pulumi.Output.all(*outputs).apply(
            lambda values: between[0] + "".join(f"{v}{t}" for v, t in zip(values, between[1:], strict=True))
        )

    def _output(self, urn: str, name: str) -> Any:
        made = self._made.get(urn)
        if made is None:
            return self._of_earlier_stack(self._exported[f"${{{urn}#{name}}}"])
        attributes = _outputs(type(made))  # type: ignore[arg-type]  # as above
        return getattr(made, attributes.get(_letters(name), name))

    def _of_earlier_stack(self, path: _Path) -> pulumi.Output[Any]:
        stack, output, *keys = path
        if (stack, output) not in self._imported:  # kept: each look walks through all that the stack exports
            self._imported[stack, output] = self._references[stack].require_output(output)
        return self._imported[stack, output].apply(lambda value: functools.reduce(operator.getitem, keys, value))


def _exports(value: Any, path: _Path) -> Iterator[tuple[str, _Path]]:
    """Each token that an earlier stack exports as it is, and where a later one finds it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _exports(inner, (*path, key))
    elif isinstance(value, str) and _TOKEN.fullmatch(value):
        yield value, path


@functools.cache
def _parameters(kind: type[pulumi.CustomResource]) -> dict[str, str]:
    """Letters of an input -> the constructor's name of it."""
    found = inspect.signature(kind._internal_init).parameters  # type: ignore[attr-defined]
    return {_letters(name): name for name in found}


@functools.cache
def _outputs(kind: type[pulumi.CustomResource]) -> dict[str, str]:
    """Letters of an output -> the attribute."""
    return {_letters(name): name for name in dir(kind) if not name.startswith("_")}


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{", "true", "false")) else value


def plan(recorded: str) -> tuple[ScopePlan, ...]:
    """The plans of all recorded scopes."""
    read = json.loads(recorded)
    programs: dict[str, Callable[[], None]] = {}
    exported: dict[str, _Path] = {}
    for scope, recorded_scope in read["scopes"].items():
        programs[scope] = _Scope(recorded_scope, dict(exported)).program
        exported.update(_exports(recorded_scope["outputs"], (recorded_scope["stack"],)))
    return plan_scopes(read["blueprint"], read["platform"], Path.cwd(), programs)


if __name__ == "__main__":
    plan(Path(sys.argv[1]).read_text(encoding="utf-8"))
