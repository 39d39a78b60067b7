"""What the mappings of every stage on a laptop have in common."""

from __future__ import annotations

from typing import Any

from mlops_components.local.mlflow import LocalMlflowArgs
from mlops_components.spec.settings import SecretRef, WorkloadRef
from mlops_stacks.blueprint.settings import SecretFromEnvironment, SecretFromFile
from mlops_stacks.blueprint.target import LocalTarget
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context


def home(context: Context) -> str:
    """Absolute path of the folder that holds a folder of each scope."""
    target = context.target(Platform.LOCAL)
    if isinstance(target, LocalTarget) and target.directory:
        return str((context.project.root / target.directory).resolve())
    return str(context.project.home)


def lifecycle(context: Context, stage: Stage) -> str:
    """The component's word for the lifecycle of a stage."""
    return context.settings.lifecycle_of(stage).value


def tags(context: Context) -> dict[str, str]:
    """Tags of what people look at in MLflow."""
    owners = ", ".join(owner.email or owner.name for owner in context.settings.owners)
    return {"blueprint": context.blueprint.name, **({"owner": owners} if owners else {}), **context.settings.tags}


def experiment(environment: str, model: str) -> str:
    """Name of the experiment of a model in an environment."""
    return f"{environment}/{model}"


WORKBENCH = "workbench"
"""Name of the experiment of what people try in notebooks, apart from those of the pipelines."""


def feature_repository(context: Context, environment: str) -> str:
    """Absolute path of the Feast repository of an environment."""
    return f"{home(context)}/{environment}/feature_store/repository"


def mlflow_server(context: Context, port: int | None) -> LocalMlflowArgs:
    """The one MLflow server of the blueprint, in the shared scope."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return {
        "directory": f"{home(context)}/{context.scope}/mlflow",
        "supervisor": foundation.supervisor,
        "ports": foundation.ports,
        "port": port,
    }


def workload(context: Context) -> WorkloadRef:
    """Where the user's code is on this machine. Validation has made sure that it is said."""
    chosen = context.settings.workload
    if chosen is None:
        raise TypeError("the blueprint has no workload")
    return {"entry_point": chosen.entry_point, "path": str((context.project.root / chosen.path).resolve())}


def delivered_workload(context: Context) -> dict[str, Any]:
    """Where the code is that a model's pickle refers to: the delivered package's, where there is one."""
    found = dict(workload(context))
    pipeline = context.contract(Stage.TRAINING_PIPELINE)
    if context.delivery is None or pipeline is None:
        return found
    return {**found, "path": pipeline.code, "package": str(context.delivery.version)}


def secrets(context: Context) -> dict[str, SecretRef]:
    """Where the steps find their secrets; a path is taken from the blueprint's folder."""
    references: dict[str, SecretRef] = {}
    for variable, secret in context.settings.secrets.items():
        if isinstance(secret, SecretFromEnvironment):
            references[variable] = {"source": "environment", "key": secret.variable}
        elif isinstance(secret, SecretFromFile):
            references[variable] = {"source": "file", "key": str((context.project.root / secret.path).resolve())}
    return references
