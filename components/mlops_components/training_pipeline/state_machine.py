"""A state machine that runs the steps of a `PipelineSpec` as jobs of SageMaker, in Amazon States Language (JSONPath).

The run folder is named by the execution. Sources: Step Functions Developer Guide, "Create and manage Amazon SageMaker
AI jobs" and "Intrinsic functions"; the context object's `$$.State.RetryCount` gives each try a job name of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_components.naming import content_hash
from mlops_components.placement import aws_partition
from mlops_components.spec.pipeline import StepSpec
from mlops_components.training_pipeline.jobs import Jobs, scope_prefix

_FAULTS = ("SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException")
_MARGIN_SECONDS = 3600
"""A job waits for its machine before its own time limit begins to count."""


@dataclass(frozen=True)
class _Path:
    """A value that only an execution has, as an expression."""

    expression: str


def state_machine(jobs: Jobs, artifact_bucket: str) -> str:
    """Return the definition as JSON; `artifact_bucket` is the bucket of `jobs.runs`."""
    steps = jobs.spec["steps"]
    names = [step["name"] for step in steps]
    states: dict[str, Any] = {
        "defaults": {
            "Type": "Pass",
            "Result": jobs.parameters,
            "ResultPath": "$.defaults",
            "Next": "begin",
        },
        "begin": {
            "Type": "Pass",
            "Parameters": {
                "run.$": f"States.Format('{jobs.runs}/{{}}', $$.Execution.Name)",
                "id.$": "States.Hash($$.Execution.Id, 'MD5')",
                "parameters.$": "States.JsonMerge($.defaults, $$.Execution.Input, false)",
            },
            "Next": names[0],
        },
    }
    for at, step in enumerate(steps):
        following = names[at + 1] if at + 1 < len(names) else None
        states[step["name"]] = _task(jobs, step, "read_decision" if step["name"] == "validate_model" else following)
    states |= _decision(jobs, artifact_bucket)
    return json.dumps({"Comment": f"Trains {jobs.spec['model']}", "StartAt": "defaults", "States": states})


def _task(jobs: Jobs, step: StepSpec, following: str | None) -> dict[str, Any]:
    name = step["name"]
    values = {parameter: _Path(f"$.parameters.{parameter}") for parameter in jobs.parameters}
    kind = "Training" if name == "train" else "Processing"
    unique = _Path(f"States.Format('{job_prefix(jobs, name)}-{{}}-{{}}', $.id, $$.State.RetryCount)")
    request = {f"{kind}JobName": unique, **jobs.request(step, _Path("$.run"), values)}
    made: dict[str, Any] = {
        "Type": "Task",
        "Resource": f"arn:{_partition(jobs)}:states:::sagemaker:create{kind}Job.sync",
        "Parameters": _payload(request),
        # What a job answers is thrown away: the next step reads the run folder.
        "ResultPath": None,
        "TimeoutSeconds": step["timeout_minutes"] * 60 * (step["retries"] + 1) + _MARGIN_SECONDS,
    }
    if step["retries"]:
        made["Retry"] = [
            {
                "ErrorEquals": list(_FAULTS),
                "IntervalSeconds": 30,
                "BackoffRate": 2.0,
                "MaxAttempts": step["retries"],
            }
        ]
    return {**made, **({"Next": following} if following else {"End": True})}


def job_prefix(jobs: Jobs, step: str) -> str:
    """What a job's name begins with: 32 characters for the execution and three for the try come after it."""
    return f"{scope_prefix(jobs.placement)}-{content_hash([jobs.spec['model'], step])[:7]}"


def _decision(jobs: Jobs, bucket: str) -> dict[str, Any]:
    folder = jobs.runs.partition(f"{bucket}/")[2]
    return {
        "read_decision": {
            "Type": "Task",
            "Resource": f"arn:{_partition(jobs)}:states:::aws-sdk:s3:getObject",
            "Parameters": {
                "Bucket": bucket,
                "Key.$": f"States.Format('{folder}/{{}}/decision.json', $$.Execution.Name)",
            },
            "ResultSelector": {"decision.$": "States.StringToJson($.Body)"},
            "ResultPath": "$.read",
            "Next": "is_accepted",
        },
        "is_accepted": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.read.decision.accepted", "BooleanEquals": True, "Next": "register"}],
            "Default": "refused",
        },
        "refused": {
            "Type": "Fail",
            "Error": "Refused",
            "Cause": "validate_model refused the model; why stands in decision.json in the run folder.",
        },
    }


def _partition(jobs: Jobs) -> str:
    return aws_partition(jobs.placement["region"])


def _payload(value: Any) -> Any:
    """The value with its expressions where Amazon States Language wants them: under keys that end with `.$`."""
    if isinstance(value, Mapping):
        return dict(_entry(key, item) for key, item in value.items())
    if isinstance(value, list):
        return [_payload(item) for item in value]
    return value


def _entry(key: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, _Path):
        return f"{key}.$", value.expression
    if isinstance(value, list) and any(isinstance(item, _Path) for item in value):
        items = (item.expression if isinstance(item, _Path) else f"'{item}'" for item in value)
        return f"{key}.$", f"States.Array({', '.join(items)})"
    return key, _payload(value)
