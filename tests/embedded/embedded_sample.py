"""Small dynamic resources with real effects, and programs made of them, for the tests of the embedded executor.

Every effect lies in one folder: files, and `sleep` processes whose environment names the folder and the resource.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

MARK = "EMBEDDED_SAMPLE"


class FileProvider(ResourceProvider):
    """A file with a content, and if wanted a second one beside it; the path is its identity."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = [CheckFailure("path", "it must be absolute")] if not news["path"].startswith("/") else []
        return CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        keys = ("path", "content", "beside")
        return DiffResult(
            changes=any(olds.get(key) != news.get(key) for key in keys),
            replaces=["path"] if olds.get("path") != news.get("path") else [],
            delete_before_replace=bool(news.get("exclusive")),
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        self._write(props)
        return CreateResult(props["path"], props)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        if olds.get("beside") and olds.get("beside") != news.get("beside"):
            Path(olds["beside"]).unlink(missing_ok=True)
        self._write(news)
        return UpdateResult(news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        path = Path(props["path"])
        if not path.exists():
            return ReadResult(None, {})
        return ReadResult(id_, {**props, "content": path.read_text()})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        for key in ("beside", "path"):
            if props.get(key):
                Path(props[key]).unlink(missing_ok=True)

    def _write(self, props: dict[str, Any]) -> None:
        if props.get("wait"):
            time.sleep(props["wait"])
        for key in ("path", "beside"):
            if props.get(key):
                Path(props[key]).write_text(props["content"])


class SleepProvider(ResourceProvider):
    """A process that sleeps; folder and name are its identity, a changed `version` restarts it."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        self._ensure(props)
        return CreateResult(props["name"], props)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        self._ensure(news)
        return UpdateResult(news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, props) if sleepers(props["folder"], props["name"]) else ReadResult(None, {})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        for process in sleepers(props["folder"], props["name"]):
            process.kill()
            _reap(process)

    def residue(self, _id: str, props: dict[str, Any]) -> list[str]:
        note = Path(props["folder"]) / f"{props['name']}.note"
        return [f"{note.name} was written by somebody else"] if note.exists() else []

    def _ensure(self, props: dict[str, Any]) -> None:
        version = str(props["version"])
        running = sleepers(props["folder"], props["name"])
        for process in running:
            if process.environ()[f"{MARK}_VERSION"] != version:
                process.kill()
                _reap(process)
        if not sleepers(props["folder"], props["name"]):
            environment = {MARK: f"{props['folder']}:{props['name']}", f"{MARK}_VERSION": version}
            subprocess.Popen(
                ["/bin/sleep", "300"],
                env=environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )


class BrokenProvider(ResourceProvider):
    """Fails where it is told to."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        if props.get("fail") == "create":
            raise RuntimeError(f"the disk {props.get('disk')} is full")
        return CreateResult("broken", props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        if not Path(props["permit"]).exists():
            raise RuntimeError("it is in use")


class SecretiveProvider(ResourceProvider):
    """Leaves `serialize_as_secret_always` as it is."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("secretive", props)


class File(Resource, module="sample", name="File"):
    path: pulumi.Output[str]
    content: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(FileProvider(), name, dict(props), opts)


class Sleep(Resource, module="sample", name="Sleep"):
    name: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(SleepProvider(), name, dict(props), opts)


class Broken(Resource, module="sample", name="Broken"):
    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(BrokenProvider(), name, dict(props), opts)


class Secretive(Resource, module="sample", name="Secretive"):
    def __init__(self, name: str) -> None:
        super().__init__(SecretiveProvider(), name, {"a": 1})


class Group(pulumi.ComponentResource):
    """A component with outputs."""

    value: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sample:index:Group", name, None, opts)


def sleepers(folder: str, name: str = "") -> list[psutil.Process]:
    """The live processes of a folder, or those of one resource."""
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "") if process.name() == "sleep" else ""
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if mark.startswith(f"{folder}:{name}") and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def _reap(process: psutil.Process) -> None:
    try:
        os.waitpid(process.pid, 0)
    except ChildProcessError:
        # The run that started it was killed, so it is a child of somebody who may never ask for it.
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.001)


def world(folder: Path) -> dict[str, str]:
    """Everything that exists: files with their content, processes with their version; a duplicate counts."""
    found = {path.name: path.read_text() for path in sorted(folder.iterdir())}
    for process in sleepers(str(folder)):
        environment = process.environ()
        name = environment[MARK].rpartition(":")[2]
        key = f"process {name}"
        while key in found:
            key += " again"
        found[key] = environment[f"{MARK}_VERSION"]
    return found


def end_sleepers(folder: Path) -> None:
    """End what a test left."""
    for process in sleepers(str(folder)):
        process.send_signal(signal.SIGKILL)
        _reap(process)


def variant(folder: Path, letter: str) -> Callable[[], None]:
    """A program: `a` from nothing, `b` with an update, a replacement, a removal and an addition, `c` much smaller."""

    def common(content: str, kept: str, version: int, beside: str) -> tuple[File, File]:
        group = Group("group")
        first = File(
            "first",
            {"path": str(folder / "first"), "content": content, "beside": str(folder / beside)},
            pulumi.ResourceOptions(parent=group),
        )
        moved = File("moved", {"path": str(folder / kept), "content": first.content})
        process = Sleep("process", {"folder": str(folder), "name": "main", "version": version, "after": moved.path})
        group.value = first.content
        group.register_outputs({"value": first.content})
        pulumi.export("content", first.content)
        pulumi.export("process", process.name)
        return first, moved

    def a() -> None:
        _, moved = common("one", "moved-a", 1, "beside-a")
        exclusive = File("exclusive", {"path": str(folder / "ex-a"), "content": "x", "exclusive": True})
        File("user", {"path": exclusive.path.apply(lambda path: f"{path}-user"), "content": "u"})
        File("removed", {"path": str(folder / "removed"), "content": moved.content})

    def b() -> None:
        first, moved = common("two", "moved-b", 2, "beside-b")
        exclusive = File("exclusive", {"path": str(folder / "ex-b"), "content": "x", "exclusive": True})
        File("user", {"path": exclusive.path.apply(lambda path: f"{path}-user"), "content": "u"})
        Sleep("added", {"folder": str(folder), "name": "added", "version": first.content})
        File("late", {"path": str(folder / "late"), "content": "l"}, pulumi.ResourceOptions(depends_on=[moved]))

    def c() -> None:
        File("moved", {"path": str(folder / "moved-c"), "content": "three"})
        File("exclusive", {"path": str(folder / "ex-a"), "content": "y", "exclusive": True})

    return {"a": a, "b": b, "c": c}[letter]
