"""run.py: what it does where something is missing, without installing anything. A fresh clone is tested elsewhere."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("run_script", ROOT / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "run_script", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environments(run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What the script makes environments with, working in an empty folder."""
    module = sys.modules["locks.environments"]
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "TOOLS", tmp_path / ".venvs" / "tools")
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    return module


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "run.py", *arguments], capture_output=True, text=True, timeout=30)


def test_help_names_every_command() -> None:
    shown = script("--help").stdout
    assert all(command in shown for command in ("quickstart", "test", "lock", "golden"))


@pytest.mark.parametrize("arguments", [[], ["dance"], ["lock", "--colour"], ["quickstart", "more"]])
def test_wrong_usage_is_a_sentence(arguments: list[str]) -> None:
    done = script(*arguments)
    assert done.returncode == 2
    assert "run.py: error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_standard_library_is_imported() -> None:
    code = f"import runpy, sys; runpy.run_path({str(ROOT / 'run.py')!r}, run_name='x')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_a_python_without_pip_is_told_so(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(environments.Stopped, match=r"has no pip.*apt install python3-pip"):
        environments.pip_for(tmp_path)


def test_pip_outside_serves_an_environment_that_has_none(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name == "pip" else None)
    assert environments.pip_for(tmp_path) == [environments.PYTHON, "-m", "pip", "--python", tmp_path / "bin" / "python"]


def test_a_python_without_venv_is_told_so(environments: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "PYTHON", "false")
    with pytest.raises(environments.Stopped, match="apt install python3-venv"):
        environments.prepare_tools()


def test_a_stop_is_one_sentence_and_exit_code_1(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_lock: object) -> None:
        raise run.Stopped("the disk is made of cheese")

    monkeypatch.setattr(run, "prepare", stop)
    assert run.main(["quickstart"]) == 1
    assert capsys.readouterr().err == "run.py: the disk is made of cheese.\n"


def test_children_compile_bytecode_and_find_only_their_own_packages(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "PIP_USER"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("PIP_INDEX_URL", "index-of-the-company")
    child = environments.child_environment()
    assert not child.keys() & {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "PIP_USER"}
    assert child["UV_DEFAULT_INDEX"] == "index-of-the-company"


def test_a_changed_lock_makes_the_environment_anew(environments: ModuleType, tmp_path: Path) -> None:
    lock, environment = tmp_path / "lock", tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").touch()
    lock.write_text("one")
    assert not environments.has_stamp(environment, environments.fingerprint(lock))
    (environment / environments.STAMP).write_text(environments.fingerprint(lock))
    assert environments.has_stamp(environment, environments.fingerprint(lock))
    lock.write_text("two")
    assert not environments.has_stamp(environment, environments.fingerprint(lock))


def test_a_command_past_its_limit_is_ended_with_its_children(environments: ModuleType, tmp_path: Path) -> None:
    marker = tmp_path / "survived"
    began = time.monotonic()
    code = f"import subprocess, time; subprocess.Popen(['sh', '-c', 'sleep 2; touch {marker}']); time.sleep(60)"
    assert environments.call([sys.executable, "-c", code], limit=0.5) == 124
    assert time.monotonic() - began < 30
    time.sleep(2)
    assert not marker.exists()


def test_the_exit_code_of_a_command_is_passed_on(environments: ModuleType) -> None:
    assert environments.call([sys.executable, "-c", "raise SystemExit(7)"]) == 7
