"""Each step by itself: what it leaves behind, what it refuses, and that a killed one converges when run again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from runtime_helpers import runtime, started, step_settings_document, write_document
from waiting import eventually

from mlops_components.spec.pipeline import STEPS
from mlops_stacks.runtime.step import run_step


def run_up_to(last: str, folder: Path, **parameters: Any) -> int:
    """Run the steps up to `last` in this process; returns the first exit code that is not 0, or 0."""
    settings = write_document(folder / "settings.json", step_settings_document(parameters=parameters))
    run = (folder / "run").as_uri()
    for step in STEPS[: STEPS.index(last) + 1]:
        code = run_step(step, settings, run)
        if code:
            return code
    return 0


def test_all_steps_leave_a_model_that_predicts(tmp_path: Path) -> None:
    assert run_up_to("register", tmp_path, rows=800) == 0
    run = tmp_path / "run"
    assert json.loads((run / "registered.json").read_text())["version"] is None
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["overall"]["accuracy"] > 0.7
    assert set(evaluation["segments"]["colour"]) == {"blue", "red"}
    low, high = evaluation["metrics"]["colour.accuracy.min"], evaluation["metrics"]["colour.accuracy.max"]
    assert low <= evaluation["overall"]["accuracy"] <= high
    from mlops_stacks.runtime.saved_model import SavedModel

    model = SavedModel(str(run / "model"))
    assert [(c.name, c.kind, c.nullable) for c in model.inputs] == [
        ("size", "float", True),
        ("count", "integer", False),
        ("colour", "string", False),
        ("new", "boolean", False),
    ]
    assert model.prediction.name == "probability_big"


def test_a_step_on_another_file_system(tmp_path: Path) -> None:
    settings = write_document(tmp_path / "settings.json", step_settings_document())
    for step in STEPS:
        assert run_step(step, settings, "memory://bucket/runs/one") == 0, step
    import fsspec

    assert fsspec.filesystem("memory").exists("/bucket/runs/one/model/MLmodel")


def test_user_error_is_one_sentence_with_file_and_line(tmp_path: Path) -> None:
    parameters = {"misbehave": "raise in extract"}
    settings = write_document(tmp_path / "settings.json", step_settings_document(parameters=parameters))
    ended = runtime("step", "extract", "--settings", settings, "--run", (tmp_path / "run").as_uri())
    assert ended.returncode == 1
    source = Path(__file__).parent / "tiny_workload.py"
    line = next(n for n, text in enumerate(source.read_text().splitlines(), 1) if 'KeyError("no such colour")' in text)
    sentence = ended.stderr.strip().splitlines()[-1]
    assert sentence == (
        f"error: the workload's `extract` failed: KeyError: 'no such colour' ({source} line {line}, in _misbehave)."
    )
    assert "Traceback" in ended.stderr
    record = json.loads((tmp_path / "run" / "steps" / "extract.json").read_text())
    assert record["state"] == "failed"
    assert f"error: {record['error']}" == sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workload": {"entry_point": "tiny_workload"}}, "must read `package.module:attribute`"),
        ({"workload": {"entry_point": "no_such_package.module:x"}}, "there is no module `no_such_package.module`"),
        ({"workload": {"entry_point": "tiny_workload:nothing"}}, "has no `nothing`"),
        ({"workload": {"entry_point": "tiny_workload:incomplete"}}, "lacks `parameters`, `inputs`"),
        ({"parameters": {"row": 5}}, "did you mean `rows`?"),
        ({"parameters": {"rows": "many"}}, "of type int"),
        ({"parameters": {"rows": True}}, "of type int"),
        ({"acceptance": {"threshold": []}}, "wrong at `acceptance.threshold`"),
        ({"model": 7}, "wrong at `model`"),
    ],
)
def test_wrong_settings_are_a_sentence(
    changes: dict[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = write_document(tmp_path / "settings.json", step_settings_document(**changes))
    assert run_step("extract", settings, (tmp_path / "run").as_uri()) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is not JSON"), (b'"\xff"', "not UTF-8"), (b"[]", "are wrong at"), (None, "cannot be read")],
)
def test_unreadable_settings_are_a_sentence(
    content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_bytes(content)
    assert run_step("extract", file.as_uri(), (tmp_path / "run").as_uri()) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_unknown_scheme_and_unknown_step_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_step("extract", "nowhere://x/settings.json", (tmp_path / "run").as_uri()) == 2
    assert "nowhere" in capsys.readouterr().err
    assert run_step("exract", "file:///x", (tmp_path / "run").as_uri()) == 2
    assert "there is no step `exract`" in capsys.readouterr().err


def test_a_step_before_its_predecessor_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = write_document(tmp_path / "settings.json", step_settings_document())
    assert run_step("train", settings, (tmp_path / "run").as_uri()) == 2
    assert "has no `prepared/train.parquet`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "step", "said"),
    [
        ({"misbehave": "leak"}, "prepare", "`size` (1.000) alone all but tells the label"),
        ({"shuffle": True}, "prepare", "the model would know its exam"),
        ({"shift": 0.9}, "validate_model", "`accuracy` is"),
    ],
)
def test_checks_refuse(
    parameters: dict[str, Any], step: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_up_to(step, tmp_path, **parameters) == 3
    assert said in capsys.readouterr().err


def test_a_refused_model_is_not_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_up_to("validate_model", tmp_path, shift=0.9) == 3
    assert run_step("register", (tmp_path / "settings.json").as_uri(), (tmp_path / "run").as_uri()) == 3
    assert "was refused by `validate_model`" in capsys.readouterr().err
    assert not (tmp_path / "run" / "registered.json").exists()


def test_schema_violations_name_table_column_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    assert run_up_to("extract", tmp_path) == 0
    stored = tmp_path / "run" / "extract" / "things.parquet"
    table = pd.read_parquet(stored)
    table.loc[3:5, "colour"] = "green"
    table.loc[9, "size"] = 17.0
    table.to_parquet(stored)
    assert run_step("validate", (tmp_path / "settings.json").as_uri(), (tmp_path / "run").as_uri()) == 3
    error = capsys.readouterr().err
    assert "column `colour` of table `things` fails `isin(['red', 'blue'])` in 3 rows, e.g. green" in error
    assert "column `size` of table `things` fails `in_range(0, 1)` once, e.g. 17.0" in error


def test_what_train_returns_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_up_to("train", tmp_path, misbehave="return None") == 2
    assert "`train` must return a `Trained`, not NoneType" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["extract", "prepare", "train"])
def test_a_killed_step_converges_when_run_again(step: str, tmp_path: Path) -> None:
    """Killed in the middle, then run again: the files are those of a run that nobody disturbed."""
    marker = tmp_path / "marker"
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    assert run_up_to(step, calm) == 0
    before = STEPS[STEPS.index(step) - 1]
    if step != "extract":
        assert run_up_to(before, disturbed) == 0
    document = step_settings_document(parameters={"misbehave": f"sleep in {step}", "marker": str(marker)})
    settings = write_document(disturbed / "sleeping.json", document)
    process = started("step", step, "--settings", settings, "--run", (disturbed / "run").as_uri())
    eventually(marker.exists)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (disturbed / "run" / "steps" / f"{step}.json").exists()
    assert run_up_to(step, disturbed) == 0
    for name in ("extract.json", "prepared.json", "train.json"):
        assert (disturbed / "run" / name).exists() == (calm / "run" / name).exists()
    assert json.loads((disturbed / "run/extract.json").read_text()) == json.loads(
        (calm / "run/extract.json").read_text()
    )
    assert not list((disturbed / "run").rglob("*.part-*"))


def test_the_data_set_version_follows_the_content(tmp_path: Path) -> None:
    versions = []
    for name, rows in (("one", 100), ("same", 100), ("other", 101)):
        assert run_up_to("extract", tmp_path / name, rows=rows) == 0
        versions.append(json.loads((tmp_path / name / "run/extract.json").read_text())["dataset_version"])
    assert versions[0] == versions[1] != versions[2]


def test_light_steps_do_not_import_heavy_libraries() -> None:
    """Imports are most of a step's time: MLflow and scikit-learn stay out of steps that do without."""
    import subprocess
    import sys

    code = (
        "import sys, mlops_stacks.runtime.step, mlops_stacks.runtime.runner, mlops_stacks.runtime.scheduler;"
        "heavy = {'mlflow', 'pandas', 'sklearn', 'pandera', 'fastapi', 'scipy'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
