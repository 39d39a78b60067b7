"""Loading: whatever the text or the bytes, a blueprint or sentences; and the sentences name the right lines."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from blueprint_cases import HAPPY, MINIMAL, fixed_components, loaded, problems, sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from random_documents import mutated, shared_fixture

from mlops_stacks.blueprint import yaml_tree
from mlops_stacks.blueprint.loading import MAX_BYTES, load, load_text, read_tree
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.problems import BlueprintError, Problem
from mlops_stacks.blueprint.yaml_tree import Node, YamlError, read

__all__ = ["fixed_components"]
pytestmark = pytest.mark.usefixtures("fixed_components")


def refused(path: Path) -> list[str]:
    with pytest.raises(BlueprintError) as error:
        load(path)
    return [str(problem) for problem in error.value.problems]


# Files


def test_a_minimal_blueprint_has_its_defaults() -> None:
    blueprint = loaded(MINIMAL).blueprint
    assert blueprint.scopes == ("shared", "dev")
    dev = blueprint.environments["dev"].settings
    assert [stage.value for stage, _ in dev.stages.items()] == [
        "foundation",
        "experiment_tracking",
        "model_registry",
        "training_pipeline",
        "serving",
    ]
    assert {chosen.engine for _, chosen in dev.stages.items()} == {"local"}
    assert dev.models == {"flight_delay": ModelConfig()}


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "blueprint.yaml").write_text(MINIMAL)
    monkeypatch.chdir(tmp_path)
    found = load(Path("project/blueprint.yaml"))
    assert found.root == tmp_path / "project"
    assert found.file == Path("project/blueprint.yaml")


def test_a_problem_found_later_gets_its_line() -> None:
    found = loaded(MINIMAL).located(Problem(("workload", "entry_point"), "it cannot be imported", "check it"))
    assert (found.file, found.line) == ("blueprint.yaml", 6)


def test_a_missing_file_and_one_of_a_similar_name(tmp_path: Path) -> None:
    path = tmp_path / "bluprint.yaml"
    (tmp_path / "blueprints.yaml").write_text("name: a project of Pulumi\nruntime: python\n")
    assert refused(path) == [f"{path}: there is no such blueprint; check the path"]
    (tmp_path / "blueprint.yaml").write_text(MINIMAL)
    near = tmp_path / "blueprint.yaml"
    assert refused(path) == [f"{path}: there is no such blueprint; check the path: did you mean `{near}`?"]


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "blueprint.yaml").write_text(MINIMAL)
    inside = tmp_path / "blueprint.yaml"
    assert refused(tmp_path) == [f"{tmp_path}: this is a folder; name the blueprint in it: `{inside}`"]


def test_something_that_is_no_regular_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    assert refused(pipe) == [f"{pipe}: this is no regular file; write the blueprint to a file"]


def test_a_path_that_no_file_can_have() -> None:
    assert refused(Path("a\0b")) == ["a\0b: this is no path; check the path"]
    (only,) = refused(Path("x" * 300))
    assert "it cannot be read" in only or "there is no such blueprint" in only


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(MINIMAL)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # a superuser may read what has no permission at all
    assert refused(path) == [f"{path}: it cannot be read: Permission denied; check the path and its permissions"]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_bytes(b"# " + b"x" * MAX_BYTES)
    assert refused(path) == [f"{path}: it has more than 1024 KiB; this is hardly a blueprint: check the path"]


# Encodings


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b"", 1, "the file is empty; begin with `schema_version: 1`"),
        (b"\n\n", 1, "the file is empty; begin with `schema_version: 1`"),
        (b"\xef\xbb\xbf", 1, "the file is empty; begin with `schema_version: 1`"),
        (b"# nothing\n", 1, "there are only comments; begin with `schema_version: 1`"),
        (b"---\n...\n", 1, "there are only comments; begin with `schema_version: 1`"),
        (MINIMAL.encode("utf-16"), 1, "this is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8"),
        (MINIMAL.encode("utf-16-le"), 1, "this is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8"),
        (MINIMAL.encode("utf-32"), 1, "this is UTF-16 or UTF-32, not UTF-8; save the file as UTF-8"),
        (
            (MINIMAL + "# caf\xe9\n").encode("latin-1"),
            9,
            "byte 0xE9 is not UTF-8 (Latin-1, perhaps); save the file as UTF-8",
        ),
        (MINIMAL.encode() + b"# \x00", 9, "the character U+0000 does not belong into a text; remove it"),
        (MINIMAL.encode() + "# \u2028".encode(), 9, "the character U+2028 does not belong into a text; remove it"),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, line: int, expected: str) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_bytes(content)
    assert refused(path) == [f"{path}:{line}: {expected}"]


@pytest.mark.parametrize(
    "change", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\r")]
)
def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_bytes(change(MINIMAL).encode())
    assert load(path).blueprint == loaded(MINIMAL).blueprint


@shared_fixture
@given(st.binary(max_size=400))
def test_no_bytes_make_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_bytes(content)
    found = refused(path)
    assert all(re.match(rf"{re.escape(str(path))}:\d+: ", text) for text in found)


# Values, by YAML 1.2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("True", True),
        ("~", None),
        ("", None),
        ("12:30:00", "12:30:00"),
        ("2013-01-01", "2013-01-01"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ('"012"', "012"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("1.2.3", "1.2.3"),
        ("0", 0),
    ],
)
def test_what_a_value_means(text: str, value: Any) -> None:
    tree, found = read(f"a: {text}\n")
    assert tree is not None
    assert not found
    assert tree.plain() == {"a": value}
    assert type(tree.plain()["a"]) is type(value)


def test_the_python_parser_reads_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [load(path).document for path in HAPPY]
    monkeypatch.setattr(yaml_tree, "_PARSER", yaml.SafeLoader)
    assert [load(path).document for path in HAPPY] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1\nb: 2", "`[` is opened here"),
        ("a: b: c", "a second `: `"),
        ("a:\n\t- x", "a tab in the indentation"),
        ("a: 'x", "a quote is opened"),
        ("a: @x", "no value can begin with `@`"),
        ("a: 1\nb\nc: 2", "a key without `: `"),
        ('a: "\\q"', "an unknown escape"),
        ("a: - x", "a list item begins on the line of its key"),
        ("a:\n  b: 1\n c: 2\n", "the indentation fits none"),
        ("a: ]", "a value is missing"),
        ("a: &\n", "the name of an anchor"),
        ("a: >2x\n", "something after `|` or `>`"),
    ],
)
@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
def test_both_parsers_are_understood(monkeypatch: pytest.MonkeyPatch, parser: str, text: str, expected: str) -> None:
    monkeypatch.setattr(yaml_tree, "_PARSER", getattr(yaml, parser))
    with pytest.raises(YamlError) as error:
        read(text)
    assert error.value.problem.message.startswith(expected) or expected in error.value.problem.message


def test_an_exploding_anchor_is_refused_before_it_explodes() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60))
    (only,) = problems("a0: &a0 [1]\n" + levels)
    assert "more than 20,000 values" in only.message


def test_aliases_cannot_nest_deeper_than_the_limit() -> None:
    (only,) = problems("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)))
    assert "nested more than 40 levels deep" in only.message


# Anything at all


@shared_fixture
@given(st.text(max_size=300))
def test_no_text_makes_a_traceback(text: str) -> None:
    assert all(problem.line for problem in problems(text))


tokens = st.lists(
    st.sampled_from(
        [
            "a",
            "models",
            ": ",
            "- ",
            "\n",
            "\n  ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "*a",
            "&a ",
            "? ",
            '"',
            "'",
            "|",
            "<<",
            "!!x ",
            "#",
            "\t",
        ]
    ),
    max_size=40,
)


@shared_fixture
@given(tokens)
def test_no_yaml_makes_a_traceback(parts: list[str]) -> None:
    assert all(problem.line for problem in problems(MINIMAL + "".join(parts)))


@settings(shared_fixture, max_examples=300)
@given(st.data())
def test_no_document_makes_a_traceback(data: st.DataObject) -> None:
    document = data.draw(mutated())
    assert all(problem.line for problem in problems(json.dumps(document)))


# Lines


def entries(node: Node) -> list[tuple[str, int]]:
    """Every key of a tree with its line."""
    if isinstance(node.value, list):
        return [found for item in node.value for found in entries(item)]
    if isinstance(node.value, dict):
        own = [(key, entry.line) for key, entry in node.value.items()]
        return own + [found for entry in node.value.values() for found in entries(entry.node)]
    return []


@shared_fixture
@given(st.data(), st.booleans())
def test_the_line_named_holds_the_key(data: st.DataObject, flow: bool) -> None:
    document = data.draw(mutated())
    text = yaml.safe_dump(document, allow_unicode=False, default_flow_style=flow, width=1_000_000)
    try:
        tree, _ = read_tree(text, "x")
    except BlueprintError:
        return
    lines = text.split("\n")
    assert tree is not None
    for key, line in entries(tree):
        if key.isidentifier() and key.isascii():
            assert key in lines[line - 1]


@pytest.mark.parametrize("field", ["colour", "on", "zzz"])
@pytest.mark.parametrize("path", HAPPY, ids=lambda path: path.name)
def test_an_unknown_key_is_reported_in_its_own_line(path: Path, field: str) -> None:
    text = path.read_bytes().decode().replace("\r\n", "\n")
    lines = text.split("\n")
    for number in [n for n, line in enumerate(lines) if re.match(r"[a-z_]+:", line)]:
        changed = "\n".join([*lines[:number], f"{field}: 1", *lines[number:]])
        assert [p.line for p in problems(changed) if p.path == (field,)] == [number + 1]


def test_a_problem_of_an_overlay_is_reported_at_the_overlay() -> None:
    text = MINIMAL.replace(
        "{dev: {}}", "\n  dev: {}\n  prod:\n    models:\n      flight_delay:\n        release: newest"
    )
    (only,) = problems(text)
    assert (only.line, only.field) == (9, "environments.prod.models.flight_delay.release")


def test_a_problem_of_the_base_is_reported_once_and_at_the_base() -> None:
    text = MINIMAL.replace("{dev: {}}", "{dev: {}, prod: {models: {flight_delay: {approval: automatic}}}}")
    (only,) = problems(text.replace("flight_delay: {}", "flight_delay: {release: newest}"))
    assert (only.line, only.field) == (8, "models.flight_delay.release")


def test_what_every_scope_covers_is_checked_all_the_same() -> None:
    covered = 'shared: {workload: {entry_point: "a:b"}}\n' + MINIMAL.replace(
        "{dev: {}}", '{dev: {workload: {entry_point: "a:b"}}}'
    )
    assert problems(covered.replace('{entry_point: "flight_delay.workload:workload"}', "{path: code}")) == ()
    (only,) = problems(covered.replace('{entry_point: "flight_delay.workload:workload"}', "[code]"))
    assert (only.line, only.field) == (7, "workload")


def test_an_overlay_that_chooses_another_mode_drops_what_belonged_to_the_first() -> None:
    text = """\
schema_version: 1
name: shop
platform: aws
environments:
  dev: {target: {account: "111111111111", region: eu-west-1}}
  prod:
    target: {account: "222222222222", region: eu-west-1}
    stages: {foundation: {key: {mode: adopt, arn: "arn:aws:kms:eu-west-1:222222222222:key/a"}}}
stages: {foundation: {key: {deletion_window_days: 7}}}
"""
    blueprint = loaded(text).blueprint
    keys_of = {
        name: env.settings.stages.model_dump()["foundation"]["key"] for name, env in blueprint.environments.items()
    }
    assert keys_of["dev"] == {"mode": "create", "deletion_window_days": 7}
    assert keys_of["prod"] == {"mode": "adopt", "arn": "arn:aws:kms:eu-west-1:222222222222:key/a"}


def test_true_is_no_schema_version() -> None:
    assert sentences(MINIMAL.replace("schema_version: 1", "schema_version: true")) == [
        "line 1: schema_version: it must be `1`, not `true`; write `1`"
    ]


def test_secrets_are_never_repeated() -> None:
    text = MINIMAL + "secrets: {A: hunter2, B: {source: hunter2}, C: {source: file, path: [hunter2]}, D: [hunter2]}\n"
    found = sentences(text)
    assert len(found) == 4
    assert not any("hunter2" in text for text in found)


def test_a_text_may_have_a_name() -> None:
    with pytest.raises(BlueprintError, match=r"^shop\.yaml:1: a blueprint is a mapping"):
        load_text("[]", "shop.yaml")
