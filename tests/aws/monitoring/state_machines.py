"""A small reading of the states language with JSONata: enough to run the state machines of monitoring here.

Follows the Step Functions Developer Guide, "Transforming data with JSONata in Step Functions": what is between `{%` and
`%}` is evaluated, variables are assigned when a state has ended, `$uuid` is one of Step Functions' own functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

jsonata = pytest.importorskip("jsonata", reason="the package jsonata-python is not installed")

Task = Callable[[str, dict[str, Any]], Any]


class StateMachine:
    """Runs a definition; `task` answers what services are asked."""

    def __init__(self, definition: str, task: Task) -> None:
        self._definition, self._task = json.loads(definition), task
        self.variables: dict[str, Any] = {}
        self.path: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def run(self, given: Any) -> None:
        """Run from the first state to an end."""
        assert self._definition["QueryLanguage"] == "JSONata"
        name = self._definition["StartAt"]
        while name:
            assert len(self.path) < 50, self.path
            self.path.append(name)
            name = self._state(self._definition["States"][name], given)

    def _state(self, state: dict[str, Any], given: Any) -> str | None:
        states: dict[str, Any] = {"input": given}
        if state["Type"] == "Task":
            arguments = self._value(state["Arguments"], states)
            service = state["Resource"].rsplit("aws-sdk:", 1)[1]
            self.asked.append((service, arguments))
            states["result"] = self._task(service, arguments)
        if state["Type"] == "Wait":
            assert self._value(state["Seconds"], states) >= 0
        if state["Type"] == "Choice":
            for choice in state["Choices"]:
                if self._value(choice["Condition"], states) is True:
                    return str(choice["Next"])
            return str(state["Default"])
        self.variables.update(self._value(state.get("Assign", {}), states))
        return state.get("Next")

    def _value(self, value: Any, states: dict[str, Any]) -> Any:
        if isinstance(value, dict):
            return {key: self._value(item, states) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, states) for item in value]
        if not (isinstance(value, str) and value.startswith("{%")):
            return value
        expression = jsonata.Jsonata(value.removeprefix("{%").removesuffix("%}").strip())
        frame = expression.create_frame()
        for name, known in {**self.variables, "states": states}.items():
            frame.bind(name, known)
        expression.register_lambda("uuid", lambda: "7bf73129-1428-4cd3-a780-95db273d1602")
        expression.register_lambda("parse", json.loads)
        found = expression.evaluate(None, frame)
        assert found is not None, f"{value} is undefined, which Step Functions refuses"
        return found
