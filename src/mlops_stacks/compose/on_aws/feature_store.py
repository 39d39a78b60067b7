"""Blueprint -> feature store."""

from __future__ import annotations

from typing import Any

from mlops_components.feature_store import sagemaker as engine
from mlops_components.grants import AwsGrant, aws_grant
from mlops_stacks.blueprint.aws_stages.features import SageMakerFeatureStore
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common
from mlops_stacks.compose.on_aws.keys import key_arn


def build(context: Context) -> Any:
    """The feature groups of an environment."""
    chosen: SageMakerFeatureStore = context.options(Stage.FEATURE_STORE)
    foundation: Any = context.contract(Stage.FOUNDATION)
    role = common.identity(
        context,
        Stage.FEATURE_STORE,
        "features",
        [engine.SERVICE],
        _writes(foundation),
        # Feature groups are not among what SageMaker's page on confused deputies names.
        from_any_source=True,
    )
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "groups": context.settings.feature_groups,
        "data_root": foundation.data_root,
        "role_arn": role.role_arn,
        "key_arn": key_arn(context),
        "in_memory": chosen.online_storage == "in_memory",
        "throughput": None if chosen.throughput is None else chosen.throughput.model_dump(),
        "lifecycle": common.lifecycle(context, Stage.FEATURE_STORE),
    }
    return engine.SageMakerFeatureStore("feature-store", args, common.options(context))  # type: ignore[arg-type]


def _writes(foundation: Any) -> list[AwsGrant]:
    """What SageMaker does itself in the history's folder, by its managed policy AmazonSageMakerFeatureStoreAccess."""
    grants: list[AwsGrant] = foundation.grant_data_write(engine.FOLDER)

    def resources_of(action: str) -> list[Any]:
        return [resource for grant in grants if action in grant["actions"] for resource in grant["resources"]]

    return [
        aws_grant(["s3:PutObject", "s3:PutObjectAcl"], resources_of("s3:PutObject")),
        aws_grant(["s3:GetBucketAcl"], resources_of("s3:ListBucket")),
        *(grant for grant in grants if grant["actions"][0].startswith("kms:")),
    ]
