"""From a file to a `Blueprint`, or to all that is wrong with it: each problem with file, line, field and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.problems import BlueprintError, Problem
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.yaml_tree import Node, YamlError, read

MAX_BYTES = 1024 * 1024
"""A blueprint is written by hand; more than this is another file."""


@dataclass(frozen=True, slots=True)
class LoadedBlueprint:
    """A blueprint and where it was written."""

    blueprint: Blueprint
    file: Path
    """As it was given, for messages."""
    root: Path
    """The absolute folder against which relative paths of the blueprint are resolved."""
    document: dict[str, Any]
    """The values as they were written, before overlays."""
    tree: Node
    """The same with lines."""

    def located(self, problem: Problem) -> Problem:
        """A problem found later (while composing, say) with file and line; its path is one of the document."""
        return _located(problem, str(self.file), self.tree)


def load(path: Path) -> LoadedBlueprint:
    """The blueprint in a file; raises `BlueprintError` with all that is wrong with it."""
    text = read_text(path)
    return _load(text, path, path.absolute().parent)


def load_text(text: str, name: str = "blueprint.yaml", root: Path | None = None) -> LoadedBlueprint:
    """The blueprint in a text; `name` is used in messages, `root` for relative paths (default: the current folder)."""
    problem = _bad_character(text)
    if problem:
        raise BlueprintError([replace(problem, file=name)])
    return _load(_with_plain_lines(text), Path(name), (root or Path()).absolute())


def read_text(path: Path, what: str = "blueprint") -> str:
    """The text of a file that somebody wrote by hand; raises `BlueprintError` if it cannot be a text."""
    content = _content(path, what)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BlueprintError([replace(_bad_encoding(content, error), file=str(path))]) from None
    problem = _bad_character(text)
    if problem:
        raise BlueprintError([replace(problem, file=str(path))])
    return _with_plain_lines(text)


def read_tree(text: str, name: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a text and its problems, with the file's name; raises `BlueprintError` where there is no tree."""
    try:
        tree, problems = read(text)
    except YamlError as error:
        raise BlueprintError([replace(error.problem, file=name)]) from None
    return tree, [replace(problem, file=name) for problem in problems]


def _load(text: str, file: Path, root: Path) -> LoadedBlueprint:
    name = str(file)
    tree, problems = read_tree(text, name)
    if tree is None or tree.value is None:
        what = "there are only comments" if text.strip() else "the file is empty"
        raise BlueprintError([Problem((), what, "begin with `schema_version: 1`", name, 1)])
    document = tree.plain()
    blueprint, found = assemble(document)
    known = {problem.path for problem in problems}
    problems += [_located(problem, name, tree) for problem in found if problem.path not in known]
    if blueprint is None or problems:
        raise BlueprintError(in_order(problems))
    return LoadedBlueprint(blueprint, file, root, document, tree)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of their lines."""
    return sorted(problems, key=lambda problem: problem.line or 0)


def _located(problem: Problem, name: str, tree: Node) -> Problem:
    return replace(problem, file=name, line=tree.line_of(problem.path))


def _content(path: Path, what: str) -> bytes:
    """The bytes of a regular file of a reasonable size."""

    def refused(message: str, fix: str) -> BlueprintError:
        return BlueprintError([Problem((), message, fix, str(path))])

    if "\0" in str(path):
        raise refused("this is no path", "check the path")
    try:
        if path.is_dir():
            raise refused("this is a folder", f"name the {what} in it{_or_near(path / what, ': ')}")
        if not path.exists():
            raise refused(f"there is no such {what}", f"check the path{_or_near(path, ': did you mean ', '?')}")
        if not path.is_file():
            raise refused("this is no regular file", f"write the {what} to a file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refused(f"it cannot be read: {error.strerror or error}", "check the path and its permissions") from None
    if len(content) > MAX_BYTES:
        raise refused(f"it has more than {MAX_BYTES // 1024} KiB", f"this is hardly a {what}: check the path")
    return content


def _or_near(path: Path, before: str, after: str = "") -> str:
    """A blueprint beside `path` of a similar name as part of a sentence, if there is one."""
    try:
        there = sorted(p for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml") and _looks_like_one(p))
    except OSError:
        return ""
    near = get_close_matches(path.name, [p.name for p in there], 1, 0.5)
    return f"{before}`{path.with_name(near[0])}`{after}" if near else ""


def _looks_like_one(path: Path) -> bool:
    """Whether this file begins as blueprints do, among all the other things that people keep in YAML."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return False
    return re.search(rb"^schema_version\s*:", path.read_bytes(), re.MULTILINE) is not None


_UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def _bad_encoding(content: bytes, error: UnicodeDecodeError) -> Problem:
    line = content.count(b"\n", 0, error.start) + 1
    if content.startswith(_UTF_16_OR_32):
        return Problem((), "this is UTF-16 or UTF-32, not UTF-8", "save the file as UTF-8", line=1)
    byte = content[error.start]
    return Problem((), f"byte 0x{byte:02X} is not UTF-8 (Latin-1, perhaps)", "save the file as UTF-8", line=line)


_BAD_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _bad_character(text: str) -> Problem | None:
    """Control characters, and line separators which editors do not count as such."""
    text = text.removeprefix("\ufeff")
    found = _BAD_CHARACTER.search(text)
    if found is None:
        return None
    line = _with_plain_lines(text[: found.start()]).count("\n") + 1
    if "\x00" in text and text.count("\x00") > len(text) // 4:
        return Problem((), "this is UTF-16 or UTF-32, not UTF-8", "save the file as UTF-8", line=1)
    return Problem((), f"the character U+{ord(found.group()):04X} does not belong into a text", "remove it", line=line)


def _with_plain_lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
