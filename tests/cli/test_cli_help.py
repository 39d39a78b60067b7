"""Help, options, completion, exit codes of usage, and the time it takes to start."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import Cli

from mlops_stacks.cli.main import run

pytest_plugins = ["cli_fixtures"]

VERBS = {
    "init": ["--name", "--platform", "--environment", "--model", "--workload", "--target", "--yes"],
    "validate": ["--blueprint", "--json"],
    "schema": ["--output"],
    "platforms": ["--json"],
    "plan": ["--environment", "--blueprint", "--format", "--output"],
    "render": ["--to", "--environment", "--blueprint", "--repository"],
    "permissions": ["--to", "--environment", "--blueprint"],
    "diff": ["--blueprint", "--platform", "--names", "--json"],
    "bootstrap": ["--environment", "--blueprint"],
    "preflight": ["--environment", "--blueprint", "--json"],
    "doctor": ["--blueprint", "--json"],
    "up": ["--environment", "--blueprint", "--executor"],
    "outputs": ["--environment", "--blueprint", "--executor", "--json"],
    "destroy": ["--environment", "--blueprint", "--executor", "--yes"],
    "run": ["--environment", "--parameter", "--blueprint", "--executor"],
    "predict": ["--environment", "--input", "--example", "--blueprint"],
    "versions": ["--blueprint", "--json"],
    "approve": ["--blueprint"],
    "reject": ["--reason", "--blueprint"],
    "release": ["--environment", "--approve", "--blueprint"],
    "packages": ["--blueprint", "--json"],
    "deliver": ["--environment", "--approve", "--blueprint"],
    "withdraw": ["--environment", "--reason", "--blueprint"],
    "promote": ["--environment", "--versions", "--terse", "--blueprint", "--executor"],
    "status": ["--environment", "--blueprint", "--json"],
    "open": ["--environment", "--blueprint", "--browser"],
    "acknowledge": ["--environment", "--blueprint"],
    "logs": ["--environment", "--follow", "--lines", "--blueprint"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_names_its_options(cli: Cli, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    answer = cli(verb, "--help")
    assert answer.code == 0
    missing = [option for option in VERBS[verb] if option not in answer.out]
    assert not missing, answer.out


def test_help_names_every_verb_and_every_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = cli("--help").out
    assert [verb for verb in VERBS if f" {verb} " not in out] == []
    assert all(words in out for words in ("0 done", "1 refused", "2 wrong usage", "3 failed", "130 interrupted"))


def test_no_verb_is_missing_from_the_table_of_this_test() -> None:
    from typer.main import get_command

    from mlops_stacks.cli.main import app

    assert set(get_command(app).commands) == set(VERBS)  # type: ignore[attr-defined]


def test_version(cli: Cli) -> None:
    answer = cli("--version")
    assert answer.code == 0
    assert answer.out.startswith("mlops-stacks ")


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("plan", "--nonsense"), ("plan", "--format", "xml"), ("approve", "m", "zero")]
)
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    answer = cli(*arguments)
    assert answer.code == 2
    assert answer.err
    assert answer.out == ""


def test_a_mistyped_verb_gets_a_suggestion(cli: Cli) -> None:
    assert "platforms" in cli("platfroms").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_and_completion(shell: str, tmp_path: Path) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    shown = subprocess.run(
        [_program(), "--show-completion", shell], capture_output=True, text=True, env=environment, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "mlops-stacks" in shown.stdout


def test_bash_completes_verbs(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "_MLOPS_STACKS_COMPLETE": "complete_bash",
        "COMP_WORDS": "mlops-stacks pl",
        "COMP_CWORD": "1",
    }
    completed = subprocess.run([_program()], capture_output=True, text=True, env=environment, check=False)
    assert completed.stdout.split() == ["platforms", "plan"] or set(completed.stdout.split()) == {"plan", "platforms"}


def test_starting_imports_nothing_heavy() -> None:
    code = "import sys, mlops_stacks.cli.main; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pydantic", "pulumi", "pandas", "mlflow", "yaml", "jinja2", "numpy", "psutil", "grpc", "urllib.request"}
    assert heavy & set(loaded) == set()


def test_help_starts_quickly() -> None:
    """A bound that a busy machine keeps, and that an import of pulumi or pydantic would break."""
    run(["--version"])
    best = min(_seconds_of_help() for _ in range(3))
    assert best < 0.6


def _seconds_of_help() -> float:
    """Processor time, which another process's work does not add to."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([_program(), "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _program() -> str:
    return str(Path(sys.executable).with_name("mlops-stacks"))
