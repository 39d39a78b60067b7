"""Merges parameters: the workload's defaults, then the blueprint's, then the run's."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from mlops_stacks.runtime.errors import SettingsError

CHECK_PARAMETERS: Mapping[str, Any] = {
    "drift_psi_limit": 0.25,
    "drift_action": "warn",
    "leakage_auc_limit": 0.95,
    "segment_minimum_rows": 100,
}
"""Parameters of the pipeline's own checks, which every workload has.

`drift_psi_limit`: population stability index above which a column counts as drifted (0.25 is the customary sign of a
major shift). `drift_action`: `warn` reports it, `fail` stops the run; `warn` is the default because a retraining that
drift has started must not be refused because of drift. `leakage_auc_limit`: an input that alone ranks a yes-or-no
label better than this is refused. `segment_minimum_rows`: smaller segments are not reported.
"""


def merged(
    defaults: Mapping[str, Any], blueprint: Mapping[str, Any], run: Mapping[str, Any], workload: str
) -> dict[str, Any]:
    """The parameters of a run. Raises `SettingsError` for an unknown name or a value of the wrong type."""
    values = {**CHECK_PARAMETERS, **defaults}
    for source, overlay in (("the blueprint", blueprint), ("the run", run)):
        for name, value in overlay.items():
            if name not in values:
                raise SettingsError(_unknown(name, source, values, workload))
            default = defaults.get(name, CHECK_PARAMETERS.get(name))
            values[name] = _typed(name, value, default, source)
    return values


def _unknown(name: str, source: str, known: Mapping[str, Any], workload: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(f'`{k}`' for k in sorted(known))}."
    return f"{source} sets the parameter `{name}`, which the workload {workload} does not have: {hint}"


def _typed(name: str, value: Any, default: Any, source: str) -> Any:
    """`value` in the type of `default`; a run's parameters arrive as text, so text is read as JSON where need be."""
    if default is None or isinstance(default, str):
        return value if default is None else str(value)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise SettingsError(_wrong_type(name, value, default, source)) from None
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise SettingsError(_wrong_type(name, value, default, source))
    return value


def _wrong_type(name: str, value: Any, default: Any, source: str) -> str:
    kind = type(default).__name__
    return f"{source} sets the parameter `{name}` to {value!r}, but it is of type {kind} (default {default!r})."
