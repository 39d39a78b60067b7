"""The rules of a platform's own, module by module: a new one is a file in `<platform>_rules`, and nothing else.

A module there may have `SETTINGS_RULES` (each is given the settings of a scope; its paths begin there) and
`BLUEPRINT_RULES` (each is given the whole blueprint; its paths are those of the resolved shape). `CAUTIONS` are names
and functions of the whole blueprint as well; what they say refuses nothing, but is a warning of every plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from mlops_stacks.blueprint import aws_rules
from mlops_stacks.blueprint.problems import Problem
from mlops_stacks.blueprint.settings import Blueprint, Settings

SettingsRule = Callable[[Settings], Iterable[Problem]]
BlueprintRule = Callable[[Blueprint], Iterable[Problem]]


@cache
def settings_rules() -> tuple[SettingsRule, ...]:
    """The rules about one scope, in the order of their modules' names."""
    return tuple(rule for module in _modules() for rule in getattr(module, "SETTINGS_RULES", ()))


@cache
def blueprint_rules() -> tuple[BlueprintRule, ...]:
    """The rules about several scopes, or about their targets."""
    return tuple(rule for module in _modules() for rule in getattr(module, "BLUEPRINT_RULES", ()))


@cache
def cautions() -> tuple[tuple[str, BlueprintRule], ...]:
    """What a plan warns of, by name; paths begin with a scope, as in a document."""
    return tuple(each for module in _modules() for each in getattr(module, "CAUTIONS", ()))


@cache
def _modules() -> tuple[Any, ...]:
    return tuple(
        import_module(f"{package.__name__}.{name}")
        for package in (aws_rules,)
        for name in sorted(module.name for module in iter_modules(package.__path__))
    )
