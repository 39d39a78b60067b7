"""`doctor`: each lack of a machine is named with a remedy, each leftover is found, and nothing is changed."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_components.spec.marked import MARKER
from mlops_stacks.cli.main import run
from mlops_stacks.executors.embedded.state import Entry, Operation, Pending, State, encode
from mlops_stacks.operations import doctor as examination
from mlops_stacks.operations import preflight
from mlops_stacks.operations.doctor import doctor
from mlops_stacks.operations.preflight import Check, Outcome

LOCAL = """\
schema_version: 1
name: shop
platform: local
environments: {dev: {}}
stages: [foundation]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a blueprint, as the current one."""
    (tmp_path / "blueprint.yaml").write_text(LOCAL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPS_STACKS_BLUEPRINT", raising=False)
    return tmp_path


@pytest.fixture
def state(folder: Path) -> Path:
    made = folder / ".mlops-stacks" / "shop" / "state"
    made.mkdir(parents=True)
    return made


def found(folder: Path) -> dict[str, Check]:
    return {check.name: check for check in doctor(None, folder)}


def test_a_machine_that_lacks_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    checks = found(folder)
    assert {n: c for n, c in checks.items() if c.outcome is not Outcome.OK and n != "processes"} == {}
    wanted = {"Python", "locale", "time zones", "home", "temporary files", "git", "folder", "packages for local"}
    assert wanted | {"disk", "memory", "ports", "stack shop-shared", "stack shop-dev"} <= checks.keys()
    assert not (folder / ".mlops-stacks").exists(), "looking changes nothing"


def test_every_lack_has_a_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(examination, "OLDEST_PYTHON", (4, 0))
    monkeypatch.setattr(examination.locale, "getencoding", lambda: "ISO-8859-1")
    monkeypatch.setattr(examination, "_ZONES", ("Nowhere/At_All",))
    monkeypatch.setattr(examination.os, "access", lambda path, mode: False)
    monkeypatch.setattr(examination, "_SCRATCH_GIB", 10**9)
    monkeypatch.setenv("PATH", "")
    checks = found(folder)
    outcomes = {name: check.outcome.value for name, check in checks.items() if check.outcome is not Outcome.OK}
    assert (
        outcomes.items()
        >= {
            "Python": "error",
            "bytecode": "warning",
            "locale": "warning",
            "time zones": "error",
            "home": "error",
            "temporary files": "warning",
            "git": "warning",
            "folder": "error",
        }.items()
    )
    assert [name for name, check in checks.items() if name in outcomes and not check.remedy] == []


def test_without_a_blueprint_the_machine_is_examined_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = found(tmp_path)
    assert checks["Python"].outcome is Outcome.OK
    assert checks["blueprint"].outcome is Outcome.WARNING
    assert "mlops-stacks init" in checks["blueprint"].remedy


def test_a_bad_blueprint_is_one_line(folder: Path) -> None:
    (folder / "blueprint.yaml").write_text(LOCAL.replace("foundation", "fundation").replace("local", "lokal"))
    check = found(folder)["blueprint"]
    assert check.outcome is Outcome.ERROR
    assert "mlops-stacks validate" in check.remedy


def test_a_stage_whose_packages_are_missing_names_its_own_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = preflight.find_spec
    monkeypatch.setattr(preflight, "find_spec", lambda name: None if name == "mlflow" else find(name))
    check = found(folder)["packages for local"]
    assert (check.outcome, check.remedy) == (Outcome.ERROR, "pip install 'mlops-stacks[local]'")
    monkeypatch.setattr(preflight, "_STAGE_MODULES", {preflight.Stage.FOUNDATION: ("features", ("no_such_module",))})
    check = found(folder)["packages for foundation"]
    assert (check.outcome, check.remedy) == (Outcome.ERROR, "pip install 'mlops-stacks[features]'")


def test_a_damaged_state_is_an_error_and_stays_as_it_is(folder: Path, state: Path) -> None:
    (state / "shop-dev.json").write_text("{ half")
    checks = found(folder)
    assert checks["stack shop-dev"].outcome is Outcome.ERROR
    assert "shop-dev.json" in checks["stack shop-dev"].remedy
    assert (state / "shop-dev.json").read_text() == "{ half"


def test_an_interrupted_run_is_named_with_what_continues_it(folder: Path, state: Path) -> None:
    entry = Entry("k", "urn:pulumi:shop-dev::mlops-stacks::a:b:C::x", "a:b:C", "x", None, custom=True)
    begun = Pending(Operation.CREATE, entry, since=0.0, pid=1)
    (state / "shop-dev.json").write_bytes(encode(State("mlops-stacks", "shop-dev", pending=[begun])))
    check = found(folder)["stack shop-dev"]
    assert check.outcome is Outcome.WARNING
    assert "did not end: create of x is open" in check.message
    doomed = {f"k{number}": replace(entry, key=f"k{number}", name=f"y{number}") for number in range(5)}
    unfinished = State("mlops-stacks", "shop-dev", pending=[begun], doomed=doomed)
    (state / "shop-dev.json").write_bytes(encode(unfinished))
    said = found(folder)["stack shop-dev"].message
    assert "create of x, delete of the replaced y0, delete of the replaced y1" in said
    assert said.endswith("and 2 more are open")
    assert "mlops-stacks up" in check.remedy


def test_a_lock_counts_only_while_somebody_holds_it(folder: Path, state: Path) -> None:
    lock = state / "shop-dev.lock"
    lock.write_text('{"pid": 1}')
    assert found(folder)["stack shop-dev"].outcome is Outcome.OK
    with lock.open("r+") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        held = found(folder)["stack shop-dev"]
    assert held.outcome is Outcome.WARNING
    assert "under way" in held.message
    assert found(folder)["stack shop-dev"].outcome is Outcome.OK


@pytest.fixture
def stray(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this blueprint that no state knows."""
    supervisor = folder / ".mlops-stacks" / "shop" / "shared" / "supervisor"
    supervisor.mkdir(parents=True)
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: f"{supervisor}#dev-serving-x"})
    yield process
    process.kill()
    process.wait()


def test_a_process_that_nothing_looks_after_is_found(folder: Path, stray: subprocess.Popen[bytes]) -> None:
    remedies = [check.remedy for check in doctor(None, folder) if check.name == "processes"]
    assert f"kill {stray.pid}" in remedies
    stray.kill()
    stray.wait()
    remedies = [check.remedy for check in doctor(None, folder) if check.name == "processes"]
    assert f"kill {stray.pid}" not in remedies


def test_the_command_prints_lines_or_json_and_ends_with_1_on_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["doctor"]) == 0
    assert "ok       Python: " in capsys.readouterr().out
    monkeypatch.setattr(examination, "_ZONES", ("Nowhere/At_All",))
    assert run(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)
    (zones,) = [check for check in checks if check["name"] == "time zones"]
    assert (zones["outcome"], zones["remedy"]) == ("error", "pip install tzdata")
    assert run(["doctor", "--environment", "nowhere"]) == 2
