"""The reference, generated: commands from the command line, fields from the schema, rules from the checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from packaging_parts import ROOT

from mlops_stacks.blueprint.schema import document_schema
from mlops_stacks.checks import RULES
from mlops_stacks.cli.main import app

REFERENCE = ROOT / "docs" / "reference.md"

_INTRODUCTION = """# Reference

Generated from the code by `python3 run.py golden`; do not edit. The [README](../README.md) says what it is for.
"""


def reference() -> str:
    """The whole page."""
    schema = document_schema()
    parts = [_INTRODUCTION, "## Commands\n", *_commands(), "## Blueprint\n", *_blueprint(schema)]
    return "\n".join([*parts, "## Checks\n", *_rules()])


def _commands() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        yield f"### `{name}`\n"
        yield f"{' '.join((command.help or '').split())}\n"
        rows = [_parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
        yield _table(("parameter", "meaning"), rows) if rows else "It takes no parameters.\n"


def _parameter(parameter: Any) -> tuple[str, str]:
    if parameter.param_type_name == "argument":
        name = (parameter.metavar or parameter.name or "").upper()
    else:
        name = ", ".join((*parameter.opts, *parameter.secondary_opts))
    return f"`{name}`", " ".join((getattr(parameter, "help", None) or "").split())


def _blueprint(schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"{schema['description']}\n"
    yield _fields(schema)
    for name, definition in sorted(schema["$defs"].items()):
        if name.endswith("Overlay"):
            continue  # the same fields, none of them required
        yield f"### {name}\n"
        if "description" in definition:
            yield f"{_plain(definition['description'])}\n"
        if "enum" in definition:
            yield f"One of {_listed(definition['enum'])}.\n"
        if "properties" in definition:
            yield _fields(definition)


def _fields(definition: Mapping[str, Any]) -> str:
    required = set(definition.get("required", ()))
    rows = [
        (
            f"`{name}`{' (required)' if name in required else ''}",
            _kind(field),
            f"`{json.dumps(field['default'])}`" if "default" in field else "",
            _plain(field.get("description", "")),
        )
        for name, field in definition["properties"].items()
    ]
    return _table(("field", "type", "default", "meaning"), rows)


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})" if not name.endswith("Overlay") else name.removesuffix("Overlay")
    if "enum" in field or "const" in field:
        return _listed(field.get("enum", [field.get("const")]))
    for word in ("anyOf", "oneOf"):
        if word in field:
            return " or ".join(dict.fromkeys(_kind(option) for option in field[word]))
    if field.get("type") == "array" and "items" in field:
        return f"list of {_kind(field['items'])}"
    if isinstance(field.get("additionalProperties"), Mapping):
        return f"mapping to {_kind(field['additionalProperties'])}"
    kind = field.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _rules() -> Iterator[str]:
    yield "What `plan` and the policy pack look for.\n"
    yield _table(("rule", "what it demands"), [(f"`{rule}`", text) for rule, text in sorted(RULES.items())])


def _listed(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    escaped = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    lines = [head, ("---",) * len(head), *escaped]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
