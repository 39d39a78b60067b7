"""The state folder: one run at a time, damage noticed and never made worse, no secret in a file."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import threading
from pathlib import Path
from typing import Any

import pulumi
import pytest
from embedded_child import executor, identity, program_of, run, world_folder
from embedded_sample import File, Secretive, variant, world
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_stacks.executors.embedded.errors import (
    CorruptStateError,
    OperationError,
    StackBusyError,
    StateError,
    UnsupportedError,
)
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.embedded.state import Entry, NewerFormatError, State, decode, encode
from mlops_stacks.executors.embedded.values import Bag, Sealed, changed_keys, seal, unseal
from mlops_stacks.executors.events import Event, EventKind
from mlops_stacks.executors.in_process import StackIdentity

SECRET = "correct-horse-battery"


def state_file(root: Path) -> Path:
    return root / "state" / "flights-dev.json"


def hold(root: Path, ready: Any, release: Any) -> None:
    def observe(event: Event) -> None:
        if event.kind is EventKind.STARTED and not ready.is_set():
            ready.set()
            release.wait(60)

    EmbeddedExecutor(root / "state", observe, workers=1).up(variant(world_folder(root), "c"), identity(root))


@pytest.mark.parametrize("second", ["up", "destroy"])
def test_of_two_runs_at_once_the_second_is_refused_at_once(root: Path, second: str) -> None:
    context = multiprocessing.get_context("forkserver")
    ready, release = context.Event(), context.Event()
    first = context.Process(target=hold, args=(root, ready, release))
    first.start()
    assert ready.wait(60)
    try:
        message = rf"stack flights-dev is in use by process {first.pid} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"
        with pytest.raises(StackBusyError, match=message):
            run(root, "c" if second == "up" else "destroy")
    finally:
        release.set()
        first.join()
    assert first.exitcode == 0
    assert world(world_folder(root)) == {"ex-a": "y", "moved-c": "three"}
    run(root, "destroy")


def test_two_runs_in_one_process_are_kept_apart_too(root: Path) -> None:
    ready, release = threading.Event(), threading.Event()
    first = threading.Thread(target=hold, args=(root, ready, release))
    first.start()
    assert ready.wait(60)
    with pytest.raises(StackBusyError, match=f"process {os.getpid()}"):
        run(root, "c")
    other = StackIdentity("sample", "flights-prod", root)
    EmbeddedExecutor(root / "state").up(lambda: None, other)
    release.set()
    first.join()


def damage_truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_one_letter(content: bytes) -> bytes:
    return content.replace(b"moved-c", b"moved-d")


def damage_emptied(_content: bytes) -> bytes:
    return b""


def damage_other_json(_content: bytes) -> bytes:
    return b"[1, 2]"


def damage_binary(_content: bytes) -> bytes:
    return b"\xff\xfe\x00"


@pytest.mark.parametrize(
    "damage", [damage_truncated, damage_one_letter, damage_emptied, damage_other_json, damage_binary]
)
@pytest.mark.parametrize("action", ["c", "destroy"])
def test_a_damaged_state_is_named_kept_aside_and_never_overwritten(root: Path, damage: Any, action: str) -> None:
    run(root, "c")
    good, before = state_file(root).read_bytes(), world(world_folder(root))
    state_file(root).write_bytes(damage(good))
    for _ in range(2):
        with pytest.raises(CorruptStateError) as caught:
            run(root, action)
        sentence = str(caught.value)
        assert str(state_file(root)) in sentence
        assert "flights-dev.json.corrupt-1" in sentence
        assert "copy flights-dev.json.bak over flights-dev.json" in sentence
    assert state_file(root).read_bytes() == damage(good)
    assert state_file(root).with_name("flights-dev.json.corrupt-1").read_bytes() == damage(good)
    assert not state_file(root).with_name("flights-dev.json.corrupt-2").exists()
    assert world(world_folder(root)) == before
    with pytest.raises(CorruptStateError):
        executor(root).outputs("flights-dev")


def test_the_remedy_that_is_offered_mends_it(root: Path) -> None:
    run(root, "a")
    state_file(root).write_bytes(b"{")
    with pytest.raises(CorruptStateError):
        run(root, "a")
    state_file(root).write_bytes(state_file(root).with_name("flights-dev.json.bak").read_bytes())
    run(root, "b")
    run(root, "destroy")
    assert world(world_folder(root)) == {}


def test_a_second_damage_is_kept_beside_the_first(root: Path) -> None:
    run(root, "c")
    for damage in (b"one", b"two"):
        state_file(root).write_bytes(damage)
        state_file(root).with_name("flights-dev.json.bak").write_bytes(b"also damaged")
        with pytest.raises(CorruptStateError, match=r"put a good copy in its place, or remove flights-dev\.json"):
            run(root, "c")
    aside = [state_file(root).with_name(f"flights-dev.json.corrupt-{n}").read_bytes() for n in (1, 2)]
    assert aside == [b"one", b"two"]


EXAMPLE = encode(
    State(
        "sample",
        "flights-dev",
        {"urn:a": Entry("key", "urn:a", "type", "a", None, custom=True, id="1", inputs=Sealed({"size": 1.5}))},
        outputs=Sealed({"text": "x", "list": [1.0, True, None]}),
    )
)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(EXAMPLE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_of_a_state_goes_unnoticed(position: int, byte: int) -> None:
    changed = bytearray(EXAMPLE)
    changed[position] = byte
    try:
        state = decode(bytes(changed))
    except (ValueError, NewerFormatError):
        return
    # White space alone may differ: what it says is what it said.
    assert encode(state) == EXAMPLE


def test_a_newer_format_is_left_alone(root: Path) -> None:
    run(root, "c")
    newer = json.dumps({"format": 2, "anything": "else"}).encode()
    state_file(root).write_bytes(newer)
    with pytest.raises(StateError, match=r"was written by a newer release \(format 2\); upgrade mlops-stacks"):
        run(root, "c")
    assert state_file(root).read_bytes() == newer
    assert not list((root / "state").glob("*.corrupt-*"))


def test_an_unwritable_folder_is_one_sentence(root: Path) -> None:
    (root / "state").write_text("a file where the folder should be")
    with pytest.raises(StateError, match=r"the state folder .*state cannot be written .*; give yourself the right"):
        run(root, "c")
    with pytest.raises(StateError, match="Not a directory"):
        EmbeddedExecutor(root / "state" / "below").up(lambda: None, identity(root))
    with pytest.raises(StateError, match="cannot be written"):
        EmbeddedExecutor(Path("/proc/self/fdinfo")).up(lambda: None, identity(root))
    assert world(world_folder(root)) == {}


def test_a_folder_that_becomes_unwritable_stops_the_run_before_the_effect(root: Path) -> None:
    def observe(event: Event) -> None:
        if event.kind is EventKind.STARTED:
            # The temporary file's place is taken by a folder: no permission needed to fail, even for root.
            state_file(root).with_name("flights-dev.json.tmp").mkdir()

    with pytest.raises(StateError, match="cannot be written"):
        EmbeddedExecutor(root / "state", observe, workers=1).up(
            program_of(lambda: File("one", {"path": str(world_folder(root) / "one"), "content": "x"})),
            identity(root),
        )
    assert world(world_folder(root)) == {}


def test_another_stack_s_state_is_refused(root: Path) -> None:
    run(root, "c")
    with pytest.raises(StateError, match="belongs to stack flights-dev of project sample, not to"):
        executor(root).up(lambda: None, StackIdentity("other", "flights-dev", root))


def secret_program(root: Path, secret: str, *, beside: str = "y") -> Any:
    def program() -> None:
        path = str(world_folder(root) / "file")
        file = File("file", {"path": path, "content": pulumi.Output.secret(secret), "note": beside})
        pulumi.export("content", file.content)
        pulumi.export("address", file.content.apply(lambda text: f"https://user:{text}@127.0.0.1/"))

    return program


def test_no_secret_is_ever_in_a_file_of_the_state(root: Path) -> None:
    seen = bytearray()

    def observe(_event: Event) -> None:
        for path in (root / "state").iterdir():
            seen.extend(path.read_bytes())

    one = EmbeddedExecutor(root / "state", observe)
    result = one.up(secret_program(root, SECRET), identity(root))
    assert result.outputs == {"address": "[secret]", "content": "[secret]"}
    assert one.outputs("flights-dev") == result.outputs
    assert world(world_folder(root)) == {"file": SECRET}
    one.up(secret_program(root, SECRET, beside="z"), identity(root))
    observe(Event(EventKind.STARTED, "", "", "", None, ""))
    assert len(seen) > 1000
    assert SECRET.encode() not in bytes(seen)
    assert oct(state_file(root).stat().st_mode & 0o777) == "0o600"


def test_a_secret_is_compared_by_digest(root: Path) -> None:
    one = executor(root)
    one.up(secret_program(root, SECRET), identity(root))
    before = state_file(root).read_bytes()
    assert not one.up(secret_program(root, SECRET), identity(root)).updated
    assert state_file(root).read_bytes() == before
    assert len(one.up(secret_program(root, "another-secret"), identity(root)).updated) == 1
    assert world(world_folder(root)) == {"file": "another-secret"}
    one.destroy(identity(root))
    assert world(world_folder(root)) == {}


def test_a_secret_does_not_leak_into_an_error(root: Path) -> None:
    def program() -> None:
        File("file", {"path": pulumi.Output.secret(f"/nowhere/{SECRET}/file"), "content": "x"})

    events: list[Event] = []
    with pytest.raises(OperationError) as caught:
        EmbeddedExecutor(root / "state", events.append).up(program, identity(root))
    assert "create of file failed" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(events)


def test_a_provider_that_is_always_secret_is_refused_with_the_remedy(root: Path) -> None:
    with pytest.raises(UnsupportedError, match="set serialize_as_secret_always = False"):
        executor(root).up(program_of(lambda: Secretive("one")), identity(root))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=20, deadline=None)
@given(values=st.dictionaries(st.text(min_size=1), json_values, max_size=4), data=st.data())
def test_sealing_keeps_what_is_open_and_recognises_what_is_not(values: dict[str, Any], data: st.DataObject) -> None:
    secrets = frozenset(data.draw(st.sets(st.sampled_from(sorted(values)), max_size=1))) if values else frozenset()
    bag = Bag(values, secrets)
    sealed = seal(bag, Sealed())
    assert sealed.values.keys().isdisjoint(secrets)
    assert unseal(sealed, bag) == bag
    assert changed_keys(sealed, bag) == frozenset()
    for key in values:
        assert changed_keys(sealed, Bag({**values, key: "other than before"}, secrets)) == (
            frozenset({key}) if values[key] != "other than before" else frozenset()
        )
    assert all(re.fullmatch(r"scrypt:[^:]+:[^:]+", digest) for digest in sealed.digests.values())
