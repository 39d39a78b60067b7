"""The components of the local platform, carried out by the embedded executor with real processes."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pulumi
import pytest
from local_helpers import PAGE, processes_of

from mlops_components.args import ArgsError
from mlops_components.foundation.local import LocalFoundation
from mlops_components.local import supervision
from mlops_components.local.documents import hashed, json_document
from mlops_components.local.ports import is_free
from mlops_components.local.programs import is_healthy
from mlops_components.local.resources import File, Port, Program
from mlops_components.serving.local import LocalServing
from mlops_components.spec.marked import marked
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.training_pipeline.local import LocalTrainingPipeline
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.executors.protocol import UpResult
from mlops_stacks.runtime.documents import pipeline_definition, schedule_settings, server_settings, step_settings

SPEC: PipelineSpec = {
    "name": "flight",
    "model": "flight",
    "steps": [{"name": "extract", "depends_on": [], "retries": 1, "timeout_minutes": 5, "compute": {}}],
    "parameters": {"until": "2013-03-17"},
    "schedule": None,
}
SETTINGS: dict[str, Any] = {
    "blueprint": "flights",
    "environment": "dev",
    "model": "flight",
    "workload": {"entry_point": "flight_delay:workload"},
    "parameters": {},
    "acceptance": {},
    "tracking_uri": None,
    "experiment": None,
    "registry_uri": None,
    "registered_model": None,
    "approval": "manual",
    "serving_version": None,
}
SERVED: dict[str, Any] = {
    "blueprint": "flights",
    "environment": "dev",
    "model": "flight",
    "version": "1",
    "model_uri": "models:/flight/1",
    "tracking_uri": None,
    "registry_uri": None,
    "workload": None,
    "workers": 1,
    "capture": None,
}


def up(home: Path, program: Callable[[], None], stack: str = "flights-dev") -> UpResult:
    return EmbeddedExecutor(home / "state").up(program, StackIdentity("mlops-stacks", stack, home))


def destroy(home: Path, stack: str = "flights-dev") -> tuple[str, ...]:
    return EmbeddedExecutor(home / "state").destroy(StackIdentity("mlops-stacks", stack, home)).remaining


def a_web_server(home: Path, foundation: LocalFoundation, greeting: str) -> Program:
    """What a stage does, with a web server of the standard library."""
    port = Port("web-port", "web", foundation.ports)
    content = json_document({"greeting": greeting, "port": port.number})
    settings = File("web-settings", f"{home}/dev/web.json", content, opts=pulumi.ResourceOptions(parent=foundation))
    command = ["python", "-c", PAGE, port.number, settings.path]
    return Program(
        "web-server",
        foundation.supervisor,
        "web",
        command,
        str(home),
        port=port.port,
        url=port.url,
        health_path="/",
        startup_seconds=20,
        watch=[hashed(content)],
    )


def platform(home: Path, greeting: str = "hello", lifecycle: str = "delete") -> Callable[[], None]:
    def program() -> None:
        foundation = LocalFoundation("foundation", {"home": str(home), "scope": "dev", "lifecycle": lifecycle})
        pulumi.export("url", a_web_server(home, foundation, greeting).url)
        pulumi.export("artifacts", foundation.artifact_root)
        pulumi.export("supervisor", foundation.supervisor)

    return program


def web(home: Path) -> list[psutil.Process]:
    return processes_of({"supervisor": f"{home}/dev/supervisor", "name": "web"})


def test_up_starts_everything_and_again_has_nothing_to_do(home: Path) -> None:
    result = up(home, platform(home))
    assert is_healthy(result.outputs["url"])
    assert result.outputs["artifacts"] == f"file://{home}/dev/artifacts"
    before = [process.pid for process in web(home)]
    again = up(home, platform(home))
    assert (again.created, again.updated, again.replaced, again.deleted) == ((), (), (), ())
    assert [process.pid for process in web(home)] == before
    destroy(home)


def test_a_change_of_settings_replaces_the_running_server(home: Path) -> None:
    up(home, platform(home))
    (before,) = web(home)
    result = up(home, platform(home, greeting="good morning"))
    assert sorted(urn.rsplit("::", 1)[1] for urn in result.updated) == ["web-server", "web-settings"]
    (after,) = web(home)
    assert after.pid != before.pid
    assert json.loads((home / "dev" / "web.json").read_text())["greeting"] == "good morning"
    destroy(home)


@pytest.mark.parametrize("what", ["supervisor", "program", "both", "settings file", "definition"])
def test_what_was_killed_or_removed_is_there_again_once(home: Path, what: str) -> None:
    url = up(home, platform(home)).outputs["url"]
    daemon = supervision.find(supervision.Home(home / "dev" / "supervisor"))
    assert daemon is not None
    if what in {"supervisor", "both"}:
        os.kill(daemon.pid, signal.SIGKILL)
    if what in {"program", "both"}:
        for process in web(home):
            process.kill()
    if what == "settings file":
        (home / "dev" / "web.json").unlink()
    if what == "definition":
        (home / "dev" / "supervisor" / "programs" / "web.json").unlink()
    up(home, platform(home))
    assert is_healthy(url)
    assert len(web(home)) == 1
    assert (home / "dev" / "web.json").exists()
    conf = str(home / "dev" / "supervisor" / "supervisord.conf")
    assert len([p for p in psutil.process_iter(["cmdline"]) if conf in (p.info["cmdline"] or [])]) == 1
    again = up(home, platform(home))
    assert (again.created, again.updated, again.replaced, again.deleted) == ((), (), (), ())
    destroy(home)


@pytest.mark.parametrize("alive", [True, False], ids=["running", "supervisor killed"])
def test_destroy_leaves_no_process_port_or_file(home: Path, alive: bool) -> None:
    url = up(home, platform(home)).outputs["url"]
    if not alive:
        daemon = supervision.find(supervision.Home(home / "dev" / "supervisor"))
        assert daemon is not None
        os.kill(daemon.pid, signal.SIGKILL)
    (home / "dev" / "data" / "rows.csv").write_text("1")
    assert destroy(home) == ()
    assert marked(lambda value: value.startswith(str(home))) == []
    assert is_free(urlsplit(url).port or 0)
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert not (home / "dev").exists()


def test_what_is_retained_outlives_destroy_and_is_taken_up_again(home: Path) -> None:
    up(home, platform(home, lifecycle="retain"))
    (home / "dev" / "data" / "rows.csv").write_text("1")
    destroy(home)
    assert (home / "dev" / "data" / "rows.csv").read_text() == "1"
    assert not (home / "dev" / "supervisor").exists()
    up(home, platform(home))
    destroy(home)
    assert not (home / "dev").exists()


def test_pipelines_become_documents_that_the_runtime_reads(home: Path) -> None:
    runs = f"{home}/dev/artifacts/runs"

    def program() -> None:
        tracking = pulumi.Output.from_input("http://127.0.0.1:5000")
        LocalTrainingPipeline(
            "training-pipeline",
            {
                "environment": "dev",
                "directory": f"{home}/dev/pipelines",
                "runs": runs,
                "supervisor": f"{home}/shared/supervisor",
                "models": {"flight": {"spec": SPEC, "settings": {**SETTINGS, "tracking_uri": tracking}}},
            },
        )

    result = up(home, program)
    path = home / "dev" / "pipelines" / "flight.pipeline.json"
    definition = pipeline_definition(path)
    assert definition["pipeline"] == SPEC
    assert definition["runs"] == f"{runs}/flight"
    assert step_settings(definition["settings"])["tracking_uri"] == "http://127.0.0.1:5000"
    assert not any("Program" in urn for urn in result.created), "without a schedule nothing is kept running"
    assert destroy(home) == ()
    assert not path.parent.exists()


def planned(home: Path, program: Callable[[], None]) -> dict[str, Any]:
    """The inputs of every resource that a program asks for, by name, without running anything."""
    identity = StackIdentity("mlops-stacks", "flights-dev", home)
    plan = plan_scope(program, identity, scope="dev", platform="local", earlier=None)
    return {resource.name: dict(resource.inputs) for resource in plan.resources}


def serving(home: Path, version: str) -> Callable[[], None]:
    def program() -> None:
        settings = {**SERVED, "version": version, "model_uri": f"models:/flight/{version}"}
        component = LocalServing(
            "serving",
            {
                "environment": "dev",
                "directory": f"{home}/dev/serving",
                "supervisor": f"{home}/shared/supervisor",
                "ports": f"{home}/ports.json",
                "models": {"flight": {"settings": settings}} if version else {},
            },
        )
        pulumi.export("endpoints", component.endpoints)

    return program


def test_a_release_changes_the_servers_inputs_and_nothing_is_served_without_one(tmp_path: Path) -> None:
    first, second = (planned(tmp_path, serving(tmp_path, version)) for version in ("1", "2"))
    content = first["serving-flight-settings"]["content"]
    (tmp_path / "flight.json").write_text(re.sub(r"\$\{.*#number\}", "20001", content))
    settings = server_settings((tmp_path / "flight.json").as_uri())
    assert (settings["version"], settings["host"], settings["port"]) == ("1", "127.0.0.1", 20001)
    program = first["serving-flight-server"]
    assert program["name"] == "dev-serving-flight"
    assert program["health_url"].endswith("#url}/v2/health/ready")
    assert program["watch"] != second["serving-flight-server"]["watch"]
    assert program["command"] == second["serving-flight-server"]["command"]
    assert not any("server" in name for name in planned(tmp_path, serving(tmp_path, "")))


def test_a_schedule_brings_a_scheduler_that_knows_the_scheduled_pipelines(tmp_path: Path) -> None:
    def program() -> None:
        every_night: PipelineSpec = {**SPEC, "schedule": {"cron": "0 3 * * *"}}
        LocalTrainingPipeline(
            "training-pipeline",
            {
                "environment": "dev",
                "directory": str(tmp_path),
                "runs": f"{tmp_path}/runs",
                "supervisor": f"{tmp_path}/supervisor",
                "models": {
                    "flight": {"spec": every_night, "settings": SETTINGS},
                    "by-hand": {"spec": SPEC, "settings": SETTINGS},
                },
            },
        )

    inputs = planned(tmp_path, program)
    (tmp_path / "schedule.json").write_text(inputs["training-pipeline-schedule"]["content"])
    told = schedule_settings((tmp_path / "schedule.json").as_uri())
    assert told == {"pipelines": [f"{tmp_path}/flight.pipeline.json"]}
    assert inputs["training-pipeline-scheduler"]["name"] == "dev-scheduler"


def test_a_served_model_without_a_version_is_a_sentence(tmp_path: Path) -> None:
    def program() -> None:
        LocalServing(
            "serving",
            {
                "environment": "dev",
                "directory": str(tmp_path),
                "supervisor": "s",
                "ports": "p",
                "models": {"flight": {"settings": {}}},
            },
        )

    with pytest.raises(ArgsError, match="'flight' has no version; leave it out until it is released"):
        planned(tmp_path, program)
