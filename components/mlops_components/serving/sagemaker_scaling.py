"""How an endpoint of SageMaker grows and shrinks: Application Auto Scaling keeps the load of a copy as asked."""

import pulumi
import pulumi_aws as aws

from mlops_components.placement import AwsPlacement
from mlops_components.serving.aws_names import scaling_alarm_name
from mlops_components.serving.sagemaker_args import EndpointMode, SageMakerScaling, SageMakerServedModel
from mlops_components.tags import aws_tags

_SERVICE = "sagemaker"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_OUT_SECONDS, _IN_SECONDS = 60, 300
"""Time between two changes: machines are added quickly and taken away with patience."""


def scale(
    name: str,
    model: str,
    variant: str,
    endpoint: aws.sagemaker.Endpoint,
    served: SageMakerServedModel,
    placement: AwsPlacement,
    child: pulumi.ResourceOptions,
) -> None:
    """Let a variant grow, if a load was named above which it is to."""
    scaling = served.get("scaling")
    if not scaling or not scaling.get("requests_per_minute"):
        return
    target = aws.appautoscaling.Target(
        f"{name}-scaling",
        service_namespace=_SERVICE,
        scalable_dimension=_DIMENSION,
        resource_id=endpoint.name.apply(lambda physical: f"endpoint/{physical}/variant/{variant}"),
        min_capacity=scaling["minimum"],
        max_capacity=scaling["maximum"],
        tags=aws_tags(placement, "serving"),
        opts=child,
    )
    waiting = EndpointMode(served.get("mode", EndpointMode.INSTANCES)) is EndpointMode.ASYNCHRONOUS
    _keep_load(name, target, scaling, endpoint, waiting, child)
    if waiting and scaling["minimum"] == 0:
        _wake(name, scaling_alarm_name(placement, model, variant), target, endpoint, placement, child)


def _keep_load(
    name: str,
    target: aws.appautoscaling.Target,
    scaling: SageMakerScaling,
    endpoint: aws.sagemaker.Endpoint,
    waiting: bool,
    child: pulumi.ResourceOptions,
) -> None:
    """Track the requests of a copy in a minute or, where requests wait in S3, those that wait for it."""
    sdk = aws.appautoscaling
    load = float(scaling.get("requests_per_minute") or 0)
    queue = sdk.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs(
        namespace="AWS/SageMaker",
        metric_name="ApproximateBacklogSizePerInstance",
        statistic="Average",
        dimensions=[
            sdk.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensionArgs(
                name="EndpointName", value=endpoint.name
            )
        ],
    )
    requests = sdk.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
        predefined_metric_type="SageMakerVariantInvocationsPerInstance"
    )
    sdk.Policy(
        f"{name}-scaling-load",
        name="load",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration=sdk.PolicyTargetTrackingScalingPolicyConfigurationArgs(
            target_value=load,
            customized_metric_specification=queue if waiting else None,
            predefined_metric_specification=None if waiting else requests,
            scale_in_cooldown=_IN_SECONDS,
            scale_out_cooldown=_OUT_SECONDS,
        ),
        opts=child,
    )


def _wake(
    name: str,
    alarm: str,
    target: aws.appautoscaling.Target,
    endpoint: aws.sagemaker.Endpoint,
    placement: AwsPlacement,
    child: pulumi.ResourceOptions,
) -> None:
    """Bring the first copy when a request waits and there is none: tracked load is undefined with no copies."""
    sdk = aws.appautoscaling
    policy = sdk.Policy(
        f"{name}-scaling-wake",
        name="wake",
        policy_type="StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        step_scaling_policy_configuration=sdk.PolicyStepScalingPolicyConfigurationArgs(
            adjustment_type="ChangeInCapacity",
            metric_aggregation_type="Average",
            cooldown=_IN_SECONDS,
            step_adjustments=[
                sdk.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs(
                    metric_interval_lower_bound="0", scaling_adjustment=1
                )
            ],
        ),
        opts=child,
    )
    aws.cloudwatch.MetricAlarm(
        f"{name}-scaling-waiting",
        name=alarm,
        alarm_description="A request waits and there is no copy to answer it",
        namespace="AWS/SageMaker",
        metric_name="HasBacklogWithoutCapacity",
        dimensions={"EndpointName": endpoint.name},
        statistic="Average",
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=1,
        period=60,
        evaluation_periods=1,
        treat_missing_data="missing",
        alarm_actions=[policy.arn],
        tags=aws_tags(placement, "serving"),
        opts=child,
    )
