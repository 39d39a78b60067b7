"""JSON Schema of a blueprint as it is written, with its shorthands, so that an editor completes and checks it.

It is made from the models: pydantic says what they accept, their docstrings say what it means. What the schema
refuses, the loader refuses; the loader knows more (rules between fields, what overlays add up to).

An overlay may set anything by halves, so nothing is required in one. What stands at the top level must be whole only
where no overlay of the shared scope could complete it.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mlops_stacks.blueprint.engines import engines_of
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage

Json = dict[str, Any]

FILE = Path(__file__).with_name("blueprint.schema.json")
"""The committed schema; `mlops-stacks schema > src/mlops_stacks/blueprint/blueprint.schema.json` rewrites it."""

_TARGETS = {
    Platform.AWS: "AwsTarget",
    Platform.GCP: "GcpTarget",
    Platform.AZURE: "AzureTarget",
    Platform.KUBERNETES: "KubernetesTarget",
    Platform.LOCAL: "LocalTarget",
}
_SCOPE_DOCS = {
    "target": "Where the environment lives; mandatory on a cloud. Its platform is the blueprint's.",
    "targets": "Platform -> target, for stages that are on another platform than the blueprint.",
}
_ROOT_DOCS = {
    "schema_version": "Version of this format.",
    "name": "Name of the blueprint; part of every physical name.",
    "platform": "Where stages run that do not say otherwise.",
    "environments": "Environment -> its target and in what it differs, in the order of promotion.",
    SHARED: "The scope of what exists once; its target is by default the first environment's.",
}


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"


def document_schema() -> Json:
    """The JSON Schema of a blueprint document."""
    definitions = _definitions()
    root, settings = definitions.pop("Blueprint"), definitions.pop("Settings")["properties"]
    definitions.pop("Environment")
    definitions["Stages"] = _stages(definitions)
    settings["stages"] = {**settings["stages"], **_ref("Stages")}
    overlay = _Overlay(definitions)
    partial = {name: overlay.of(schema) for name, schema in settings.items()}
    definitions["Scope"] = _scope(partial)
    properties = root["properties"]
    properties["environments"] = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {**_name_pattern(properties), "not": {"const": SHARED}},
        "additionalProperties": {"anyOf": [_ref("Scope"), {"type": "null"}]},
    }
    properties[SHARED] = {"anyOf": [_ref("Scope"), {"type": "null"}]}
    for name, text in _ROOT_DOCS.items():
        properties[name] = {"description": text, **properties[name]}
    halves = [name for name in settings if partial[name] != settings[name]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlops-stacks blueprint",
        "description": "One typed description of a whole MLOps platform.",
        "type": "object",
        "properties": {**properties, **partial},
        "required": ["schema_version", "name", "platform", "environments"],
        "additionalProperties": False,
        "allOf": [
            *(_whole_unless_shared_has(name, settings[name]) for name in halves),
            *(_on_platform(platform) for platform in Platform),
        ],
        "$defs": dict(sorted(definitions.items())),
    }


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, but for keys: one that fits no pattern is refused, not let through unchecked."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made


def _definitions() -> dict[str, Json]:
    """The models as pydantic describes them, with the docstrings of their fields."""
    made = Blueprint.model_json_schema(schema_generator=_Generator)
    definitions: dict[str, Json] = {**made.pop("$defs"), "Blueprint": made}
    texts = {cls.__name__: _field_docs(cls) for cls in _classes(Blueprint.__pydantic_core_schema__)}
    for name, schema in definitions.items():
        for field, property_schema in schema.get("properties", {}).items():
            if field in texts.get(name, {}):
                property_schema["description"] = texts[name][field]
    return {name: _tidy(schema) for name, schema in definitions.items()}


def _tidy(value: Any) -> Any:
    """Without what helps no editor: titles made from names, null defaults, OpenAPI's discriminators.

    Alternatives are joined by `anyOf`: where a field has a default, more than one of them may fit.
    """
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy: Json = {}
    for key, item in value.items():
        if key == "properties":
            tidy[key] = {name: _tidy(schema) for name, schema in item.items()}
        elif key in ("default", "const", "enum", "required"):
            tidy[key] = item
        elif key not in ("title", "discriminator"):
            tidy["anyOf" if key == "oneOf" else key] = _tidy(item)
    if tidy.get("default", ...) is None:
        del tidy["default"]
    return tidy


def _classes(schema: Any) -> Iterator[type]:
    """Every class that a core schema mentions."""
    if isinstance(schema, dict):
        if isinstance(schema.get("cls"), type):
            yield schema["cls"]
        schema = list(schema.values())
    if isinstance(schema, (list, tuple)):
        for item in schema:
            yield from _classes(item)


def _field_docs(cls: type) -> dict[str, str]:
    """Field -> its docstring, read from the source: Python itself does not keep these."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        module = sys.modules.get(base.__module__)
        if module is not None and base.__module__.startswith("mlops_"):
            texts |= _docs_of_file(str(module.__file__)).get(base.__name__, {})
    return texts


@cache
def _docs_of_file(path: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: dict(_docs_of_class(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield field.target.id, " ".join(text.value.value.split())


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _name_pattern(properties: Json) -> Json:
    return {"pattern": properties["name"]["pattern"]}


def _stages(definitions: dict[str, Json]) -> Json:
    """Stages as a list of names, or as a mapping from names to options, of which none is required."""
    stages = definitions["Stages"]
    common = definitions.pop("StageOptions")
    for name, schema in list(stages["properties"].items()):
        specific = [ref for ref in _refs(schema) if ref != "StageOptions"]
        for options in specific:
            definitions[options].pop("required", None)
        engines = list(dict.fromkeys(engine.name for engine in engines_of(Stage(name))))
        engine = {**common["properties"]["engine"], "enum": engines}
        plain = {**common, "properties": {**common["properties"], "engine": engine}}
        plain.pop("required", None)
        stages["properties"][name] = {"anyOf": [*map(_ref, specific), plain, {"type": "null"}]}
    names = {"type": "array", "items": {"enum": [stage.value for stage in Stage]}}
    return {"description": stages["description"], "anyOf": [names, {**stages}, {"type": "null"}]}


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from _refs(item)


def _scope(partial: dict[str, Json]) -> Json:
    targets = {platform.value: _ref(name) for platform, name in _TARGETS.items()}
    return {
        "description": "A scope: where it lives, and in what it differs from the top level.",
        "type": "object",
        "properties": {
            "target": {
                "description": _SCOPE_DOCS["target"],
                "anyOf": [*targets.values(), {"type": "null"}],
            },
            "targets": {
                "description": _SCOPE_DOCS["targets"],
                "type": "object",
                "properties": targets,
                "additionalProperties": False,
            },
            **partial,
        },
        "additionalProperties": False,
    }


def _whole_unless_shared_has(name: str, schema: Json) -> Json:
    """At the top level a field is whole, unless the shared scope adds to it."""
    shared_has = {"properties": {SHARED: {"type": "object", "required": [name]}}, "required": [SHARED]}
    return {"if": {"not": shared_has}, "then": {"properties": {name: schema}}}


def _on_platform(platform: Platform) -> Json:
    """Targets are on the blueprint's platform, and mandatory on a cloud."""
    target = _ref(_TARGETS[platform])
    optional = {"properties": {"target": {"anyOf": [target, {"type": "null"}]}}}
    mandatory = {"type": "object", "properties": {"target": target}, "required": ["target"]}
    environment = optional if platform is Platform.LOCAL else mandatory
    return {
        "if": {"properties": {"platform": {"const": platform.value}}, "required": ["platform"]},
        "then": {"properties": {"environments": {"additionalProperties": environment}, SHARED: optional}},
    }


class _Overlay:
    """Schemas of what an overlay may hold: the same fields, none of them required."""

    def __init__(self, definitions: dict[str, Json]) -> None:
        self._definitions = definitions
        self._known: dict[str, Json] = {}

    def of(self, schema: Json) -> Json:
        """The partial version of a schema; the same where nothing in it is required."""
        if "$ref" in schema:
            return {**schema, **self._of_definition(schema["$ref"].rpartition("/")[2])}
        if "anyOf" in schema:
            return {**schema, "anyOf": self._of_choices(schema["anyOf"])}
        partial = {key: value for key, value in schema.items() if key != "required"}
        for key in ("properties", "patternProperties"):
            if key in schema:
                partial[key] = {name: self.of(value) for name, value in schema[key].items()}
        if isinstance(schema.get("additionalProperties"), dict):
            partial["additionalProperties"] = self.of(schema["additionalProperties"])
        return partial

    def _of_definition(self, name: str) -> Json:
        if name not in self._known:
            self._known[name] = _ref(name)  # what refers to itself is taken as it is
            partial = self.of(self._definitions[name])
            if partial != self._definitions[name]:
                self._definitions[f"{name}Overlay"] = partial
                self._known[name] = _ref(f"{name}Overlay")
        return self._known[name]

    def _of_choices(self, choices: list[Json]) -> list[Json]:
        """Alternatives of mappings become one mapping: which of them it is may be said below the overlay."""
        objects = [choice for choice in map(self._resolved, choices) if "properties" in choice]
        if len(objects) < 2:
            return [self.of(choice) for choice in choices]
        others = [choice for choice in choices if "properties" not in self._resolved(choice)]
        properties: dict[str, list[Json]] = {}
        for choice in objects:
            for name, value in choice["properties"].items():
                partial = self.of(value)
                if partial not in properties.setdefault(name, []):
                    properties[name].append(partial)
        merged = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in properties.items()}
        return [{"type": "object", "properties": merged, "additionalProperties": False}, *others]

    def _resolved(self, schema: Json) -> Json:
        return self._definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
