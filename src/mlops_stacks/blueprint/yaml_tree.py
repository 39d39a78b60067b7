"""YAML text as a tree that knows its lines, read by the rules of YAML 1.2's core schema.

PyYAML parses the text into events; what they mean is decided here. By YAML 1.1, which PyYAML itself follows, `on` is a
truth value, `012` is ten, `12:30` is 750 and `2013-01-01` a date: none of this is what the author of a blueprint means,
nor what an editor with a JSON Schema shows. What no rule could get right (a number with leading zeros, not-a-number,
merged keys, tags) is refused. Nothing here recurses, and what aliases expand to is counted before it is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from mlops_stacks.blueprint.problems import FieldPath, Problem

MAX_NODES = 20_000
"""So many values a document may have, aliases expanded."""
MAX_DEPTH = 40
"""So many levels a document may have, aliases expanded."""

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Entry(NamedTuple):
    """A key of a mapping: its line and its value."""

    line: int
    node: Node


@dataclass(slots=True)
class Node:
    """A value: a mapping of entries, a list of nodes, or a scalar; with its line, counted from 1."""

    value: Any
    line: int
    size: int = 1
    height: int = 1

    def plain(self) -> Any:
        """The value without lines: what JSON can hold."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def has(self, path: FieldPath) -> bool:
        """Whether there is something at `path`."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[part].node
            elif isinstance(node.value, list) and (found := _item(node.value, part)) is not None:
                node = found
            else:
                return False
        return True

    def line_of(self, path: FieldPath) -> int:
        """Line of the key or item at `path`, or of the deepest part of the path that is there."""
        node, line = self, self.line
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                line, node = node.value[part]
            elif isinstance(node.value, list) and (found := _item(node.value, part)) is not None:
                line, node = found.line, found
            else:
                break
        return line


def _item(items: list[Node], part: str | int) -> Node | None:
    """An item of a list: by its index, or, in a list of names, by its name."""
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    return next((item for item in items if item.value == part), None)


class YamlError(Exception):
    """The text cannot be read to its end; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def read(text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a text, None if there is none, and what is wrong in spite of which it can be read.

    Raises `YamlError` where it cannot.
    """
    parser = _PARSER(text)
    builder = _Builder()
    try:
        while parser.check_event():
            builder.take(parser.get_event())
    except yaml.YAMLError as error:
        raise YamlError(_syntax_problem(error, text)) from None
    finally:
        parser.dispose()
    return builder.root, builder.problems


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read. `key` is the one whose value comes next, to be dropped if `skipped`."""

    node: Node
    path: FieldPath
    anchor: str | None
    key: str | None = None
    key_line: int = 0
    skipped: bool = False

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key is None

    @property
    def next_path(self) -> FieldPath:
        if isinstance(self.node.value, list):
            return (*self.path, len(self.node.value))
        return self.path if self.key is None else (*self.path, self.key)


@dataclass(slots=True)
class _Builder:
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, Node | None] = field(default_factory=dict)
    _nodes: int = 0
    _documents: int = 0

    def take(self, event: Any) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise YamlError(
                    Problem(
                        (),
                        "a second document begins here",
                        "keep one, and write the other to a file of its own",
                        line=_line(event),
                    )
                )

    def _scalar(self, event: Any) -> None:
        line = _line(event)
        path = self._stack[-1].next_path if self._stack else ()
        self._refuse_tag(event, path, line)
        plain = event.style in (None, "") and event.tag is None
        value, surprise = _resolved(event.value) if plain else (event.value, None)
        if isinstance(value, str) and (control := _CONTROL.search(value)):
            surprise = (f"the text holds the control character U+{ord(control.group()):04X}", "remove it")
        if self._stack and self._stack[-1].wants_key:
            self._key(event.value, value, line, surprise)
            return
        if surprise:
            self._report(path, *surprise, line)
        self._finish(Node(value, line), event.anchor)

    def _key(self, text: str, value: Any, line: int, surprise: tuple[str, str] | None) -> None:
        frame = self._stack[-1]
        path = (*frame.path, text)
        frame.key, frame.key_line, frame.skipped = text, line, True
        known = frame.node.value.get(text)
        if surprise:
            self._report(path, *surprise, line)
        elif not isinstance(value, str):
            shown = text or "an empty key"
            self._report(path, f"a key is a text, and `{shown}` is not", f'put it in quotes: `"{text}"`', line)
        elif text == "<<":
            fix = "write the keys out; what environments share belongs at the top level, over which each is merged"
            self._report(frame.path, "`<<` merges nothing in YAML 1.2", fix, line)
        elif known is not None:
            fix = f"keep one of them: the first is in line {known.line}"
            self._report(path, f"`{text}` is there twice", fix, line)
        else:
            frame.skipped = False

    def _open(self, event: Any) -> None:
        line = _line(event)
        path = self._stack[-1].next_path if self._stack else ()
        self._refuse_tag(event, path, line)
        if len(self._stack) >= MAX_DEPTH:
            raise YamlError(_too_deep(path, line))
        if event.anchor:
            self._anchors[event.anchor] = None
        node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], line)
        self._stack.append(_Frame(node, path, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        self._finish(frame.node, frame.anchor)

    def _alias(self, event: Any) -> None:
        line, name = _line(event), event.anchor
        path = self._stack[-1].next_path if self._stack else ()
        if name not in self._anchors:
            self._report(path, f"there is no anchor `&{name}` before this", "write the value itself", line)
            self._finish(Node(None, line), None)
            return
        node = self._anchors[name]
        if node is None:
            raise YamlError(Problem(path, f"the anchor `&{name}` contains itself", "write the value itself", line=line))
        if len(self._stack) + node.height > MAX_DEPTH:
            raise YamlError(_too_deep(path, line))
        self._finish(node, None, line)

    def _finish(self, node: Node, anchor: str | None, line: int | None = None) -> None:
        """A complete value: into the mapping, list or document that waits for it. `line` is that of an alias to it."""
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if frame.wants_key:  # a mapping, a list or an alias as a key
            self._report(frame.path, "a key is a text", "write a text before the `:`", node.line)
            frame.key, frame.skipped = "", True
            return
        parent = frame.node
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MAX_NODES:
            path = frame.next_path
            fix = "write less, and fewer aliases (`*name`) of aliases"
            raise YamlError(
                Problem(path, f"the document has more than {MAX_NODES:,} values", fix, line=line or node.line)
            )
        if isinstance(parent.value, list):
            parent.value.append(node)
        else:
            if not frame.skipped and frame.key is not None:
                parent.value[frame.key] = Entry(frame.key_line, node)
            frame.key, frame.skipped = None, False

    def _refuse_tag(self, event: Any, path: FieldPath, line: int) -> None:
        if event.tag not in (None, "tag:yaml.org,2002:str"):
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._report(path, f"tags such as `{shown}` mean nothing here", "remove it and write the plain value", line)

    def _report(self, path: FieldPath, message: str, fix: str, line: int) -> None:
        self.problems.append(Problem(path, message, fix, line=line))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _too_deep(path: FieldPath, line: int) -> Problem:
    return Problem(path[:3], f"this is nested more than {MAX_DEPTH} levels deep", "write it flatter", line=line)


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST = 2**63 - 1


def _resolved(text: str) -> tuple[Any, tuple[str, str] | None]:
    """What an unquoted text means, and what is wrong with it, as message and remedy, if something is."""
    if text in _WORDS:
        return _WORDS[text], None
    if text[0] not in "-+.0123456789":
        return text, None
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _RADIX.fullmatch(text):
        return _integer(text, 0)
    if _NOT_FINITE.fullmatch(text):
        return text, (f"`{text}` is no number to work with", "write a number, or put the text in quotes")
    if _NUMBER.fullmatch(text):
        number = float(text)
        too_large = (f"`{text[:20]}` is too large a number", "write a smaller one, or put it in quotes")
        return (number, None) if abs(number) != float("inf") else (text, too_large)
    return text, None


def means_itself(text: str) -> bool:
    """Whether a text without quotes would be read as itself."""
    return _resolved(text) == (text, None)


def _integer(text: str, base: int = 10) -> tuple[Any, tuple[str, str] | None]:
    digits = text.lstrip("+-")
    if base == 10 and digits[0] == "0" and len(digits) > 1:
        return text, (f"as a number `{text[:20]}` would lose its leading zero", f'put it in quotes: `"{text[:20]}"`')
    if len(digits) > 20 or abs(number := int(text, base)) > _LARGEST:
        return text, (f"`{text[:20]}` is too large a number", "write a smaller one, or put it in quotes")
    return number, None


_SYNTAX: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a second `: ` in one value, or a line indented too far",
        "put the value in quotes, or line the key up with those above",
    ),
    (
        "could not find expected ':'",
        "a key without `: `",
        "write `key: value`, or indent the line if it continues a text",
    ),
    ("end of stream", "a quote is opened and never closed", "close it"),
    ("escape c", "an unknown escape after `\\` in double quotes", "write `\\\\`, or use single quotes"),
    (
        "entries are not allowed",
        "a list item begins on the line of its key",
        "write it on a line of its own, or use `[ ]`",
    ),
    (
        "'-' indicator",
        "a list ends in something that is no item",
        "begin the line with `- `, or indent it as its key is",
    ),
    ("tag handle", "an unknown tag", "remove it and write the plain value"),
    ("directive", "a line with `%` that means nothing here", "remove it"),
    ("YAML document", "a version of YAML that nobody knows", "remove the line with `%YAML`"),
    (
        "comment or line break",
        "something after `|` or `>` that does not belong there",
        "begin the text on the next line",
    ),
    ("chomping", "something after `|` or `>` that does not belong there", "begin the text on the next line"),
    ("alphabetic or numeric", "`&` or `*` without the name of an anchor", "put the value in quotes"),
    ("expected key", "the indentation fits none of the lines above", "line the key up with its neighbours"),
    ("expected <block end>", "the indentation fits none of the lines above", "line the key up with its neighbours"),
    (
        "node content",
        "a value is missing, or a bracket closes that was never opened",
        "write the value, or put it in quotes",
    ),
)
"""Part of what the parser says (the C and the Python one say it differently) -> what is wrong, and the remedy."""


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    """A problem with the line to mend, which for something never closed is where it was opened."""
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None)
    if opened and (("flow" in context and "node" not in context) or "end of stream" in said or "':'" in said):
        mark = opened
    lines = text.split("\n")
    number = min(mark.line + 1 if mark else 1, len(lines))
    if "flow" in context and "node" not in context:
        bracket = "[" if "sequence" in context else "{"
        return Problem((), f"`{bracket}` is opened here and not closed, or a comma is missing", "mend it", line=number)
    if "cannot start any token" in said and mark:
        return _bad_start(lines[number - 1], mark.column, number)
    for part, message, fix in _SYNTAX:
        if part in said:
            return Problem((), message, fix, line=number)
    return Problem((), f"this is no YAML: {said}", "mend the line", line=number)


def _bad_start(line: str, column: int, number: int) -> Problem:
    character = line[column : column + 1]
    if character == "\t" or "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem((), "a tab in the indentation", "indent with spaces", line=number)
    return Problem((), f"no value can begin with `{character}`", "put the value in quotes", line=number)


def paths(node: Node) -> Iterator[tuple[FieldPath, int]]:
    """Every path of a tree with its line."""
    waiting: list[tuple[FieldPath, Node]] = [((), node)]
    while waiting:
        path, current = waiting.pop()
        if isinstance(current.value, dict):
            children = [((*path, key), line, child) for key, (line, child) in current.value.items()]
        elif isinstance(current.value, list):
            children = [((*path, index), item.line, item) for index, item in enumerate(current.value)]
        else:
            continue
        yield from ((child_path, line) for child_path, line, _ in children)
        waiting += [(child_path, child) for child_path, _, child in children]
