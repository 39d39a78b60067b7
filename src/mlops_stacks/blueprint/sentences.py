"""What pydantic finds wrong with a blueprint, as sentences for its author.

What was expected is read from the model's own core schema, at the place of the error; so a new field needs no new
sentence. Only what a regular expression means has to be said in words, in `patterns`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from mlops_stacks.blueprint.patterns import PATTERNS
from mlops_stacks.blueprint.problems import FieldPath, Problem

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Schema = Mapping[str, Any]

_EXAMPLES = {
    "schema_version": "1",
    "platform": "local",
    "environments": "{dev: {}}",
    "cron": '"0 3 * * *"',
    "strategy": "all_at_once",
}
"""Required fields whose type alone would not tell a newcomer what to write."""

_WRAPPERS = frozenset({"default", "nullable", "model", "definitions", "model-field", "typed-dict-field"})
_MAPPINGS = frozenset({"model-fields", "typed-dict", "dict", "tagged-union"})
_LISTS = frozenset({"list", "tuple"})
_TAG_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found"})


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the model: its path without pydantic's own labels, what is expected there, and whether it is a key."""

    path: FieldPath
    schema: Schema
    is_key: bool = False


def problems_of(
    error: ValidationError, model: type[BaseModel] | None = None, ignored: Collection[str] = ()
) -> list[Problem]:
    """Every error as a problem, with paths of the resolved shape, each place and message once.

    `model` is the one that was validated; default: `Blueprint`. `ignored` are pydantic's types of errors to leave out.
    """
    if model is None:
        from mlops_stacks.blueprint.settings import Blueprint

        model = Blueprint
    root = _Schemas(model)
    found: dict[FieldPath, Problem] = {}
    for detail in error.errors(include_url=False, include_context=False):
        if detail["type"] in ignored:
            continue
        problem = _problem(root, detail["type"], detail["loc"], detail["input"])
        if detail["type"] not in _TAG_ERRORS or root.place(detail["loc"]).path not in found:
            found.setdefault(problem.path, problem)
    return list(found.values())


def unknown_key(path: FieldPath, known: Iterable[str]) -> Problem:
    """The problem of a key that nobody knows, with the one that was probably meant."""
    names = list(known)
    key = str(path[-1])
    close = closest(key, names)
    fix = f"did you mean `{close}`?" if close else f"the fields here are {_series(sorted(names), 'and')}"
    return Problem(path, f"there is no field `{_short(key)}` here", fix if names else "remove it")


def closest(word: str, words: Collection[str]) -> str | None:
    """The one of `words` that was probably meant: by spelling, whatever the case and the separators."""
    plain = {re.sub(r"[-_ ]", "", known).lower(): known for known in words}
    matches = get_close_matches(re.sub(r"[-_ ]", "", word).lower(), list(plain), 1, 0.6)
    return plain[matches[0]] if matches else None


class _Schemas:
    """The core schema of a model, with its definitions at hand."""

    def __init__(self, model: type[BaseModel]) -> None:
        root: Any = model.__pydantic_core_schema__
        self.root: Schema = root
        self._definitions = {schema["ref"]: schema for schema in root.get("definitions", ())}

    def bare(self, schema: Schema) -> Schema:
        """A schema without what only wraps it."""
        while True:
            if schema["type"] == "definition-ref":
                schema = self._definitions[schema["schema_ref"]]
            elif schema["type"] in _WRAPPERS:
                schema = schema["schema"]
            elif schema["type"] == "json-or-python":
                schema = schema["json_schema"]
            else:
                return schema

    def place(self, location: tuple[str | int, ...]) -> _Place:
        """Where in the model an error's location is; tags of unions are no part of the path."""
        schema, path = self.bare(self.root), list[str | int]()
        parent = schema
        for index, part in enumerate(location):
            kind = schema["type"]
            if part == "[key]" and index == len(location) - 1 and parent["type"] == "dict" and kind != "dict":
                return _Place(tuple(path), self.bare(parent["keys_schema"]), is_key=True)
            if kind == "tagged-union":
                schema = self.bare(_choice(schema, part))
            elif kind == "union":
                break  # what follows is the label of one of the choices
            else:
                parent = schema
                path.append(part)
                schema = self.bare(self._child(schema, part))
        return _Place(tuple(path), schema)

    def _child(self, schema: Schema, part: str | int) -> Schema:
        kind = schema["type"]
        if kind in ("model-fields", "typed-dict"):
            field: Schema = schema["fields"].get(part, _ANY)
            return field
        if kind == "dict":
            values: Schema = schema.get("values_schema", _ANY)
            return values
        items = schema.get("items_schema", _ANY)
        item: Schema = items[0] if isinstance(items, list) else items
        return item

    def discriminator(self, union: Schema) -> str | None:
        """The field by whose value a tagged union chooses."""
        if isinstance(union["discriminator"], str):
            return str(union["discriminator"])
        fields = self.bare(next(iter(union["choices"].values()))).get("fields", {})
        literals = (name for name, field in fields.items() if self.bare(field)["type"] == "literal")
        return next(literals, None)

    def wanted(self, schema: Schema) -> str:
        """In words, what a schema accepts."""
        schema = self.bare(schema)
        kind = schema["type"]
        if kind == "union":
            others = [choice for choice in map(_unlabelled, schema["choices"]) if not _options(self.bare(choice))]
            return _series([*map(_code, _options(schema)), *map(self.wanted, others)], "or")
        if kind in ("literal", "enum"):
            return _series([_code(option) for option in _options(schema)], "or")
        if kind in ("int", "float"):
            return ("a whole number" if kind == "int" else "a number") + _bounds(schema)
        if kind == "str" and "pattern" in schema:
            return PATTERNS[schema["pattern"]][0]
        if kind in _MAPPINGS:
            return "a mapping of fields"
        words = {"str": "text", "bool": "`true` or `false`", **dict.fromkeys(_LISTS, "a list")}
        return words.get(kind, "something else")


_ANY: Schema = {"type": "any"}


def _choice(union: Schema, tag: str | int) -> Schema:
    chosen: Schema = next((s for known, s in union["choices"].items() if _plain(known) == tag), _ANY)
    return chosen


def _unlabelled(choice: Schema | tuple[Schema, str]) -> Schema:
    return choice[0] if isinstance(choice, tuple) else choice


def _options(schema: Schema) -> list[Any]:
    """What a literal, an enumeration or a union of such allows."""
    if schema["type"] == "union":
        return [option for choice in schema["choices"] for option in _options(_unlabelled(choice))]
    return [_plain(option) for option in schema.get("expected", schema.get("members", ()))]


def _plain(option: Any) -> Any:
    return getattr(option, "value", option)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("ge"), schema.get("le")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    if "gt" in schema and "lt" in schema:
        return f" between {schema['gt']:g} and {schema['lt']:g}"
    return f" above {schema['gt']:g}" if "gt" in schema else ""


def _problem(schemas: _Schemas, kind: str, location: tuple[str | int, ...], value: Any) -> Problem:
    place = schemas.place(location)
    if kind == "extra_forbidden":
        fields = schemas.place(location[:-1]).schema.get("fields", {})
        return unknown_key(place.path, fields)
    if kind == "missing":
        return Problem(place.path, "it is required, and missing", f"add `{_example(schemas, place)}`")
    if kind in _TAG_ERRORS:
        return _wrong_choice(schemas, place, value)
    if place.is_key:
        message = f"`{_short(str(value))}` is not {_article(schemas.wanted(place.schema))}"
        return Problem(place.path, message, _suggestion(place.schema, value))
    fix = _remedy(place.schema, value)
    if "secrets" in place.path and place.schema["type"] == "str":
        fix = "put it in quotes"  # and do not repeat it: somebody may have written a secret
    return Problem(place.path, f"it must be {schemas.wanted(place.schema)}, {_described(value, place.path)}", fix)


def _article(wanted: str) -> str:
    return f"one of {wanted}" if wanted.startswith("`") else wanted


def _wrong_choice(schemas: _Schemas, place: _Place, value: Any) -> Problem:
    """A tagged union whose tag is missing or unknown."""
    field = schemas.discriminator(place.schema) or "kind"
    tags = [str(_plain(tag)) for tag in place.schema["choices"]]
    given = value.get(field) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        return Problem(
            place.path,
            f"it must be a mapping of fields, {_described(value, place.path)}",
            f"write `{{{field}: {tags[0]}, …}}`",
        )
    wanted = _series([f"`{tag}`" for tag in tags], "or")
    if given is None:
        return Problem((*place.path, field), "it is required, and missing", f"add `{field}:` with {wanted}")
    close = closest(given, tags) if isinstance(given, str) else None
    return Problem(
        (*place.path, field),
        f"it must be {wanted}, {_described(given, (*place.path, field))}",
        f"did you mean `{close}`?" if close else f"write {wanted}",
    )


def _example(schemas: _Schemas, place: _Place) -> str:
    """A line that adds the missing field at `place`."""
    return f"{place.path[-1]}: {_sample(schemas, str(place.path[-1]), place.schema)}"


def _sample(schemas: _Schemas, name: str, schema: Schema) -> str:
    """A value that a field could have, in one line."""
    kind, options = schema["type"], _options(schema)
    if "pattern" in schema:
        return PATTERNS[schema["pattern"]][1].split("`")[1]
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    if options:
        return str(options[0])
    if "fields" in schema:
        required = (key for key, field in schema["fields"].items() if field.get("required", _has_no_default(field)))
        inner = (f"{key}: {_sample(schemas, key, schemas.bare(schema['fields'][key]))}" for key in required)
        return f"{{{', '.join(inner)}}}"
    return {"int": "1", "float": "1", "bool": "true", **dict.fromkeys(_LISTS, "[…]")}.get(kind, "…")


def _has_no_default(field: Schema) -> bool:
    inner: Schema = field["schema"]
    return bool(inner["type"] != "default")


def _suggestion(schema: Schema, value: Any) -> str:
    """What to write instead of a text that does not fit."""
    options = [str(option) for option in _options(schema)]
    if options:
        close = closest(str(value), options)
        return f"did you mean `{close}`?" if close else f"write {_series([f'`{o}`' for o in options], 'or')}"
    pattern = schema.get("pattern")
    if pattern is None:
        return "write a shorter one" if len(str(value)) > schema.get("max_length", 0) else "write a longer one"
    slug = re.sub(r"[^a-z0-9]+", "_" if "_" in pattern else "-", str(value).lower()).strip("-_")[:40]
    fits = schema.get("min_length", 1) <= len(slug) <= schema.get("max_length", len(slug))
    if isinstance(value, str) and fits and _matches(pattern, slug):
        return f"write e.g. `{slug}`"
    return PATTERNS[pattern][1]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def _remedy(schema: Schema, value: Any) -> str:
    """How to mend a value of a wrong type or outside its bounds."""
    kind = schema["type"]
    if kind in _MAPPINGS:
        return "write `{}` for its defaults, or remove it" if value is None else "write its fields indented below it"
    if value is None:
        return "give it a value, or remove it"
    if kind in _LISTS:
        return "write its items indented below it, each after `- `" if isinstance(value, dict) else "write it in `[ ]`"
    if isinstance(value, (dict, list)):
        return "write one value"
    for attempt in (_quoted, _boolean, _number):
        remedy = attempt(schema, value)
        if remedy:
            return remedy
    if kind in ("union", "literal", "enum", "str"):
        return _suggestion(schema, value)
    return _within(schema)


def _quoted(schema: Schema, value: Any) -> str | None:
    """A number or a truth value where text is wanted, or a number where the allowed words look like numbers."""
    if schema["type"] != "str" or isinstance(value, str):
        return None
    text = json.dumps(value)
    pattern = schema.get("pattern")
    return f'put it in quotes: `"{text}"`' if pattern is None or _matches(pattern, text) else PATTERNS[pattern][1]


_TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _boolean(schema: Schema, value: Any) -> str | None:
    if schema["type"] != "bool":
        return None
    text = str(value).lower()
    meant = text if text in ("true", "false") else _TRUTH.get(text)
    return f"write `{meant}`" if meant else "write `true` or `false`"


def _number(schema: Schema, value: Any) -> str | None:
    """A number in quotes, with separators, or with a fraction where none belongs."""
    allowed = [*_options(schema), *_kinds(schema)]
    if isinstance(value, str) and re.fullmatch(r"[-+]?[\d_]+(\.\d+)?", value) and {"int", "float", 1} & set(allowed):
        number = value.replace("_", "").lstrip("+0") or "0"
        return f"write it as a number: `{number}`"
    if isinstance(value, float) and value.is_integer() and {"int", 1} & set(allowed):
        return f"write it without a fraction: `{int(value)}`"
    return None


def _kinds(schema: Schema) -> list[str]:
    choices = schema["choices"] if schema["type"] == "union" else (schema,)
    return [_unlabelled(choice)["type"] for choice in choices]


def _within(schema: Schema) -> str:
    bounds = _bounds(schema)
    kind = "whole number" if schema["type"] == "int" else "number"
    return f"write a {kind}{bounds}"


def _described(value: Any, path: FieldPath) -> str:
    """What stands there. A value below `secrets` is not repeated: somebody may have written a secret."""
    if value is None:
        return "but it is empty"
    if isinstance(value, bool):
        return f"not `{str(value).lower()}`"
    if isinstance(value, Mapping):
        return "not a mapping"
    if isinstance(value, list):
        return "not a list"
    kind = "text" if isinstance(value, str) else "number"
    return f"not this {kind}" if "secrets" in path else f"not the {kind} `{_short(str(value))}`"


def _code(option: Any) -> str:
    return f"`{option}`"


def _short(text: str) -> str:
    """A value as an error may quote it: one line, at most 40 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _series(words: list[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
