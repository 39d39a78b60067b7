"""The real MLflow server under the real supervisor: up quickly, small, private, and its data kept or not as asked."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.experiment_tracking.local import LocalExperimentTracking
from mlops_components.foundation.local import LocalFoundation
from mlops_components.local import mlflow_api
from mlops_components.local.problems import LocalPlatformError
from mlops_components.local.providers import MlflowExperimentProvider, RegisteredModelProvider
from mlops_components.model_registry.local import LocalModelRegistry
from mlops_components.spec.marked import marked
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.protocol import UpResult


def shared(home: Path, *, lifecycle: str = "delete", tracking: bool = True, description: str = "") -> Any:
    def program() -> None:
        foundation = LocalFoundation("foundation", {"home": str(home), "scope": "shared", "lifecycle": lifecycle})
        server = {
            "directory": f"{home}/shared/mlflow",
            "supervisor": foundation.supervisor,
            "ports": foundation.ports,
        }
        place: dict[str, Any] = {"server": server}
        if tracking:
            component = LocalExperimentTracking(
                "tracking",
                {
                    "server": server,
                    "experiments": {"dev": "dev/flight", "prod": "prod/flight"},
                    "tags": {"owner": "team"},
                    "lifecycle": lifecycle,
                },
            )
            pulumi.export("tracking_uri", component.tracking_uri)
            pulumi.export("experiments", component.experiments)
            place = {"tracking_uri": component.tracking_uri}
        models = {"flight": {"name": "flight", "description": description}}
        registry = LocalModelRegistry("registry", {**place, "models": models, "lifecycle": lifecycle})
        pulumi.export("registry_uri", registry.registry_uri)
        pulumi.export("models", registry.registered_models)

    return program


def up(home: Path, program: Callable[[], None]) -> UpResult:
    return EmbeddedExecutor(home / "state").up(program, StackIdentity("mlops-stacks", "flights-shared", home))


def destroy(home: Path) -> tuple[str, ...]:
    return EmbeddedExecutor(home / "state").destroy(StackIdentity("mlops-stacks", "flights-shared", home)).remaining


def family(home: Path) -> list[psutil.Process]:
    return marked(lambda value: value.startswith(str(home)) and value.endswith("#mlflow"))


@pytest.mark.slow
def test_tracking_and_registry_share_one_small_private_server(home: Path) -> None:
    started = time.monotonic()
    outputs = up(home, shared(home)).outputs
    assert time.monotonic() - started < 25, "about 5 s on two idle cores"
    url = outputs["tracking_uri"]
    assert outputs["registry_uri"] == url
    assert outputs["experiments"] == {"dev": "dev/flight", "prod": "prod/flight"}
    assert outputs["models"] == {"flight": "flight"}
    (server,) = family(home)
    assert server.memory_full_info().pss < 400 * 2**20
    listening = [c.laddr.ip for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    found = mlflow_api.find_experiment(url, "dev/flight")
    assert found is not None
    assert mlflow_api.tags_of(found)["owner"] == "team"
    assert found["artifact_location"].startswith("mlflow-artifacts:/")

    artifact = f"{url}/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/note.txt"
    urllib.request.urlopen(urllib.request.Request(artifact, b"kept", method="PUT")).close()
    stored = home / "shared" / "mlflow" / "artifacts" / "1" / "run" / "artifacts" / "note.txt"
    assert stored.read_text() == "kept"

    again = up(home, shared(home))
    assert (again.created, again.updated, again.replaced, again.deleted) == ((), (), (), ())
    changed = up(home, shared(home, description="late flights"))
    assert [urn.rsplit("::", 1)[1] for urn in changed.updated] == ["registry-model-flight"]
    model = mlflow_api.find_model(url, "flight")
    assert model is not None
    assert model["description"] == "late flights"

    stopping = time.monotonic()
    assert destroy(home) == ()
    assert time.monotonic() - stopping < 10
    assert family(home) == []
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_the_registry_alone_starts_the_server_and_retained_data_is_found_again(home: Path) -> None:
    url = up(home, shared(home, lifecycle="retain", tracking=False)).outputs["registry_uri"]
    mlflow_api.ensure_model(url, "flight", "", {"kept": "yes"})
    destroy(home)
    assert family(home) == []
    assert (home / "shared" / "mlflow" / "mlflow.db").exists()
    url = up(home, shared(home, tracking=False)).outputs["registry_uri"]
    model = mlflow_api.find_model(url, "flight")
    assert model is not None
    assert mlflow_api.tags_of(model) == {"kept": "yes"}
    _experiments_and_models_are_idempotent(url)
    destroy(home)
    assert not (home / "shared").exists()


def _experiments_and_models_are_idempotent(url: str) -> None:
    experiments, models = MlflowExperimentProvider(), RegisteredModelProvider()
    experiment = {"tracking_uri": url, "name": "dev/churn é", "tags": {"a": "1"}}
    first, second = experiments.create(experiment), experiments.create(experiment)
    assert (first.id, first.outs) == (second.id, second.outs)
    assert first.outs is not None
    assert not experiments.diff("id", experiments.read("id", first.outs).outs or {}, experiment).changes
    for _ in range(2):
        experiments.delete("id", first.outs)
        assert not experiments.read("id", first.outs).id
        assert experiments.residue("id", first.outs) == []
    restored = experiments.create(experiment).outs
    assert restored is not None
    assert restored["experiment_id"] == first.outs["experiment_id"], "its runs are there again"
    other = {**experiment, "tags": {"a": "2"}}
    assert experiments.diff("id", restored, other).changes
    assert (experiments.read("id", experiments.update("id", restored, other).outs or {}).outs or {})["tags"] == {
        "a": "2"
    }

    model = {"registry_uri": url, "name": "churn", "description": "who leaves", "tags": {"a": "1"}}
    assert models.create(model).outs == models.create(model).outs
    assert not models.diff("id", models.read("id", model).outs or {}, model).changes
    for _ in range(2):
        models.delete("id", model)
        assert not models.read("id", model).id
        assert models.residue("id", model) == []
    with pytest.raises(LocalPlatformError, match=r"refused experiments/create: .*INVALID_PARAMETER_VALUE"):
        mlflow_api.ensure_experiment(url, "bad", {}, "sqlite:///nowhere?x#y")


def test_an_absent_server_is_no_hindrance_to_deletion_and_is_told() -> None:
    provider, properties = RegisteredModelProvider(), {"registry_uri": "http://127.0.0.1:9", "name": "churn"}
    with pytest.raises(LocalPlatformError, match=r"No MLflow server answers at http://127.0.0.1:9"):
        provider.create(properties)
    assert provider.read("id", properties).id == "id", "nobody can tell that it is gone"
    provider.delete("id", properties)
    assert "may still hold churn" in provider.residue("id", properties)[0]
    experiment = {"tracking_uri": "http://127.0.0.1:9", "name": "dev/churn"}
    MlflowExperimentProvider().delete("id", experiment)
    assert "may still hold dev/churn" in MlflowExperimentProvider().residue("id", experiment)[0]


def test_a_registry_needs_exactly_one_server() -> None:
    with pytest.raises(ArgsError, match="write either 'tracking_uri' or 'server', and not both"):
        LocalModelRegistry("registry", {"models": {}})
