"""Counts what monitors found, as metrics that alarms can watch.

A monitor leaves its findings in a file and in the text of its job's status; CloudWatch gets distances for each feature
and no count. So a small state machine reads the file when a job has ended and publishes two numbers. No function, no
code of ours runs there.

Sources: SageMaker Developer Guide, "Schema for violations" and "SageMaker AI processing job state change"; Step
Functions Developer Guide, "Transforming data with JSONata" and "Learning to use AWS service SDK integrations".
"""

import json
from typing import Any

from mlops_components.monitoring.aws_kinds import FOLDER
from mlops_components.monitoring.aws_metrics import DRIFTED_FEATURES, OWN_NAMESPACE, VIOLATIONS
from mlops_components.placement import AwsPlacement, aws_partition

_FILE = "constraint_violations.json"


def report_pattern(role_arn: str) -> str:
    """Events of monitors' jobs that have ended: only they run with this role."""
    return json.dumps(
        {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Processing Job State Change"],
            "detail": {"ProcessingJobStatus": ["Completed", "COMPLETED"], "RoleArn": [role_arn]},
        },
        sort_keys=True,
    )


def counter_definition(placement: AwsPlacement) -> str:
    """The state machine: find the folder, read the file, count, publish."""
    service = f"arn:{aws_partition(placement['region'])}:states:::aws-sdk"
    return json.dumps(
        {
            "Comment": "Counts the violations in the report of a monitor.",
            "QueryLanguage": "JSONata",
            "StartAt": "FindReport",
            "States": {
                "FindReport": _find_report(),
                "IsReport": {
                    "Type": "Choice",
                    # Before labels are judged, a job of its own merges them with requests: that is no report.
                    "Choices": [{"Condition": "{% $contains($folder, '/merge') %}", "Next": "NoReport"}],
                    "Default": "Look",
                },
                "NoReport": {"Type": "Succeed"},
                "Look": {
                    "Type": "Task",
                    "Resource": f"{service}:s3:listObjectsV2",
                    "Arguments": {"Bucket": "{% $bucket %}", "Prefix": "{% $file %}"},
                    "Assign": {"found": "{% $states.result.KeyCount > 0 %}", "violations": []},
                    "Next": "IsThere",
                },
                # A report without violations has no such file.
                "IsThere": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $found %}", "Next": "Read"}],
                    "Default": "Publish",
                },
                "Read": {
                    "Type": "Task",
                    "Resource": f"{service}:s3:getObject",
                    "Arguments": {"Bucket": "{% $bucket %}", "Key": "{% $file %}"},
                    "Assign": {"violations": "{% [$parse($states.result.Body).violations] %}"},
                    "Next": "Publish",
                },
                "Publish": _publish(placement, service),
            },
        },
        sort_keys=True,
    )


def _find_report() -> dict[str, Any]:
    """Where the report is, and whose: `s3://<bucket>/…/monitoring/<model>/reports/<kind>/…`."""
    folder = "$states.input.detail.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"
    path = f"$substringAfter({folder}, 's3://')"
    below = f"$split($substringAfter({folder}, '/{FOLDER}/'), '/')"
    return {
        "Type": "Pass",
        "Assign": {
            "folder": f"{{% {folder} %}}",
            "bucket": f"{{% $substringBefore({path}, '/') %}}",
            "file": f"{{% $replace($substringAfter({path}, '/'), /\\/$/, '') & '/{_FILE}' %}}",
            "model": f"{{% {below}[0] %}}",
            "monitor": f"{{% {below}[2] %}}",
        },
        "Next": "IsReport",
    }


def _publish(placement: AwsPlacement, service: str) -> dict[str, Any]:
    drifted = "$distinct($violations[constraint_check_type = 'baseline_drift_check'].feature_name)"
    dimensions = [
        {"Name": "Blueprint", "Value": placement["blueprint"]},
        {"Name": "Environment", "Value": placement["scope"]},
        {"Name": "Model", "Value": "{% $model %}"},
        {"Name": "Monitor", "Value": "{% $monitor %}"},
    ]
    counts = {VIOLATIONS: "{% $count($violations) %}", DRIFTED_FEATURES: f"{{% $count({drifted}) %}}"}
    return {
        "Type": "Task",
        "Resource": f"{service}:cloudwatch:putMetricData",
        "Arguments": {
            "Namespace": OWN_NAMESPACE,
            "MetricData": [
                {"MetricName": name, "Dimensions": dimensions, "Unit": "Count", "Value": value}
                for name, value in counts.items()
            ],
        },
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 3}],
        "End": True,
    }
