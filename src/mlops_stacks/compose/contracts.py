"""Contracts across stacks: exported once by the scope that fulfils them, read by later scopes."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import get_annotations
from types import SimpleNamespace
from typing import Any

import pulumi

from mlops_stacks.blueprint.vocabulary import SHARED, Stage


def export_contract(stage: Stage, component: pulumi.ComponentResource) -> None:
    """Export every output of a component under its stage's name."""
    outputs = {attribute: getattr(component, attribute) for attribute in sorted(get_annotations(type(component)))}
    pulumi.export(stage.value, outputs)


class SharedContracts:
    """The contracts of the shared scope, as another scope sees them: through one stack reference."""

    def __init__(self, stack: str) -> None:
        self._name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
        self._reference: pulumi.StackReference | None = None
        self._contracts: dict[Stage, Any] = {}

    def read(self, stage: Stage) -> Any:
        """The contract of a stage of the shared scope; its attributes are Outputs, as on the component itself."""
        if self._reference is None:
            self._reference = pulumi.StackReference(SHARED, stack_name=self._name)
        if stage not in self._contracts:
            # Kept: each look at a stack reference walks through all that the stack exports, however many models.
            self._contracts[stage] = _Imported(stage, self._reference.require_output(stage.value))
        return self._contracts[stage]


class _Imported(SimpleNamespace):
    """Attributes are looked up in the exported outputs when they are first asked for."""

    def __init__(self, stage: Stage, outputs: pulumi.Output[Mapping[str, Any]]) -> None:
        super().__init__(stage=stage, outputs=outputs)

    def __getattr__(self, attribute: str) -> pulumi.Output[Any]:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        stage = self.stage
        found: pulumi.Output[Any] = self.outputs.apply(lambda outputs: _attribute(outputs, stage, attribute))
        setattr(self, attribute, found)
        return found


def _attribute(outputs: Mapping[str, Any], stage: Stage, attribute: str) -> Any:
    if attribute not in outputs:
        raise KeyError(f"the shared stack exports no `{attribute}` of {stage}: run `up` for the shared scope first")
    return outputs[attribute]
