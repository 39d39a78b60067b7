"""The engines of one machine."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint import local_stages as options_of
from mlops_stacks.blueprint.engine import MODEL_NAMES, STATELESS, STEP_FIELDS, TAGS, Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.LOCAL)

ENGINES: tuple[Engine, ...] = (
    _on(Stage.FOUNDATION, "local", "directories, ports, supervisord"),
    _on(
        Stage.FEATURE_STORE,
        "local",
        "Feast on SQLite and Parquet",
        reads=("feature_groups.**",),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.WORKBENCH,
        "local",
        "JupyterLab",
        options=options_of.LocalWorkbench,
        reads=("workload.entry_point", "workload.path"),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.CONTINUOUS_INTEGRATION,
        "local",
        "a bare git repository with a hook",
        options=options_of.LocalContinuousIntegration,
        reads=(
            *MODEL_NAMES,
            "workload.entry_point",
            "secrets.**",
            "models.*.parameters.**",
            "models.*.pipeline.timeout_minutes",
        ),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.PIPELINE_DELIVERY,
        "local",
        "versioned pipeline packages",
        needs=(Stage.FOUNDATION, Stage.TRAINING_PIPELINE),
    ),
    _on(
        Stage.EXPERIMENT_TRACKING,
        "local",
        "MLflow",
        options=options_of.LocalTracking,
        reads=(*TAGS, *MODEL_NAMES),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.MODEL_REGISTRY,
        "local",
        "MLflow Registry",
        reads=(*TAGS, *MODEL_NAMES, "models.*.description"),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.TRAINING_PIPELINE,
        "local",
        "step runner and scheduler",
        reads=(*MODEL_NAMES, *STEP_FIELDS),
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.SERVING,
        "local",
        "the project's own server",
        options=options_of.LocalServing,
        reads=(
            *MODEL_NAMES,
            "workload.entry_point",
            "workload.path",
            "models.*.release",
            "models.*.rollout.strategy",
            "models.*.realtime.workers",
            "models.*.realtime.port",
            "models.*.realtime.capture.**",
        ),
        needs=(Stage.FOUNDATION, Stage.MODEL_REGISTRY),
        ignores=STATELESS,
    ),
    _on(
        Stage.MONITORING,
        "local",
        "Evidently and Prometheus metrics",
        options=options_of.LocalMonitoring,
        reads=(
            *MODEL_NAMES,
            "workload.entry_point",
            "workload.path",
            "models.*.monitoring.**",
            "models.*.retraining.**",
        ),
        needs=(Stage.FOUNDATION, Stage.SERVING),
    ),
)
