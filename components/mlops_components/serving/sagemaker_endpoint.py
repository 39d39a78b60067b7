"""One endpoint of SageMaker: its configuration, its traffic shift, what undoes it, and how it grows."""

from collections.abc import Sequence
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.naming import SAGEMAKER, immutable_name
from mlops_components.serving.aws_names import alarm_name, endpoint_name
from mlops_components.serving.sagemaker_args import EndpointMode, SageMakerServedModel, SageMakerServingArgs
from mlops_components.serving.sagemaker_scaling import scale
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import (
    RolloutError,
    bake_seconds,
    deployment,
    rollback_of,
    shares,
    strategy_of,
)
from mlops_components.spec.training_machines import takes_volume_key
from mlops_components.tags import aws_tags

RELEASED, CHALLENGER = "released", "challenger"
"""Names of the variants. They stay from one configuration to the next, as SageMaker's guarded deployments demand."""

_NAMESPACE = "AWS/SageMaker"
_PERIOD_SECONDS = 60


class Endpoint:
    """Everything of one endpoint but its models."""

    def __init__(
        self,
        name: str,
        model: str,
        served: SageMakerServedModel,
        args: SageMakerServingArgs,
        child: pulumi.ResourceOptions,
    ) -> None:
        """Nothing is registered before `made` is called."""
        self._name, self._model, self._served, self._args, self._child = name, model, served, args, child
        self._placement = args["placement"]
        self._physical = endpoint_name(self._placement, model)
        self._mode = EndpointMode(served.get("mode", EndpointMode.INSTANCES))
        self._rollout = served.get("rollout")

    def made(self, released: pulumi.Output[str], challenger: Optional[pulumi.Output[str]]) -> aws.sagemaker.Endpoint:
        """Register it, for the names of its one or two models."""
        configuration = self._configuration(released, challenger)
        variants = [RELEASED] + ([CHALLENGER] if self._has(Strategy.AB) else [])
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/aws/sagemaker/Endpoints/{self._physical}",
            retention_in_days=self._args.get("log_days", 90),
            tags=self._tags,
            opts=self._child,
        )
        alarms = [alarm for variant in variants for alarm in self._alarms(variant)]
        endpoint = aws.sagemaker.Endpoint(
            f"{self._name}-endpoint",
            name=self._physical,
            endpoint_config_name=configuration.name,
            deployment_config=self._deployment([alarm.name for alarm in alarms]),
            tags=self._tags,
            # SageMaker would make the log group by itself, and keep what is in it for ever.
            opts=pulumi.ResourceOptions(parent=self._child.parent, depends_on=[logs]),
        )
        for variant in variants:
            scale(f"{self._name}-{variant}", self._model, variant, endpoint, self._served, self._placement, self._child)
        return endpoint

    def _deployment(self, alarms: list[pulumi.Output[str]]) -> Optional[aws.sagemaker.EndpointDeploymentConfigArgs]:
        if self._mode is EndpointMode.SERVERLESS:
            return None
        try:
            asked = deployment(
                self._rollout,
                rolling_percent=self._served.get("rolling_percent"),
                keep_old_minutes=self._served.get("keep_old_minutes", 0),
                alarms=alarms,
            )
        except RolloutError as error:
            raise ArgsError(f"SageMakerServing: the model '{self._model}': {error}") from error
        return _deployment_args(asked)

    @property
    def _tags(self) -> dict[str, str]:
        return aws_tags(self._placement, "serving")

    def _has(self, strategy: Strategy) -> bool:
        return strategy_of(self._rollout) is strategy

    def _configuration(
        self, released: pulumi.Output[str], challenger: Optional[pulumi.Output[str]]
    ) -> aws.sagemaker.EndpointConfiguration:
        weights = shares(self._rollout)
        production = [self._variant(RELEASED, released, weights[0])]
        shadow: list[dict[str, Any]] = []
        if challenger is not None:
            (shadow if self._has(Strategy.SHADOW) else production).append(
                self._variant(CHALLENGER, challenger, weights[1])
            )
        key, data, answers = self._args.get("key_arn"), self._capture(), self._asynchronous()
        volumes = self._mode is not EndpointMode.SERVERLESS and takes_volume_key(self._served["instance_type"])
        volume_key = key if volumes else None
        spec = {"production": production, "shadow": shadow, "key": volume_key, "capture": data, "async": answers}
        return aws.sagemaker.EndpointConfiguration(
            f"{self._name}-configuration",
            name=immutable_name((self._placement["blueprint"], self._placement["scope"], self._model), spec, SAGEMAKER),
            production_variants=[_production(variant) for variant in production],
            shadow_production_variants=[_shadow(variant) for variant in shadow] or None,
            kms_key_arn=volume_key,
            data_capture_config=_capture_args(data) if data else None,
            async_inference_config=_asynchronous_args(answers) if answers else None,
            tags=self._tags,
            opts=self._child,
        )

    def _variant(self, variant: str, model: pulumi.Output[str], weight: float) -> dict[str, Any]:
        made: dict[str, Any] = {
            "variant_name": variant,
            "model_name": model,
            "initial_variant_weight": weight,
        }
        serverless = self._served.get("serverless")
        if self._mode is EndpointMode.SERVERLESS and serverless:
            sizes = {"memory_size_in_mb": serverless["memory_mb"], "max_concurrency": serverless["concurrency"]}
            warm = serverless.get("provisioned")
            return {**made, "serverless_config": {**sizes, **({"provisioned_concurrency": warm} if warm else {})}}
        scaling, volume = self._served.get("scaling"), self._served.get("volume_gb")
        made |= {
            "instance_type": self._served["instance_type"],
            "initial_instance_count": max(1, scaling["minimum"]) if scaling else 1,
            "container_startup_health_check_timeout_in_seconds": self._served.get("startup_seconds", 600),
        }
        return {**made, "volume_size_in_gb": volume} if volume else made

    def _capture(self) -> Optional[dict[str, Any]]:
        capture = self._served.get("capture")
        if not capture:
            return None
        return {"uri": capture["uri"], "percent": round(capture["sample_percent"]), "key": self._args.get("key_arn")}

    def _asynchronous(self) -> Optional[dict[str, Any]]:
        asked = self._served.get("asynchronous")
        if self._mode is not EndpointMode.ASYNCHRONOUS or not asked:
            return None
        return {**asked, "key": self._args.get("key_arn")}

    def _alarms(self, variant: str) -> Sequence[aws.cloudwatch.MetricAlarm]:
        """What undoes a rollout: the share of requests that failed, and the time that the model took."""
        conditions, made = rollback_of(self._rollout), []
        errors, latency = conditions.get("error_rate_percent"), conditions.get("latency_p99_ms")
        if errors is not None:
            # The metric is 1 for a failed request and 0 for another: its average is the share (Developer Guide,
            # "SageMaker endpoint invocation metrics").
            made.append(self._alarm(variant, "errors", "Invocation5XXErrors", errors / 100, statistic="Average"))
        if latency is not None:
            # Microseconds.
            made.append(self._alarm(variant, "latency", "ModelLatency", latency * 1000, extended_statistic="p99"))
        return made

    def _alarm(self, variant: str, kind: str, metric: str, threshold: float, **statistic: str) -> Any:
        which = kind if variant == RELEASED else f"{variant}_{kind}"
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-rollback-{which.replace('_', '-')}",
            name=alarm_name(self._placement, self._model, which),
            alarm_description=f"{self._physical}: the rollout is undone",
            namespace=_NAMESPACE,
            metric_name=metric,
            dimensions={"EndpointName": self._physical, "VariantName": variant},
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            period=_PERIOD_SECONDS,
            evaluation_periods=max(1, min(5, bake_seconds(self._rollout) // _PERIOD_SECONDS)),
            datapoints_to_alarm=1,
            # Nobody asked anything: that is no fault of the new version.
            treat_missing_data="notBreaching",
            tags=self._tags,
            opts=self._child,
            **statistic,
        )


def _production(variant: dict[str, Any]) -> aws.sagemaker.EndpointConfigurationProductionVariantArgs:
    serverless = variant.get("serverless_config")
    rest = {key: value for key, value in variant.items() if key != "serverless_config"}
    return aws.sagemaker.EndpointConfigurationProductionVariantArgs(
        **rest,
        serverless_config=aws.sagemaker.EndpointConfigurationProductionVariantServerlessConfigArgs(**serverless)
        if serverless
        else None,
    )


def _shadow(variant: dict[str, Any]) -> aws.sagemaker.EndpointConfigurationShadowProductionVariantArgs:
    return aws.sagemaker.EndpointConfigurationShadowProductionVariantArgs(**variant)


def _capture_args(capture: dict[str, Any]) -> aws.sagemaker.EndpointConfigurationDataCaptureConfigArgs:
    option = aws.sagemaker.EndpointConfigurationDataCaptureConfigCaptureOptionArgs
    return aws.sagemaker.EndpointConfigurationDataCaptureConfigArgs(
        enable_capture=True,
        destination_s3_uri=capture["uri"],
        initial_sampling_percentage=capture["percent"],
        kms_key_id=capture["key"],
        capture_options=[option(capture_mode="Input"), option(capture_mode="Output")],
        capture_content_type_header=aws.sagemaker.EndpointConfigurationDataCaptureConfigCaptureContentTypeHeaderArgs(
            csv_content_types=["text/csv"], json_content_types=["application/json"]
        ),
    )


def _asynchronous_args(asked: dict[str, Any]) -> aws.sagemaker.EndpointConfigurationAsyncInferenceConfigArgs:
    prefix = "EndpointConfigurationAsyncInferenceConfig"
    args = {name: getattr(aws.sagemaker, f"{prefix}{name}Args") for name in ("ClientConfig", "OutputConfig")}
    topics = {"success_topic": asked.get("success_topic_arn"), "error_topic": asked.get("error_topic_arn")}
    told = {kind: arn for kind, arn in topics.items() if arn is not None}
    notification = aws.sagemaker.EndpointConfigurationAsyncInferenceConfigOutputConfigNotificationConfigArgs
    return aws.sagemaker.EndpointConfigurationAsyncInferenceConfigArgs(
        client_config=args["ClientConfig"](max_concurrent_invocations_per_instance=asked["concurrent_per_copy"])
        if asked.get("concurrent_per_copy")
        else None,
        output_config=args["OutputConfig"](
            s3_output_path=asked["output"],
            s3_failure_path=asked["failures"],
            kms_key_id=asked["key"],
            notification_config=notification(**told) if told else None,
        ),
    )


def _deployment_args(made: Optional[dict[str, Any]]) -> Optional[aws.sagemaker.EndpointDeploymentConfigArgs]:
    if made is None:
        return None
    sdk = aws.sagemaker
    blue_green, rolling = made.get("blue_green_update_policy"), made.get("rolling_update_policy")
    rollback = made.get("auto_rollback_configuration")
    return sdk.EndpointDeploymentConfigArgs(
        blue_green_update_policy=_blue_green_args(blue_green) if blue_green else None,
        rolling_update_policy=sdk.EndpointDeploymentConfigRollingUpdatePolicyArgs(
            maximum_batch_size=sdk.EndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSizeArgs(
                **rolling["maximum_batch_size"]
            ),
            wait_interval_in_seconds=rolling["wait_interval_in_seconds"],
            maximum_execution_timeout_in_seconds=rolling["maximum_execution_timeout_in_seconds"],
        )
        if rolling
        else None,
        auto_rollback_configuration=sdk.EndpointDeploymentConfigAutoRollbackConfigurationArgs(
            alarms=[
                sdk.EndpointDeploymentConfigAutoRollbackConfigurationAlarmArgs(**alarm) for alarm in rollback["alarms"]
            ]
        )
        if rollback
        else None,
    )


def _blue_green_args(policy: dict[str, Any]) -> aws.sagemaker.EndpointDeploymentConfigBlueGreenUpdatePolicyArgs:
    sdk, routing = aws.sagemaker, policy["traffic_routing_configuration"]
    prefix = "EndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfiguration"
    sizes = {
        key: getattr(sdk, f"{prefix}{kind}Args")(**routing[key])
        for key, kind in (("canary_size", "CanarySize"), ("linear_step_size", "LinearStepSize"))
        if key in routing
    }
    return sdk.EndpointDeploymentConfigBlueGreenUpdatePolicyArgs(
        traffic_routing_configuration=getattr(sdk, f"{prefix}Args")(
            type=routing["type"], wait_interval_in_seconds=routing["wait_interval_in_seconds"], **sizes
        ),
        termination_wait_in_seconds=policy["termination_wait_in_seconds"],
        maximum_execution_timeout_in_seconds=policy["maximum_execution_timeout_in_seconds"],
    )
