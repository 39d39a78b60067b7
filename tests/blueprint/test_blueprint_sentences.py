"""Sentences cover whatever the models can demand, so that a new field cannot bring an error without words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blueprint_cases import MINIMAL, fixed_components
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mlops_stacks.blueprint import sentences
from mlops_stacks.blueprint.loading import load_text
from mlops_stacks.blueprint.patterns import PATTERNS
from mlops_stacks.blueprint.problems import BlueprintError
from mlops_stacks.blueprint.release_lock import ReleaseLock, resolve_releases, write_lock
from mlops_stacks.blueprint.sentences import closest, unknown_key
from mlops_stacks.blueprint.settings import Blueprint

__all__ = ["fixed_components"]

KNOWN_KINDS = {
    *("definitions", "definition-ref", "model", "model-fields", "model-field", "typed-dict", "typed-dict-field"),
    *("default", "nullable", "json-or-python", "any", "none"),
    *("literal", "enum", "str", "int", "float", "bool", "dict", "list", "tuple", "union", "tagged-union"),
}


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every part of a core schema that has a type."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value
        value = [item for key, item in value.items() if key not in ("metadata", "serialization", "default")]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from schemas(item)


@pytest.fixture(params=[Blueprint, ReleaseLock], ids=lambda model: model.__name__)
def parts(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The core schema of a model, part by part."""
    model: type[BaseModel] = request.param
    model.model_rebuild(force=True)
    return list(schemas(model.__pydantic_core_schema__))


def test_every_kind_of_schema_has_words(parts: list[dict[str, Any]]) -> None:
    assert {part["type"] for part in parts} <= KNOWN_KINDS


def test_every_pattern_is_explained_in_words(parts: list[dict[str, Any]]) -> None:
    patterns = {part["pattern"] for part in parts if "pattern" in part}
    assert patterns <= set(PATTERNS)


def test_every_example_fits_its_pattern() -> None:
    for pattern, (_, fix) in PATTERNS.items():
        example = fix.split("`")[1].strip('"')
        assert sentences._matches(pattern, example), (pattern, example)


def test_no_part_demands_what_no_sentence_mentions(parts: list[dict[str, Any]]) -> None:
    demands = {
        key for part in parts for key in part if part["type"] in ("int", "float", "str", "list", "tuple", "dict")
    }
    structure = {"type", "ref", "metadata", "items_schema", "variadic_item_index", "keys_schema", "values_schema"}
    assert demands - structure <= {"ge", "gt", "le", "lt", "pattern", "min_length", "max_length"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [("entry_pont", "entry_point"), ("EntryPoint", "entry_point"), ("entry-point", "entry_point"), ("zzz", None)],
)
def test_did_you_mean(word: str, meant: str | None) -> None:
    assert closest(word, ["path", "entry_point", "image"]) == meant


def test_an_unknown_key_where_nothing_is_known() -> None:
    assert str(unknown_key(("a", "b"), [])) == "a.b: there is no field `b` here; remove it"


@given(st.text(), st.lists(st.text()))
def test_suggestions_never_fail(word: str, words: list[str]) -> None:
    assert closest(word, words) in [*words, None]


def test_loading_imports_neither_pulumi_nor_anything_heavy() -> None:
    code = "import sys, mlops_stacks.blueprint.loading; print(*sys.modules)"
    modules = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not modules & {"pulumi", "pandas", "mlflow", "croniter", "jinja2", "rich", "jsonschema", "grpc"}


@pytest.mark.usefixtures("fixed_components")
def test_a_rejected_release_is_reported_where_it_was_written(tmp_path: Path) -> None:
    text = MINIMAL.replace("{dev: {}}", "{dev: {}, prod: {models: {flight_delay: {release: 2}}}}")
    text = text.replace("  flight_delay: {}", "  flight_delay: {release: latest_approved}\n  other: {release: 1}")
    loaded = load_text(text, root=tmp_path)
    lock = ReleaseLock().rejecting("flight_delay", 2, "errors")
    for environment in ("dev", "prod"):
        write_lock(tmp_path, "flight-delay", environment, lock)
    assert resolve_releases(loaded, "dev") == {"flight_delay": None, "other": "1"}
    with pytest.raises(BlueprintError) as refused:
        resolve_releases(loaded, "prod")
    (only,) = refused.value.problems
    assert (only.line, only.field) == (4, "environments.prod.models.flight_delay.release")
    assert "version 2 was rejected on " in only.message
