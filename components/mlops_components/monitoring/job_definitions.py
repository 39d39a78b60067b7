"""The job definitions of the four kinds of monitors.

Only aws-native has three of them; the fourth is made with it as well, so that all look alike. A definition cannot be
changed, so each carries a hash of its content in its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws_native as native

from mlops_components.args import ArgsError
from mlops_components.monitoring.aws_kinds import (
    BIAS,
    DATA_QUALITY,
    EXPLAINABILITY,
    KINDS,
    MODEL_QUALITY,
    MonitorKind,
    MonitorPlaces,
)
from mlops_components.monitoring.sagemaker_args import AwsWatchedModel, SageMakerMonitoringArgs
from mlops_components.naming import SAGEMAKER, immutable_name
from mlops_components.spec.monitor_images import clarify_image, model_monitor_image
from mlops_components.spec.training_machines import DEFAULT, takes_volume_key
from mlops_components.tags import aws_tags

_INPUT = "/opt/ml/processing/input/endpoint"
_OUTPUT = "/opt/ml/processing/output"
_MAXIMUM_DELAY_HOURS = 1
"""Labels of an hour are expected within the next, before which a window is not judged."""


@dataclass(frozen=True)
class MonitorJob:
    """One monitor of one model."""

    args: SageMakerMonitoringArgs
    model: str
    kind: MonitorKind
    preprocessor: Optional[pulumi.Input[str]]
    """URI of the script that makes flat records; Model Monitor's image runs it, Clarify's does not."""
    configuration: Optional[pulumi.Input[str]]
    """URI of Clarify's configuration."""

    @property
    def watched(self) -> AwsWatchedModel:
        """The model that is watched."""
        return self.args["models"][self.model]

    @property
    def places(self) -> MonitorPlaces:
        """Where its baselines and reports are."""
        return MonitorPlaces(self.args, self.model)

    @property
    def image(self) -> str:
        """AWS's image that analyses. Raises `ArgsError` where the region has none."""
        region = self.args["placement"]["region"]
        image = clarify_image(region) if self.kind.clarify else model_monitor_image(region)
        if image is None:
            raise ArgsError(
                f"SageMakerMonitoring: there is no image for the monitor '{self.kind.name}' in {region}; leave it out."
            )
        return image


def job_definition(name: str, job: MonitorJob, child: pulumi.ResourceOptions) -> pulumi.Resource:
    """Register the definition of a monitor, and return it."""
    return _MAKERS[job.kind](name, job, child)


def _data_quality(name: str, job: MonitorJob, child: pulumi.ResourceOptions) -> pulumi.Resource:
    shapes = _Shapes("DataQualityJobDefinition")
    baseline = job.places.baseline(job.kind)
    made: pulumi.Resource = native.sagemaker.DataQualityJobDefinition(
        name,
        data_quality_app_specification=shapes.make(
            "DataQualityAppSpecification",
            image_uri=job.image,
            record_preprocessor_source_uri=job.preprocessor,
        ),
        data_quality_baseline_config=shapes.make(
            "DataQualityBaselineConfig",
            constraints_resource=shapes.make("ConstraintsResource", s3_uri=_file(baseline, "constraints.json")),
            statistics_resource=shapes.make("StatisticsResource", s3_uri=_file(baseline, "statistics.json")),
        ),
        data_quality_job_input=shapes.make("DataQualityJobInput", endpoint_input=_endpoint(shapes, job)),
        data_quality_job_output_config=_outputs(shapes, job),
        **_common(shapes, job),
        opts=child,
    )
    return made


def _model_quality(name: str, job: MonitorJob, child: pulumi.ResourceOptions) -> pulumi.Resource:
    shapes = _Shapes("ModelQualityJobDefinition")
    watch = job.watched["model_quality"]
    attributes: dict[str, Any] = {"inference_attribute": "prediction"}
    if "probability_threshold" in watch:
        attributes = {
            "probability_attribute": "prediction",
            "probability_threshold_attribute": watch["probability_threshold"],
        }
    made: pulumi.Resource = native.sagemaker.ModelQualityJobDefinition(
        name,
        model_quality_app_specification=shapes.make(
            "ModelQualityAppSpecification",
            image_uri=job.image,
            problem_type=native.sagemaker.ModelQualityJobDefinitionProblemType(watch["problem"]),
            record_preprocessor_source_uri=job.preprocessor,
        ),
        model_quality_baseline_config=_constraints(shapes, job, "ModelQualityBaselineConfig"),
        model_quality_job_input=shapes.make(
            "ModelQualityJobInput",
            endpoint_input=_endpoint(shapes, job, **attributes, **_window(job)),
            ground_truth_s3_input=_labels(shapes, job),
        ),
        model_quality_job_output_config=_outputs(shapes, job),
        **_common(shapes, job),
        opts=child,
    )
    return made


def _bias(name: str, job: MonitorJob, child: pulumi.ResourceOptions) -> pulumi.Resource:
    shapes = _Shapes("ModelBiasJobDefinition")
    watch = job.watched["bias"]
    attributes: dict[str, Any] = {"inference_attribute": "0"}
    if "probability_threshold" in watch:
        attributes = {
            "probability_attribute": "0",
            "probability_threshold_attribute": watch["probability_threshold"],
        }
    made: pulumi.Resource = native.sagemaker.ModelBiasJobDefinition(
        name,
        model_bias_app_specification=shapes.make(
            "ModelBiasAppSpecification", image_uri=job.image, config_uri=job.configuration
        ),
        model_bias_baseline_config=_constraints(shapes, job, "ModelBiasBaselineConfig"),
        model_bias_job_input=shapes.make(
            "ModelBiasJobInput",
            endpoint_input=_endpoint(shapes, job, **attributes, **_window(job)),
            ground_truth_s3_input=_labels(shapes, job),
        ),
        model_bias_job_output_config=_outputs(shapes, job),
        **_common(shapes, job),
        opts=child,
    )
    return made


def _explainability(name: str, job: MonitorJob, child: pulumi.ResourceOptions) -> pulumi.Resource:
    shapes = _Shapes("ModelExplainabilityJobDefinition")
    made: pulumi.Resource = native.sagemaker.ModelExplainabilityJobDefinition(
        name,
        model_explainability_app_specification=shapes.make(
            "ModelExplainabilityAppSpecification", image_uri=job.image, config_uri=job.configuration
        ),
        model_explainability_baseline_config=_constraints(shapes, job, "ModelExplainabilityBaselineConfig"),
        model_explainability_job_input=shapes.make(
            "ModelExplainabilityJobInput", endpoint_input=_endpoint(shapes, job, inference_attribute="0")
        ),
        model_explainability_job_output_config=_outputs(shapes, job),
        **_common(shapes, job),
        opts=child,
    )
    return made


_MAKERS = {
    DATA_QUALITY: _data_quality,
    MODEL_QUALITY: _model_quality,
    BIAS: _bias,
    EXPLAINABILITY: _explainability,
}


class _Shapes:
    """The nested inputs of one type: the SDK names them alike for all four."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def make(self, shape: str, **members: Any) -> Any:
        """An input object; members without a value are left out."""
        given = {name: value for name, value in members.items() if value is not None}
        return getattr(native.sagemaker, f"{self._prefix}{shape}Args")(**given)


def _endpoint(shapes: _Shapes, job: MonitorJob, **attributes: Any) -> Any:
    return shapes.make("EndpointInput", endpoint_name=job.watched["endpoint"], local_path=_INPUT, **attributes)


def _window(job: MonitorJob) -> Mapping[str, str]:
    """Which requests a report judges: those whose labels have had time to arrive, one interval of them."""
    end = _MAXIMUM_DELAY_HOURS
    return {"start_time_offset": f"-PT{job.watched['interval_hours'] + end}H", "end_time_offset": f"-PT{end}H"}


def _labels(shapes: _Shapes, job: MonitorJob) -> Any:
    return shapes.make("MonitoringGroundTruthS3Input", s3_uri=job.places.labels)


def _constraints(shapes: _Shapes, job: MonitorJob, shape: str) -> Any:
    file = _file(job.places.baseline(job.kind), job.kind.constraints)
    return shapes.make(shape, constraints_resource=shapes.make("ConstraintsResource", s3_uri=file))


def _file(folder: pulumi.Output[str], name: str) -> pulumi.Output[str]:
    return pulumi.Output.concat(folder, "/", name)


def _outputs(shapes: _Shapes, job: MonitorJob) -> Any:
    output = shapes.make("S3Output", local_path=_OUTPUT, s3_uri=job.places.reports(job.kind))
    return shapes.make(
        "MonitoringOutputConfig",
        monitoring_outputs=[shapes.make("MonitoringOutput", s3_output=output)],
        kms_key_id=job.args.get("key_arn"),
    )


def _common(shapes: _Shapes, job: MonitorJob) -> dict[str, Any]:
    """What all four kinds are given alike."""
    args = job.args
    machine = args.get("instance_type", DEFAULT)
    return {
        "job_definition_name": _name(job),
        "job_resources": shapes.make(
            "MonitoringResources",
            cluster_config=shapes.make(
                "ClusterConfig",
                instance_type=machine,
                instance_count=args.get("instance_count", 1),
                volume_size_in_gb=args.get("volume_gb", 20),
                volume_kms_key_id=args.get("key_arn") if takes_volume_key(machine) else None,
            ),
        ),
        "network_config": _network(shapes, job),
        "stopping_condition": shapes.make(
            "StoppingCondition", max_runtime_in_seconds=60 * args.get("timeout_minutes", 50)
        ),
        "role_arn": args["monitor_role_arn"],
        "tags": _tags(job),
    }


def _network(shapes: _Shapes, job: MonitorJob) -> Any:
    vpc = None
    if "subnet_ids" in job.args:
        vpc = shapes.make(
            "VpcConfig", subnets=job.args["subnet_ids"], security_group_ids=job.args.get("security_group_ids")
        )
    # Isolation would keep Clarify from its endpoint, and the analyzers from CloudWatch.
    return shapes.make(
        "NetworkConfig",
        enable_inter_container_traffic_encryption=True,
        enable_network_isolation=False,
        vpc_config=vpc,
    )


def _tags(job: MonitorJob) -> Sequence[Any]:
    tags = aws_tags(job.args["placement"], "monitoring")
    return [native.CreateOnlyTagArgs(key=key, value=value) for key, value in tags.items()]


def _name(job: MonitorJob) -> pulumi.Output[str]:
    args, placement = job.args, job.args["placement"]
    others = {kind.name for kind in KINDS if kind is not job.kind}
    spec = {
        "watched": {key: value for key, value in job.watched.items() if key not in _NOT_OF_THE_JOB | others},
        "image": job.image,
        "preprocessor": job.preprocessor,
        "configuration": job.configuration,
        "role": args["monitor_role_arn"],
        "roots": [args["artifact_root"], args["data_root"]],
        "key": args.get("key_arn"),
        "subnets": args.get("subnet_ids"),
        "groups": args.get("security_group_ids"),
        "machine": [args.get(key) for key in ("instance_type", "instance_count", "volume_gb", "timeout_minutes")],
        "tags": aws_tags(placement, "monitoring"),
    }
    parts = (placement["blueprint"], placement["scope"], job.model, job.kind.word)
    return immutable_name(parts, spec, SAGEMAKER)


_NOT_OF_THE_JOB = frozenset(
    {"limits", "schedule", "reference", "retraining_pipeline", "cooldown_hours", "cores", "gpus", "variant"}
)
"""What changes alarms, schedules or retraining, but no job: the definition then stays."""
