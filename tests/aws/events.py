"""EventBridge here: whether a pattern lets an event pass, and events as AWS's documentation shows them.

`passes` follows "Creating event patterns" and "Comparison operators" of the EventBridge User Guide, for the operators
that rules here may use; another one is refused, so that no pattern is taken for granted. The events follow "Events that
Amazon SageMaker AI sends to Amazon EventBridge" (SageMaker Developer Guide), "EventBridge event message structure"
(S3 User Guide), "Alarm events and EventBridge" (CloudWatch User Guide), "Monitoring CodePipeline events" and "Build
notifications input format reference" (CodePipeline and CodeBuild User Guides).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"

_ABSENT = object()


class PatternError(ValueError):
    """EventBridge, or this small reading of it, takes no such pattern."""


def passes(pattern: Mapping[str, Any] | str, event: Mapping[str, Any]) -> bool:
    """Whether a rule with this pattern would see `event`. Raises `PatternError` for what is no pattern."""
    plain = json.loads(pattern) if isinstance(pattern, str) else pattern
    if not isinstance(plain, Mapping) or not plain:
        raise PatternError("a pattern is an object with at least one field")
    return _object(plain, event)


def _object(pattern: Mapping[str, Any], value: Any) -> bool:
    # Every field is read, also once one has failed: a fault in a later one must not stay hidden.
    fields = [_field(name, wanted, value) for name, wanted in pattern.items()]
    return all(fields)


def _field(name: str, wanted: Any, value: Any) -> bool:
    if name == "$or":
        if not isinstance(wanted, list) or len(wanted) < 2:
            raise PatternError("$or takes a list of at least two patterns")
        alternatives = [_object(one, value) for one in wanted]
        return any(alternatives)
    found = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        if not wanted:
            raise PatternError(f"'{name}' is empty")
        return _object(wanted, found)
    if not isinstance(wanted, list) or not wanted:
        raise PatternError(f"'{name}' must be an object or a list with something in it")
    # A list in an event passes if one of its members does; an empty one is as good as none.
    members = found if isinstance(found, list) else [found]
    outcomes = [_leaf(filter_, member) for filter_ in wanted for member in members or [_ABSENT]]
    return any(outcomes)


def _leaf(wanted: Any, found: Any) -> bool:
    if not isinstance(wanted, Mapping):
        # JSON's numbers and booleans are of different kinds; Python's True equals 1.
        return type(wanted) is type(found) and bool(wanted == found)
    if len(wanted) != 1:
        raise PatternError(f"{wanted} must have exactly one operator")
    ((operator, operand),) = wanted.items()
    if operator not in _OPERATORS:
        raise PatternError(f"'{operator}' is no operator that is known here")
    return bool(_OPERATORS[operator](operand, found))


def _exists(operand: Any, found: Any) -> bool:
    if not isinstance(operand, bool):
        raise PatternError("exists takes true or false")
    return (found is not _ABSENT) is operand


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def match(operand: Any, found: Any) -> bool:
        if isinstance(operand, Mapping) and set(operand) == {"equals-ignore-case"}:
            folded = str(operand["equals-ignore-case"]).casefold()
            return isinstance(found, str) and test(folded, found.casefold())
        if not isinstance(operand, str):
            raise PatternError(f"{operand!r} must be a text")
        return isinstance(found, str) and test(operand, found)

    return match


def _wildcard(operand: str, found: str) -> bool:
    if "**" in operand:
        raise PatternError("a wildcard has no two asterisks in a row")
    return re.fullmatch(".*".join(re.escape(part) for part in operand.split("*")), found, re.DOTALL) is not None


def _numeric(operand: Any, found: Any) -> bool:
    tests: dict[str, Callable[[float, float], bool]] = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    if not isinstance(operand, list) or len(operand) not in (2, 4) or any(sign not in tests for sign in operand[::2]):
        raise PatternError(f"numeric takes one or two comparisons, not {operand}")
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return all(tests[sign](found, bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True))


def _anything_but(operand: Any, found: Any) -> bool:
    if found is _ABSENT:
        return False
    if isinstance(operand, Mapping):
        ((operator, unwanted),) = operand.items()
        # Here, and only here, an operator takes a list as well.
        each = unwanted if isinstance(unwanted, list) else [unwanted]
        return not any(_leaf({operator: one}, found) for one in each)
    return found not in (operand if isinstance(operand, list) else [operand])


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _text(lambda wanted, found: found.startswith(wanted)),
    "suffix": _text(lambda wanted, found: found.endswith(wanted)),
    "equals-ignore-case": _text(lambda wanted, found: wanted.casefold() == found.casefold()),
    "wildcard": _text(_wildcard),
    "exists": _exists,
    "numeric": _numeric,
    "anything-but": _anything_but,
}


def _event(source: str, kind: str, resources: list[str], detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-03-01T12:00:00Z",
        "region": REGION,
        "resources": resources,
        "detail": copy.deepcopy(dict(detail)),
    }


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def model_package_changed(group: str, version: int = 2, approval: str = "Approved") -> dict[str, Any]:
    """A version of a model was registered, approved or rejected."""
    arn = _arn("sagemaker", f"model-package/{group}/{version}")
    return _event(
        "aws.sagemaker",
        "SageMaker Model Package State Change",
        [arn],
        {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "CreationTime": "2026-03-01T12:00:00Z",
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
            "ModelApprovalStatus": approval,
            "LastModifiedTime": "2026-03-01T12:00:00Z",
        },
    )


def pipeline_changed(arn: str, status: str = "Succeeded", before: str = "Executing") -> dict[str, Any]:
    """An execution of a SageMaker pipeline began or ended."""
    execution = f"{arn}/execution/p4jn9xou8a8s"
    return _event(
        "aws.sagemaker",
        "SageMaker Model Building Pipeline Execution Status Change",
        [arn, execution],
        {
            "pipelineExecutionDisplayName": "an-execution",
            "currentPipelineExecutionStatus": status,
            "previousPipelineExecutionStatus": before,
            "executionStartTime": "2026-03-01T11:50:00Z",
            "executionEndTime": "2026-03-01T12:00:00Z",
            "pipelineExecutionDescription": "",
            "pipelineArn": arn,
            "pipelineExecutionArn": execution,
        },
    )


def endpoint_changed(name: str, status: str = "IN_SERVICE", *, deployment: bool = False) -> dict[str, Any]:
    """An endpoint changed its state, or (`deployment`) a deployment to it did."""
    arn = _arn("sagemaker", f"endpoint/{name}")
    return _event(
        "aws.sagemaker",
        "SageMaker Endpoint Deployment State Change" if deployment else "SageMaker Endpoint State Change",
        [arn],
        {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": f"{name}-0123456789",
            "EndpointStatus": status,
            "CreationTime": 1583831889050,
            "LastModifiedTime": 1583832848595,
            "Tags": {},
        },
    )


def object_created(bucket: str, key: str, reason: str = "PutObject") -> dict[str, Any]:
    """An object was written to a bucket that tells EventBridge."""
    return _event(
        "aws.s3",
        "Object Created",
        [f"arn:aws:s3:::{bucket}"],
        {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "sequencer": "617f08299329",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": ACCOUNT,
            "source-ip-address": "192.0.2.1",
            "reason": reason,
        },
    )


def alarm_changed(name: str, state: str = "ALARM", before: str = "OK") -> dict[str, Any]:
    """An alarm of CloudWatch went off, or was over."""
    return _event(
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        [_arn("cloudwatch", f"alarm:{name}")],
        {
            "alarmName": name,
            "state": {
                "value": state,
                "reason": "Threshold Crossed: 1 datapoint [1.0] was greater than the threshold (0.0).",
                "timestamp": "2026-03-01T12:00:00.000+0000",
            },
            "previousState": {"value": before, "reason": "…", "timestamp": "2026-03-01T11:00:00.000+0000"},
            "configuration": {"description": "", "metrics": []},
        },
    )


def code_pipeline_changed(name: str, state: str = "SUCCEEDED") -> dict[str, Any]:
    """An execution of a pipeline of CodePipeline began or ended."""
    return _event(
        "aws.codepipeline",
        "CodePipeline Pipeline Execution State Change",
        [_arn("codepipeline", name)],
        {"pipeline": name, "execution-id": "01234567-0123-0123-0123-012345678901", "state": state, "version": 3},
    )


def build_changed(project: str, status: str = "SUCCEEDED") -> dict[str, Any]:
    """A build of CodeBuild began or ended."""
    build = _arn("codebuild", f"build/{project}:8745a7a9-c340-456a-9166-edf953571bea")
    return _event(
        "aws.codebuild",
        "CodeBuild Build State Change",
        [build],
        {"build-status": status, "project-name": project, "build-id": build, "current-phase": "COMPLETED"},
    )


def state_machine_changed(arn: str, status: str = "SUCCEEDED") -> dict[str, Any]:
    """An execution of a state machine of Step Functions began or ended."""
    execution = f"{arn.replace(':stateMachine:', ':execution:')}:an-execution"
    return _event(
        "aws.states",
        "Step Functions Execution Status Change",
        [execution],
        {"executionArn": execution, "stateMachineArn": arn, "name": "an-execution", "status": status, "input": "{}"},
    )


SAMPLES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "model_package": lambda: model_package_changed("flights-shared-delay"),
    "pipeline": lambda: pipeline_changed(_arn("sagemaker", "pipeline/flights-dev-delay")),
    "endpoint": lambda: endpoint_changed("flights-dev-delay"),
    "object": lambda: object_created("flights-dev-data", "incoming/2026-03-01.parquet"),
    "alarm": lambda: alarm_changed("flights-dev-delay-drift"),
    "code_pipeline": lambda: code_pipeline_changed("flights-shared-ci"),
    "build": lambda: build_changed("flights-shared-test"),
    "state_machine": lambda: state_machine_changed(_arn("states", "stateMachine:flights-dev-delay")),
}
"""One event of each kind."""
