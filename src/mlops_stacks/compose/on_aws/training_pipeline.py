"""Blueprint -> training pipelines, by the engine that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_components.feature_store.sagemaker import FOLDER as FEATURES
from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity
from mlops_components.training_pipeline import sagemaker, step_functions
from mlops_components.training_pipeline.starts import STARTERS
from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AwsFoundation, SkipBucket
from mlops_stacks.blueprint.aws_stages.training import AwsTraining, SageMakerTraining
from mlops_stacks.blueprint.aws_stages.workbench import SageMakerStudio
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common
from mlops_stacks.compose.on_aws.image import image
from mlops_stacks.compose.on_aws.keys import key_arn
from mlops_stacks.compose.on_aws.steps import RUNS, grants_of_steps, step_settings
from mlops_stacks.compose.pipelines import pipeline_spec

_STAGE = Stage.TRAINING_PIPELINE
_NEWS = ("success", "failure")


def build(context: Context) -> Any:
    """The training pipelines of an environment, one for each model; none before an image is delivered."""
    chosen: AwsTraining = context.options(_STAGE)
    delivered = image(context)
    models = dict(context.settings.models) if delivered is not None else {}
    args: Any = {
        "placement": common.placement(context),
        "models": {name: _pipeline(context, name, model) for name, model in models.items()},
        "image": "" if delivered is None else delivered,
        **_roles(context, models),
        "artifact_bucket": _foundation(context).artifact_bucket_name,
        "topics": {kind: arn for kind in _NEWS if (arn := common.topic(context, kind)) is not None},
        "network": common.network(context),
        "key_arn": key_arn(context),
        "watched_bucket": _watched_bucket(context, models),
        "default_machine": chosen.machine,
        "volume_gb": chosen.volume_gb,
        "flexible_minutes": chosen.flexible_minutes,
    }
    if isinstance(chosen, SageMakerTraining):
        args["cache_hours"] = chosen.cache_hours
        return sagemaker.SageMakerTrainingPipeline("training-pipeline", args, common.options(context))
    return step_functions.StepFunctionsTrainingPipeline("training-pipeline", args, common.options(context))


def _pipeline(context: Context, name: str, model: ModelConfig) -> dict[str, Any]:
    return {
        "spec": pipeline_spec(name, model),
        "settings": step_settings(context, name, model),
        "new_data": _new_data(context, model) if model.pipeline.triggers.new_data else None,
        "tuning": model.pipeline.tuning,
        "bias_check": model.pipeline.bias_check,
    }


def _roles(context: Context, models: dict[str, ModelConfig]) -> dict[str, Any]:
    """A role for the steps, one for what starts the steps, and one for what starts a run."""
    names = sorted(models)
    steps = _role_of_sagemaker(context, "training", grants_of_steps(context, names))
    engine = _engine_role(context, models, steps)
    roles = {"job_role_arn": steps.role_arn, "engine_role_arn": engine.role_arn}
    begun = [name for name in names if _starts_by_itself(models[name])]
    if begun:
        starter = common.identity(context, _STAGE, "start", STARTERS, _grants_to_start(context, begun))
        roles["start_role_arn"] = starter.role_arn
    return roles


def _engine_role(context: Context, models: dict[str, ModelConfig], steps: AwsIdentity) -> AwsIdentity:
    placed, foundation = common.placement(context), _foundation(context)
    tuned = [name for name in sorted(models) if models[name].pipeline.tuning is not None]
    checked = any(model.pipeline.bias_check is not None for model in models.values())
    grants = [
        *sagemaker.grants_of_jobs(placed, steps.role_arn, tuned, checked_for_bias=checked),
        # The decision of `validate_model` is a file of the run.
        *foundation.grant_artifacts_read(RUNS),
        *foundation.grant_key_use(),
    ]
    if _by_sagemaker(context):
        return _role_of_sagemaker(context, "pipeline", grants)
    grants += step_functions.grants_to_follow(placed)
    return common.identity(context, _STAGE, "pipeline", [step_functions.SERVICE], grants)


def _role_of_sagemaker(context: Context, purpose: str, grants: Sequence[AwsGrant]) -> AwsIdentity:
    """A role that SageMaker assumes. A pipeline that somebody starts from Studio, and its jobs, keep that name.

    Source: SageMaker Developer Guide, "Considerations when using sourceIdentity".
    """
    from_studio = isinstance(context.settings.stages.workbench, SageMakerStudio)
    return common.identity(context, _STAGE, purpose, [sagemaker.SERVICE], grants, keeps_source_identity=from_studio)


def _grants_to_start(context: Context, models: Sequence[str]) -> list[AwsGrant]:
    start = sagemaker.grants_to_start if _by_sagemaker(context) else step_functions.grants_to_start
    return start(common.placement(context), models)


def _by_sagemaker(context: Context) -> bool:
    return isinstance(context.options(_STAGE), SageMakerTraining)


def _starts_by_itself(model: ModelConfig) -> bool:
    return model.pipeline.schedule is not None or model.pipeline.triggers.new_data


def _new_data(context: Context, model: ModelConfig) -> dict[str, Any]:
    """Which objects count. Predictions and features lie below the data root too, and start nothing."""
    triggers = model.pipeline.triggers
    folder = f"{triggers.folder.strip('/')}/" if triggers.folder else ""
    within = "data/" if isinstance(_chosen_foundation(context).data_bucket, SkipBucket) else ""
    predictions = [m.batch.output for m in context.settings.models.values() if m.batch is not None]
    return {
        "bucket": _foundation(context).data_bucket_name,
        "prefix": f"{within}{folder}",
        "suffix": triggers.marker or "",
        "excluded": [f"{folder.strip('/')}/" for folder in (*predictions, FEATURES)],
    }


def _watched_bucket(context: Context, models: dict[str, ModelConfig]) -> Any | None:
    """The bucket that has to be told to speak. One that is not ours may have settings that this would replace."""
    if isinstance(_chosen_foundation(context).data_bucket, AdoptBucket):
        return None
    wanted = any(model.pipeline.triggers.new_data for model in models.values())
    return _foundation(context).data_bucket_name if wanted else None


def _foundation(context: Context) -> Any:
    return context.contract(Stage.FOUNDATION)


def _chosen_foundation(context: Context) -> AwsFoundation:
    chosen: AwsFoundation = context.options(Stage.FOUNDATION)
    return chosen
