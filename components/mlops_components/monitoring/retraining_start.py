"""What happens between an alarm on drift and a training run.

EventBridge starts the pipeline by itself where there is no cooldown. Where there is one, a state machine looks first
whether a retraining has begun within it. If so it waits until the cooldown is over, and starts one then if the alarm
is still on: drift that lasts is not forgotten.

Sources: CloudWatch User Guide, "Alarm events and EventBridge"; SageMaker and Step Functions API Reference.
"""

import json
from typing import Any

from mlops_components.placement import AwsPlacement, aws_partition

NAME_PREFIX = "drift-"
"""Runs that drift has started are called so; only they count for the cooldown."""


def alarm_pattern(alarm_arn: str) -> str:
    """Events of one alarm that goes off."""
    return json.dumps(
        {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "resources": [alarm_arn],
            "detail": {"state": {"value": ["ALARM"]}},
        },
        sort_keys=True,
    )


def starter_input(pipeline_arn: str, alarm: str, cooldown_hours: float) -> str:
    """What the state machine is told by the rule of one model."""
    hours = {"pipeline": pipeline_arn, "alarm": alarm, "cooldownSeconds": round(cooldown_hours * 3600)}
    return json.dumps(hours, sort_keys=True)


def starter_definition(placement: AwsPlacement, engine: str) -> str:
    """The state machine; `engine` is what trains: `sagemaker` or `step_functions`."""
    service = f"arn:{aws_partition(placement['region'])}:states:::aws-sdk"
    return json.dumps(
        {
            "Comment": "Starts a retraining unless one has begun within the cooldown.",
            "QueryLanguage": "JSONata",
            "StartAt": "Listen",
            "States": {
                "Listen": {
                    "Type": "Pass",
                    "Assign": {
                        "pipeline": "{% $states.input.pipeline %}",
                        "alarm": "{% $states.input.alarm %}",
                        "cooldown": "{% $states.input.cooldownSeconds %}",
                        "token": "{% $uuid() %}",
                    },
                    "Next": "FindRecent",
                },
                "FindRecent": _find_recent(service, engine),
                "IsCooling": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $count($recent) > 0 %}", "Next": "Cool"}],
                    "Default": "Start",
                },
                "Cool": {"Type": "Wait", "Seconds": "{% $max([1, $ceil($cooldown - $since)]) %}", "Next": "LookAgain"},
                "LookAgain": {
                    "Type": "Task",
                    "Resource": f"{service}:cloudwatch:describeAlarms",
                    "Arguments": {"AlarmNames": ["{% $alarm %}"]},
                    "Assign": {"state": "{% $states.result.MetricAlarms[0].StateValue %}"},
                    "Next": "IsStillOn",
                },
                "IsStillOn": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $state = 'ALARM' %}", "Next": "FindRecent"}],
                    "Default": "Over",
                },
                "Over": {"Type": "Succeed"},
                "Start": _start(service, engine),
            },
        },
        sort_keys=True,
    )


def _find_recent(service: str, engine: str) -> dict[str, Any]:
    """Retrainings that have begun within the cooldown, and the seconds since the last of them."""
    if engine == "step_functions":
        resource, runs = f"{service}:sfn:listExecutions", "$states.result.Executions"
        arguments: dict[str, Any] = {"StateMachineArn": "{% $pipeline %}", "MaxResults": 100}
        name, began = "Name", "StartDate"
    else:
        resource, runs = f"{service}:sagemaker:listPipelineExecutions", "$states.result.PipelineExecutionSummaries"
        arguments = {
            "PipelineName": "{% $pipeline %}",
            "CreatedAfter": "{% $fromMillis($millis() - 1000 * $cooldown) %}",
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
        }
        name, began = "PipelineExecutionDisplayName", "StartTime"
    ages = f"{runs}[$contains({name}, '{NAME_PREFIX}')].(($millis() - $toMillis({began})) / 1000)"
    return {
        "Type": "Task",
        "Resource": resource,
        "Arguments": arguments,
        "Assign": {
            "recent": f"{{% [{ages}[$ < $cooldown]] %}}",
            "since": f"{{% $min([$cooldown, {ages}]) %}}",
        },
        "Next": "IsCooling",
    }


def _start(service: str, engine: str) -> dict[str, Any]:
    name = f"{{% '{NAME_PREFIX}' & $token %}}"
    if engine == "step_functions":
        resource = f"{service}:sfn:startExecution"
        arguments: dict[str, Any] = {"StateMachineArn": "{% $pipeline %}", "Name": name}
    else:
        resource = f"{service}:sagemaker:startPipelineExecution"
        arguments = {
            "PipelineName": "{% $pipeline %}",
            "PipelineExecutionDisplayName": name,
            # The same on every try, so that a retry never starts a second run.
            "ClientRequestToken": "{% $token %}",
        }
    return {
        "Type": "Task",
        "Resource": resource,
        "Arguments": arguments,
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 3, "BackoffRate": 2}],
        "End": True,
    }
