"""The engines of Kubernetes."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint.engine import Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.KUBERNETES)

ENGINES: tuple[Engine, ...] = (
    _on(Stage.FOUNDATION, "kubernetes", "namespaces, RBAC, network policies, object store"),
    _on(Stage.FEATURE_STORE, "feast", "Feast with a DVC remote"),
    _on(Stage.WORKBENCH, "jupyterhub", "JupyterHub"),
    _on(Stage.CONTINUOUS_INTEGRATION, "gitlab_ci", "GitLab CI", elsewhere=True),
    _on(Stage.CONTINUOUS_INTEGRATION, "github_actions", "GitHub Actions", elsewhere=True),
    _on(Stage.CONTINUOUS_INTEGRATION, "jenkins", "Jenkins"),
    _on(Stage.PIPELINE_DELIVERY, "airflow", "Airflow DAG delivery"),
    _on(Stage.EXPERIMENT_TRACKING, "mlflow", "MLflow"),
    _on(Stage.EXPERIMENT_TRACKING, "wandb", "Weights & Biases"),
    _on(Stage.MODEL_REGISTRY, "mlflow", "MLflow Registry"),
    _on(
        Stage.MODEL_REGISTRY,
        "modeldb",
        "ModelDB",
        state="dormant: last commit by a person on 2024-03-11; use mlflow",
    ),
    _on(Stage.TRAINING_PIPELINE, "airflow", "Airflow"),
    _on(Stage.TRAINING_PIPELINE, "kubeflow", "Kubeflow Pipelines"),
    _on(Stage.SERVING, "kserve", "KServe"),
    _on(Stage.SERVING, "seldon", "Seldon Core", state="needs a paid licence after 1.17 (2024-01); use kserve"),
    _on(Stage.SERVING, "torchserve", "TorchServe", state="archived on 2025-08-07; use kserve"),
    _on(Stage.SERVING, "mlflow", "MLflow server"),
    _on(Stage.MONITORING, "prometheus", "Prometheus, Grafana and Evidently"),
)
