"""Where exceptions end: a sentence and an exit code for each, a traceback for nobody who did not ask."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from cli_runner import MINIMAL, Cli

from mlops_stacks.cli import guard
from mlops_stacks.cli.exits import CommandError, ExitCode, SilentError
from mlops_stacks.executors.embedded.errors import NoOutputsError, OperationError, StackBusyError

pytest_plugins = ["cli_fixtures"]


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def invoke() -> NoReturn:
        raise error

    return invoke


@pytest.mark.parametrize("name", sorted(guard.EXIT_CODES))
def test_every_class_in_the_table_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    kind = getattr(import_module(module), attribute)
    assert issubclass(kind, Exception)
    assert guard.exit_code_of(kind) == guard.EXIT_CODES[name]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (CommandError("no."), 1, "no."),
        (CommandError("how?", ExitCode.USAGE), 2, "how?"),
        (StackBusyError("in use"), 1, "in use"),
        (NoOutputsError("no outputs"), 1, "no outputs"),
        (OperationError("it broke"), 3, "it broke"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), 3, "/etc/x: Permission denied"),
        (OSError(errno.ENOSPC, "No space left"), 3, "no space left"),
        (ModuleNotFoundError("no", name="pulumi_aws"), 1, "pip install 'mlops-stacks[aws]'"),
        (KeyboardInterrupt(), 130, "the same command continues"),
        (SystemExit(0), 0, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("bye"), 1, "bye"),
    ],
)
def test_each_exception_has_its_sentence_and_code(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guard.run(_raising(error), debug=False) == code
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def test_silence_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert guard.run(_raising(SilentError(ExitCode.REFUSED)), debug=False) == 1
    assert capsys.readouterr().err == ""


def test_a_surprise_is_our_fault_and_its_traceback_goes_to_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["mlops-stacks", "predict", "m", "--input", "confidential"])
    assert guard.run(_raising(ZeroDivisionError("one by\nzero")), debug=False) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ZeroDivisionError: one by zero" in said
    (report,) = guard.report_folder().iterdir()
    assert str(report) in said
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "Traceback (most recent call last)" in text
    assert "predict" in text
    assert "confidential" not in text.splitlines()[0]


def test_reports_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    guard.report_folder().mkdir(parents=True)
    for number in range(50):
        (guard.report_folder() / f"2000-{number:02}.txt").touch()
    guard.run(_raising(ZeroDivisionError()), debug=False)
    kept = sorted(path.name for path in guard.report_folder().iterdir())
    assert len(kept) == 20
    assert kept[0] == "2000-31.txt"


def test_a_report_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert guard.run(_raising(ZeroDivisionError()), debug=False) == 3
    assert "--debug" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--debug", "plan", "-e", "x"), ("plan", "-e", "x", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(
    cli: Cli, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    from mlops_stacks.cli.main import run

    cli.write()
    assert run(arguments) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(cli: Cli) -> None:
    cli.write(MINIMAL)
    command = f"{sys.executable} -m mlops_stacks.cli.main plan --format json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.stdout == "{"
    assert done.stderr == ""


def test_characters_that_the_terminal_lacks_do_not_break_a_sentence(cli: Cli) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "mlops_stacks.cli.main", "validate", "-b", "blüeprint.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "there is no such blueprint" in done.stderr
