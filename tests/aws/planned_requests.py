"""What a planned resource would ask of AWS, as the parameters of the call that creates it.

A provider names an argument almost as the API does (`productionVariants`, `ProductionVariants`) and takes one object
where the API has a list of one. What differs more is in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from shapes import check_request, service_model

from mlops_stacks.plan import PlannedResource


@dataclass(frozen=True)
class Call:
    """The operation that creates a resource type; arguments of other names, and those that the API has not."""

    service: str
    operation: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    given_later: tuple[str, ...] = ()
    reshape: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """Where the provider's arguments are built otherwise."""


def _alarm(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A query's metric and its period stand side by side for the API, one in the other for the provider."""
    queries = []
    for query in inputs.get("metricQueries", ()):
        metric = dict(query.get("metric") or {})
        outer = {key: metric.pop(key) for key in ("period", "stat", "unit") if key in metric}
        rest = {key: value for key, value in query.items() if key != "metric"}
        queries.append({**rest, "metricStat": {"metric": metric, **outer}} if metric else rest)
    return {**inputs, "metricQueries": queries} if queries else inputs


def _sagemaker(operation: str, left_out: tuple[str, ...] = (), **renamed: str) -> Call:
    return Call("sagemaker", operation, renamed, ("region", *left_out), ("ClientRequestToken", "ClientToken"))


CALLS: Mapping[str, Call] = {
    "aws:sagemaker/model:Model": _sagemaker("CreateModel", name="ModelName"),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": _sagemaker(
        "CreateEndpointConfig", name="EndpointConfigName", kmsKeyArn="KmsKeyId"
    ),
    "aws:sagemaker/endpoint:Endpoint": _sagemaker("CreateEndpoint", name="EndpointName"),
    "aws:sagemaker/pipeline:Pipeline": _sagemaker("CreatePipeline"),
    "aws:sagemaker/featureGroup:FeatureGroup": _sagemaker("CreateFeatureGroup"),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _sagemaker("CreateModelPackageGroup"),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": _sagemaker("PutModelPackageGroupPolicy"),
    "aws:sagemaker/modelCard:ModelCard": _sagemaker("CreateModelCard"),
    "aws:sagemaker/mlflowApp:MlflowApp": _sagemaker("CreateMlflowApp"),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _sagemaker("CreateMlflowTrackingServer"),
    "aws:sagemaker/domain:Domain": _sagemaker("CreateDomain", ("retentionPolicy",)),
    "aws:sagemaker/userProfile:UserProfile": _sagemaker("CreateUserProfile"),
    "aws:sagemaker/space:Space": _sagemaker("CreateSpace"),
    "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig": _sagemaker("CreateStudioLifecycleConfig"),
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": _sagemaker(
        "CreateDataQualityJobDefinition", name="JobDefinitionName"
    ),
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule": _sagemaker(
        "CreateMonitoringSchedule", name="MonitoringScheduleName"
    ),
    "aws-native:sagemaker:DataQualityJobDefinition": _sagemaker("CreateDataQualityJobDefinition"),
    "aws-native:sagemaker:ModelQualityJobDefinition": _sagemaker("CreateModelQualityJobDefinition"),
    "aws-native:sagemaker:ModelBiasJobDefinition": _sagemaker("CreateModelBiasJobDefinition"),
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": _sagemaker("CreateModelExplainabilityJobDefinition"),
    "aws-native:sagemaker:MonitoringSchedule": _sagemaker("CreateMonitoringSchedule"),
    "aws-native:sagemaker:Experiment": _sagemaker("CreateExperiment"),
    "aws:scheduler/schedule:Schedule": Call("scheduler", "CreateSchedule", {}, ("region",), ("ClientToken",)),
    "aws:sfn/stateMachine:StateMachine": Call("stepfunctions", "CreateStateMachine", {}, ("region",)),
    "aws:cloudwatch/eventRule:EventRule": Call("events", "PutRule", {}, ("region", "forceDestroy", "isEnabled"), ()),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Call(
        "cloudwatch", "PutMetricAlarm", {"name": "AlarmName", "metricQueries": "Metrics"}, ("region",), (), _alarm
    ),
    "aws:codebuild/project:Project": Call(
        "codebuild",
        "CreateProject",
        {"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"},
        ("region", "fetchSubmodules"),
    ),
    "aws:ecr/repository:Repository": Call(
        "ecr",
        "CreateRepository",
        {"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"},
        ("region", "forceDelete"),
    ),
}
"""Resource type -> the call."""


def request_of(resource: PlannedResource) -> dict[str, Any]:
    """The parameters of the call that creates a planned resource of a type in `CALLS`."""
    return _request(resource, [])


def complaints_of(resource: PlannedResource) -> list[str]:
    """What AWS would have against the request that creates a planned resource of a type in `CALLS`."""
    call, unknown = CALLS[resource.type], list[str]()
    request = _request(resource, unknown)
    found = check_request(call.service, call.operation, request, given_later=call.given_later)
    return [f"{resource.name}: {sentence}" for sentence in (*unknown, *found)]


def _request(resource: PlannedResource, unknown: list[str]) -> dict[str, Any]:
    call = CALLS[resource.type]
    shape = service_model(call.service).operation_model(call.operation).input_shape
    inputs = {key: value for key, value in resource.inputs.items() if key not in call.left_out and key[:2] != "__"}
    inputs = dict(call.reshape(inputs)) if call.reshape else inputs
    request: dict[str, Any] = _as_request(shape, inputs, call.renamed, resource.name, unknown)
    return request


def _as_request(shape: Shape, value: Any, renamed: Mapping[str, str], place: str, unknown: list[str]) -> Any:
    if isinstance(shape, StructureShape):
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        return _members(shape, value, renamed, place, unknown) if isinstance(value, Mapping) else value
    if isinstance(shape, ListShape):
        return _items(shape, value, renamed, place, unknown)
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: _as_request(shape.value, item, renamed, place, unknown) for key, item in value.items()}
    return _scalar(shape, value)


def _members(
    shape: StructureShape, value: Mapping[str, Any], renamed: Mapping[str, str], place: str, unknown: list[str]
) -> dict[str, Any]:
    by_letters = {_letters(name): name for name in shape.members}
    made = {}
    for key, item in value.items():
        wanted = _letters(renamed.get(key, key))
        name = next((by_letters[w] for w in (wanted, wanted.removesuffix("s"), f"{wanted}s") if w in by_letters), None)
        if name is None:
            unknown.append(f"{place}: {shape.name} has no {key}; there are {', '.join(shape.members)}")
        else:
            made[name] = _as_request(shape.members[name], item, renamed, f"{place}.{key}", unknown)
    return made


def _items(shape: ListShape, value: Any, renamed: Mapping[str, str], place: str, unknown: list[str]) -> Any:
    if isinstance(value, Mapping):
        pair = [_letters(name) for name in getattr(shape.member, "members", ())]
        if sorted(pair) in (["key", "value"], ["name", "value"]) and not {_letters(k) for k in value} >= set(pair):
            first, second = sorted(shape.member.members, key=lambda name: _letters(name) == "value")
            return [{first: key, second: item} for key, item in value.items()]
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    return [_as_request(shape.member, item, renamed, f"{place}[]", unknown) for item in value]


def _scalar(shape: Shape, value: Any) -> Any:
    """A provider takes some numbers and truths as texts, and the other way round."""
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if shape.type_name in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    if shape.type_name == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _letters(name: str) -> str:
    return name.replace("_", "").lower()
