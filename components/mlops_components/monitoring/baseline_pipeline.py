"""The pipeline that makes the baselines of one version: what its monitors compare with.

It begins with the workload's own image, which writes the rows that the version was trained on together with its
predictions, and goes on with AWS's analyzers. Its steps are cached, so that starting it again costs nothing.

Sources: SageMaker Developer Guide, "Create a Baseline" and "SageMaker Clarify Processing Job"; environment variables of
the analyzer: `sagemaker.model_monitor` of the SageMaker Python SDK; schema of a pipeline's definition.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pulumi

from mlops_components.monitoring.aws_kinds import MODEL_QUALITY, MonitorKind, MonitorPlaces, kinds_of
from mlops_components.monitoring.sagemaker_args import AwsWatchedModel, SageMakerMonitoringArgs
from mlops_components.spec.training_machines import DEFAULT, takes_volume_key

REFERENCE = "reference"
"""Name of the first step."""
_DATA, _CONFIG, _OUTPUT = (
    "/opt/ml/processing/input/data",
    "/opt/ml/processing/input/config",
    "/opt/ml/processing/output",
)


def reference_command(settings: pulumi.Input[str]) -> list[pulumi.Input[str]]:
    """What writes the reference rows of a version."""
    return ["python", "-m", "mlops_stacks.runtime", "reference", "--settings", settings]


def baseline_definition(
    args: SageMakerMonitoringArgs,
    model: str,
    settings: pulumi.Input[str],
    images: Mapping[str, str],
    configurations: Mapping[str, pulumi.Input[str]],
) -> pulumi.Output[str]:
    """The definition as JSON. `images` and `configurations` (of Clarify): kind -> image, URI."""
    places, watched = MonitorPlaces(args, model), args["models"][model]
    steps = [_step(REFERENCE, _job(args, args["image"], reference_command(settings)))]
    for kind in kinds_of(watched):
        analysis = _clarify(args, places, kind, images[kind.name], configurations) if kind.clarify else None
        analysis = analysis or _analyzer(args, places, kind, images[kind.name])
        steps.append(_step(kind.word, analysis, after=[REFERENCE]))
    return pulumi.Output.json_dumps(
        {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps}, sort_keys=True
    )


def _step(name: str, arguments: Mapping[str, Any], after: Sequence[str] = ()) -> dict[str, Any]:
    step: dict[str, Any] = {
        "Name": name,
        "Type": "Processing",
        "Arguments": dict(arguments),
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
        "RetryPolicies": [
            {"ExceptionType": kinds, "IntervalSeconds": 30, "BackoffRate": 2.0, "MaxAttempts": 5}
            for kinds in (["Step.SERVICE_FAULT", "Step.THROTTLING"], ["SageMaker.CAPACITY_ERROR"])
        ],
    }
    return {**step, "DependsOn": list(after)} if after else step


def _analyzer(args: SageMakerMonitoringArgs, places: MonitorPlaces, kind: MonitorKind, image: str) -> dict[str, Any]:
    """Statistics and constraints by Model Monitor's image."""
    environment = {
        "dataset_format": json.dumps({"csv": {"header": True, "output_columns_position": "START"}}),
        "dataset_source": _DATA,
        "output_path": _OUTPUT,
        "publish_cloudwatch_metrics": "Disabled",
    }
    folder = "inputs"
    if kind is MODEL_QUALITY:
        environment |= _quality_environment(places.args["models"][places.model])
        folder = "labelled"
    return _job(
        args,
        image,
        None,
        inputs={"baseline_dataset_input": (pulumi.Output.concat(places.reference, f"/{folder}"), _DATA)},
        output=("monitoring_output", places.baseline(kind)),
        environment=environment,
    )


def _quality_environment(watched: AwsWatchedModel) -> dict[str, str]:
    watch = watched["model_quality"]
    environment = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": watch["problem"],
        "ground_truth_attribute": "label",
    }
    if "probability_threshold" not in watch:
        return {**environment, "inference_attribute": "prediction"}
    threshold = str(watch["probability_threshold"])
    return {**environment, "probability_attribute": "prediction", "probability_threshold_attribute": threshold}


def _clarify(
    args: SageMakerMonitoringArgs,
    places: MonitorPlaces,
    kind: MonitorKind,
    image: str,
    configurations: Mapping[str, pulumi.Input[str]],
) -> dict[str, Any]:
    """An analysis by Clarify's image, whose result is the baseline."""
    return _job(
        args,
        image,
        None,
        inputs={
            "analysis_config": (configurations[kind.name], _CONFIG),
            "dataset": (pulumi.Output.concat(places.reference, f"/{kind.name}"), _DATA),
        },
        output=("analysis_result", places.baseline(kind)),
    )


def _job(
    args: SageMakerMonitoringArgs,
    image: pulumi.Input[str],
    command: Optional[Sequence[pulumi.Input[str]]],
    *,
    inputs: Mapping[str, tuple[pulumi.Input[str], str]] = {},
    output: Optional[tuple[str, pulumi.Input[str]]] = None,
    environment: Optional[Mapping[str, str]] = None,
) -> dict[str, Any]:
    """A request of CreateProcessingJob, but for its name, which the pipeline makes up."""
    specification: dict[str, Any] = {"ImageUri": image}
    if command:
        specification["ContainerEntrypoint"] = list(command)
    job: dict[str, Any] = {
        "AppSpecification": specification,
        "ProcessingResources": {"ClusterConfig": _cluster(args)},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60 * args.get("timeout_minutes", 50)},
        "NetworkConfig": _network(args),
        "RoleArn": args["baseline_role_arn"],
    }
    if inputs:
        job["ProcessingInputs"] = [_input(name, uri, path) for name, (uri, path) in inputs.items()]
    if output:
        job["ProcessingOutputConfig"] = _output(args, *output)
    if environment:
        job["Environment"] = dict(environment)
    return job


def _cluster(args: SageMakerMonitoringArgs) -> dict[str, Any]:
    machine = args.get("instance_type", DEFAULT)
    cluster: dict[str, Any] = {
        "InstanceType": machine,
        "InstanceCount": 1,
        "VolumeSizeInGB": args.get("volume_gb", 20),
    }
    keyed = "key_arn" in args and takes_volume_key(machine)
    return {**cluster, "VolumeKmsKeyId": args["key_arn"]} if keyed else cluster


def _network(args: SageMakerMonitoringArgs) -> dict[str, Any]:
    network: dict[str, Any] = {"EnableInterContainerTrafficEncryption": True, "EnableNetworkIsolation": False}
    if "subnet_ids" in args:
        groups = args.get("security_group_ids") or []
        network["VpcConfig"] = {"Subnets": args["subnet_ids"], "SecurityGroupIds": groups}
    return network


def _input(name: str, uri: pulumi.Input[str], path: str) -> dict[str, Any]:
    source = {
        "S3Uri": uri,
        "LocalPath": path,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": source}


def _output(args: SageMakerMonitoringArgs, name: str, uri: pulumi.Input[str]) -> dict[str, Any]:
    target = {"S3Uri": uri, "LocalPath": _OUTPUT, "S3UploadMode": "EndOfJob"}
    outputs: dict[str, Any] = {"Outputs": [{"OutputName": name, "S3Output": target}]}
    return {**outputs, "KmsKeyId": args["key_arn"]} if "key_arn" in args else outputs


def endpoint_pattern(endpoint: str) -> str:
    """Events of an endpoint that is in service anew: a new version needs a baseline of its own."""
    return json.dumps(
        {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Endpoint State Change"],
            "detail": {"EndpointName": [endpoint], "EndpointStatus": ["IN_SERVICE", "InService"]},
        },
        sort_keys=True,
    )
