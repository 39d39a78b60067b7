"""What a tracked run leaves in MLflow: one run, a model with its lineage, registered once however often it is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runtime_helpers import status_of, step_settings_document, tracked, write_document

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.registry import Registry, UnknownVersionError
from mlops_stacks.runtime.step import run_step

MODEL = "demo-things"


@pytest.fixture
def registry(tracked_run: dict[str, Any]) -> Registry:
    return Registry(tracked_run["settings"]["tracking_uri"], None)


def test_version_carries_its_whole_lineage(tracked_run: dict[str, Any], registry: Registry) -> None:
    run = tracked_run["folder"] / "runs" / "first"
    version = registry.version(MODEL, "1")
    tags = version.tags
    assert tags[lineage.DATASET_VERSION] == json.loads((run / "extract.json").read_text())["dataset_version"]
    assert tags[lineage.PIPELINE_RUN] == "first"
    assert tags[lineage.COMMIT].removesuffix("-dirty").isalnum()
    assert tags["parameter.shift"] == "0.01"
    assert tags["parameter.kind"] == "threshold"
    assert float(tags["metric.accuracy"]) > 0.7
    assert tags[lineage.PYTHON].startswith("3.")
    assert tags[lineage.PACKAGES].startswith("sha256:")
    assert tags[lineage.APPROVAL] == "approved"
    assert tags[lineage.STAGE] == "Staging"
    assert (tags[lineage.BLUEPRINT], tags[lineage.ENVIRONMENT]) == ("demo", "dev")


def test_one_mlflow_run_holds_parameters_metrics_and_model(tracked_run: dict[str, Any], registry: Registry) -> None:
    client = registry.client
    experiment = client.get_experiment_by_name("demo-dev")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.run_name for run in runs] == ["first"]
    (run,) = runs
    assert run.info.status == "FINISHED"
    assert run.data.params["shift"] == "0.01"
    assert run.data.metrics["accuracy"] > 0.7
    artefacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"model", "profile.json", "evaluation.json"} <= artefacts


def test_the_registered_model_has_signature_and_example(tracked_run: dict[str, Any], registry: Registry) -> None:
    import mlflow.pyfunc
    import tiny_workload  # noqa: F401 - the model's pickle refers to it

    loaded = mlflow.pyfunc.load_model(f"models:/{MODEL}/1")
    schema = loaded.metadata.get_input_schema()
    assert schema is not None
    assert schema.input_names() == ["size", "count", "colour", "new"]
    assert len(loaded.input_example) == 3


def test_the_status_names_the_registered_version(tracked_run: dict[str, Any]) -> None:
    status = tracked_run["status"]
    assert status["result"] == {
        "model": MODEL,
        "version": "1",
        "model_uri": f"models:/{MODEL}/1",
        "approval": "approved",
    }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings of a tracked pipeline, whose steps ran up to `validate_model`."""
    folder = tmp_path_factory.mktemp("own")
    write_document(folder / "settings.json", step_settings_document(**tracked(folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for step in ("extract", "validate", "prepare", "train", "evaluate", "validate_model"):
            assert run_step(step, (folder / "settings.json").as_uri(), (folder / "run").as_uri()) == 0
    return folder


class Killed(BaseException):
    """Stands for `kill -9`: nothing catches it."""


def test_killed_between_registering_and_writing_it_down(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("register", (own / "settings.json").as_uri(), (own / "run").as_uri())
    write = RunFolder.write_json

    def dies(self: RunFolder, name: str, value: Any) -> None:
        if name == "registered.json":
            raise Killed
        write(self, name, value)

    monkeypatch.setattr(RunFolder, "write_json", dies)
    with pytest.raises(Killed):
        run_step(*arguments)
    monkeypatch.undo()
    assert run_step(*arguments) == 0
    registry = Registry(tracked(own)["tracking_uri"], None)
    assert [version.version for version in registry.versions(MODEL)] in (["1"], [1])
    assert registry.version(MODEL, "1").tags[lineage.APPROVAL] == "pending"


def test_killed_between_beginning_the_mlflow_run_and_writing_it_down(own: Path) -> None:
    (own / "run" / "tracking.json").unlink()
    assert run_step("evaluate", (own / "settings.json").as_uri(), (own / "run").as_uri()) == 0
    registry = Registry(tracked(own)["tracking_uri"], None)
    experiment = registry.client.get_experiment_by_name("demo-dev")
    assert experiment is not None
    assert len(registry.client.search_runs([experiment.experiment_id])) == 1


def test_drift_against_the_last_training_data_is_reported_or_refused(
    tracked_run: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm = write_document(tmp_path / "calm.json", tracked_run["settings"])
    moved = {**tracked_run["settings"], "parameters": {"misbehave": "drift"}}
    warned = write_document(tmp_path / "moved.json", moved)
    refused = write_document(
        tmp_path / "refused.json", {**moved, "parameters": {**moved["parameters"], "drift_action": "fail"}}
    )
    for settings, code, drifted in ((calm, 0, []), (warned, 0, ["things.size"]), (refused, 3, ["things.size"])):
        run = tmp_path / Path(settings).stem
        assert run_step("extract", settings, run.as_uri()) == 0
        assert run_step("validate", settings, run.as_uri()) == code
        report = json.loads((run / "validation.json").read_text())
        assert report["against_version"] == "1"
        assert report["drifted"] == drifted
    assert "columns have drifted from the data of version 1" in capsys.readouterr().err


def test_no_worse_than_what_serves(
    tracked_run: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A candidate is measured against the released version's own metrics."""
    acceptance = {"better_than_serving": "accuracy"}
    serving = {**tracked_run["settings"], "acceptance": acceptance, "serving_version": "1"}
    run = tmp_path / "run"
    for shift, code in (("0.2", 3), ("0.01", 0)):
        settings = write_document(
            tmp_path / "settings.json", {**serving, "tracking_uri": None, "parameters": {"shift": float(shift)}}
        )
        for step in ("extract", "prepare", "train", "evaluate"):
            assert run_step(step, settings, run.as_uri()) == 0
        tracked_settings = write_document(tmp_path / "tracked.json", {**serving})
        assert run_step("validate_model", tracked_settings, run.as_uri()) == code
    assert "worse than the" in capsys.readouterr().err


def test_unreachable_mlflow_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    nowhere = {"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9", "registered_model": MODEL}
    settings = write_document(tmp_path / "settings.json", step_settings_document(**nowhere))
    run = (tmp_path / "run").as_uri()
    assert run_step("extract", settings, run) == 0
    assert run_step("validate", settings, run) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert "http://127.0.0.1:9" in error


def test_approval_release_and_rejection(tracked_run: dict[str, Any], registry: Registry) -> None:
    """Stages live in tags and aliases; there is one version in production at a time."""
    tags = {lineage.PIPELINE_RUN: "second", lineage.APPROVAL: "pending"}
    source = registry.version(MODEL, "1").source
    assert source is not None
    second = registry.register(MODEL, source, None, tags)
    assert registry.register(MODEL, source, None, tags) == second
    assert registry.latest_approved(MODEL) == "1"
    registry.approve(MODEL, second, "Ada")
    assert registry.latest_approved(MODEL) == second
    assert registry.version(MODEL, second).tags[lineage.APPROVED_BY] == "Ada"
    registry.released(MODEL, "1")
    registry.released(MODEL, second)
    stages = {str(v.version): v.tags[lineage.STAGE] for v in registry.versions(MODEL)}
    assert stages == {"1": "Archived", second: "Production"}
    assert str(registry.client.get_model_version_by_alias(MODEL, "production").version) == second
    registry.reject(MODEL, second, "too many errors")
    assert registry.latest_approved(MODEL) == "1"
    with pytest.raises(UnknownVersionError, match=r"no version 99 \(it has: 2, 1\)"):
        registry.approve(MODEL, "99", "Ada")


def test_commit_is_that_of_the_workload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.delenv(lineage.COMMIT_VARIABLE, raising=False)
    assert lineage.commit(None) == "none"
    assert lineage.commit(str(tmp_path / "absent")) == "none"
    git("init", "-q")
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-q", "-m", "first")
    assert lineage.commit(str(tmp_path)) == git("rev-parse", "HEAD")
    (tmp_path / "code.py").write_text("2")
    assert lineage.commit(str(tmp_path)) == git("rev-parse", "HEAD") + "-dirty"
    monkeypatch.setenv(lineage.COMMIT_VARIABLE, "abc123")
    assert lineage.commit(str(tmp_path)) == "abc123"


def test_status_is_read_back(tracked_run: dict[str, Any]) -> None:
    status = status_of(tracked_run["pipeline"])
    assert status["state"] == "succeeded"
    assert all(step["state"] == "succeeded" and step["seconds"] > 0 for step in status["steps"])
