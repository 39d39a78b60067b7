"""The resources of benchmarks/local.yaml as one would write them by hand: the local resources, nothing else.

A test keeps it equal to the composed plan (tests/benchmarks/test_flat_programs.py), so that their times compare.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pulumi
from planning import PROJECT, plan_scopes

from mlops_components.local.resources import (
    Directory,
    File,
    MlflowExperiment,
    Port,
    Program,
    RegisteredModel,
    Supervisor,
)
from mlops_stacks.plan import ScopePlan

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".mlops-stacks" / "local"
PORTS = f"{HOME}/ports.json"
SUPERVISOR = f"{HOME}/shared/supervisor"
TAGS = {"blueprint": "local"}
WORKLOAD = {
    "entry_point": "flight_delay.workload:workload",
    "path": str(ROOT.parent / "examples" / "flight_delay"),
}
STEPS = ("extract", "validate", "prepare", "train", "evaluate", "validate_model", "register")


def document(content: dict[str, Any]) -> pulumi.Output[str]:
    """A JSON document, some of whose values are outputs."""
    return pulumi.Output.json_dumps(content, indent=2, sort_keys=True).apply(lambda text: f"{text}\n")


def digest(content: pulumi.Output[str]) -> pulumi.Output[str]:
    """Hash of a document."""
    return content.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())


def folders(scope: str) -> tuple[Directory, dict[str, Directory]]:
    """The folder of a scope, and those in it."""
    root = Directory("folder", f"{HOME}/{scope}", with_contents=False)
    inside = pulumi.ResourceOptions(depends_on=[root])
    places = ("artifacts", "data", "capture")
    return root, {place: Directory(place, f"{HOME}/{scope}/{place}", opts=inside) for place in places}


def shared() -> None:
    """Supervisor and MLflow."""
    root, _ = folders("shared")
    inside = pulumi.ResourceOptions(depends_on=[root])
    port = Port("supervisor-port", "supervisor", PORTS, opts=inside)
    supervisor = Supervisor("supervisor", SUPERVISOR, port.port, opts=inside)
    directory = f"{HOME}/shared/mlflow"
    data = Directory("mlflow-data", directory)
    mlflow_port = Port("mlflow-port", "mlflow", PORTS)
    command = ["python", "-m", "mlops_stacks.runtime.tracking_server"]
    options = ["--database", f"{directory}/mlflow.db", "--artifacts", f"{directory}/artifacts"]
    mlflow = Program(
        "mlflow",
        supervisor.directory,
        "mlflow",
        [*command, *options, "--port", mlflow_port.number],
        data.path,
        port=mlflow_port.port,
        url=mlflow_port.url,
        health_path="/health",
    )
    uri = mlflow.url.apply(str)
    gone_with_data = pulumi.ResourceOptions(deleted_with=data)
    experiment = MlflowExperiment("experiment", uri, "dev/delay", tags=TAGS, opts=gone_with_data)
    description = "Will a flight from New York arrive more than 15 minutes late?"
    model = RegisteredModel("model", uri, "delay", description=description, tags=TAGS)
    pulumi.export("supervisor", supervisor.directory)
    pulumi.export("tracking_uri", uri)
    pulumi.export("experiment", experiment.experiment_name)
    pulumi.export("registered_model", model.model_name)


def dev() -> None:
    """Pipeline, schedule and server."""
    stack = pulumi.StackReference("shared", stack_name=f"organization/{PROJECT}/local-shared")
    _, places = folders("dev")
    scheduler = pipeline(stack)
    server = serving(stack, places["capture"])
    pulumi.export("endpoint", server.url)
    pulumi.export("logs", [scheduler.log, server.log])


def pipeline(stack: pulumi.StackReference) -> Program:
    """The documents of the training pipeline, and its scheduler."""
    folder = Directory("pipelines", f"{HOME}/dev/pipelines")
    inside = pulumi.ResourceOptions(depends_on=[folder])
    content = document(step_settings(stack))
    settings = File("pipeline-settings", f"{HOME}/dev/pipelines/delay.settings.json", content, opts=inside)
    steps = [
        {"name": step, "depends_on": list(STEPS[max(0, at - 1) : at]), "retries": 1, "timeout_minutes": 10}
        for at, step in enumerate(STEPS)
    ]
    spec = {
        "name": "delay",
        "model": "delay",
        "steps": [{**step, "compute": {}} for step in steps],
        "parameters": {"iterations": "200", "learning_rate": "0.05"},
        "schedule": {"cron": "0 4 * * 1"},
    }
    runs = f"{HOME}/dev/artifacts/runs/delay"
    content = document({"pipeline": spec, "settings": settings.path, "runs": runs})
    definition = File("pipeline", f"{HOME}/dev/pipelines/delay.pipeline.json", content, opts=inside)
    content = document({"pipelines": [definition.path]})
    schedule = File("schedule", f"{HOME}/dev/pipelines/schedule.json", content, opts=inside)
    return Program(
        "scheduler",
        stack.require_output("supervisor"),
        "dev-scheduler",
        ["python", "-m", "mlops_stacks.runtime", "schedule", "--settings", schedule.uri],
        f"{HOME}/dev/pipelines",
        watch=[digest(content), definition.sha256],
        opts=inside,
    )


def step_settings(stack: pulumi.StackReference) -> dict[str, Any]:
    """What the steps are told."""
    return {
        "blueprint": "local",
        "environment": "dev",
        "model": "delay",
        "workload": WORKLOAD,
        "parameters": {"iterations": 200, "learning_rate": 0.05},
        "acceptance": {
            "thresholds": [{"metric": "auc", "minimum": 0.69}, {"metric": "log_loss_gain", "minimum": 0.06}]
        },
        "tracking_uri": stack.require_output("tracking_uri"),
        "experiment": stack.require_output("experiment"),
        "registry_uri": stack.require_output("tracking_uri"),
        "registered_model": stack.require_output("registered_model"),
        "approval": "manual",
        "serving_version": "1",
        "secrets": {},
        "feature_store": None,
        "features": [],
    }


def serving(stack: pulumi.StackReference, capture: Directory) -> Program:
    """The server of version 1."""
    directory = f"{HOME}/dev/serving"
    inside = pulumi.ResourceOptions(depends_on=[Directory("serving", directory)])
    port = Port("serving-port", "dev-serving-delay", PORTS, opts=inside)
    uri = stack.require_output("tracking_uri")
    settings = {
        "blueprint": "local",
        "environment": "dev",
        "model": "delay",
        "version": "1",
        "model_uri": pulumi.Output.concat("models:/", stack.require_output("registered_model"), "/1"),
        "tracking_uri": uri,
        "registry_uri": uri,
        "workload": WORKLOAD,
        "workers": 1,
        "capture": {"uri": capture.uri, "sample_percent": 100},
        "feature_store": None,
        "host": "127.0.0.1",
        "port": port.number,
    }
    content = document(settings)
    file = File("serving-settings", f"{directory}/delay.json", content, opts=inside)
    return Program(
        "server",
        stack.require_output("supervisor"),
        "dev-serving-delay",
        ["python", "-m", "mlops_stacks.runtime", "serve", "--settings", file.uri],
        directory,
        port=port.port,
        url=port.url,
        health_path="/v2/health/ready",
        startup_seconds=120,
        log_bytes=10_000_000,
        watch=[digest(content)],
        opts=inside,
    )


def plan() -> tuple[ScopePlan, ...]:
    """The plans of all scopes."""
    return plan_scopes("local", "local", ROOT, {"shared": shared, "dev": dev})


if __name__ == "__main__":
    plan()
