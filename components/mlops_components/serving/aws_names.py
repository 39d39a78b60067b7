"""Physical names of what serving makes on AWS, and of the alarms that belong to it.

Each name has the same number of parts in its namespace, so that no two models, and no two stages, can share one.
"""

from mlops_components.naming import SAGEMAKER, NameRule, physical_name
from mlops_components.placement import AwsPlacement, aws_partition

# Amazon CloudWatch API PutMetricAlarm: 1 to 255 characters.
CLOUDWATCH_ALARM = NameRule(limit=255, extra="_")
# AWS Lambda API CreateFunction: 64 letters, digits, hyphens and underscores.
LAMBDA_FUNCTION = NameRule(limit=64, extra="_")
# Amazon ECS API CreateCluster, CreateService, RegisterTaskDefinition: 255 letters, digits, hyphens and underscores.
ECS = NameRule(limit=255, extra="_")
# Elastic Load Balancing API: 32 letters, digits and hyphens; `internal-` is reserved.
LOAD_BALANCER = NameRule(limit=32, reserved_prefixes=("internal-",))
# EventBridge Scheduler API CreateSchedule: 64 letters, digits and `-_.`.
SCHEDULE = NameRule(limit=64, extra="_")
# Amazon EventBridge API PutRule: 64 letters, digits and `.-_`.
EVENT_RULE = NameRule(limit=64, extra="_")
# AWS CodeDeploy API CreateApplication and CreateDeploymentGroup: 100 characters.
CODE_DEPLOY = NameRule(limit=100, extra="_")
# SageMaker API CreateTransformJob: 63 characters, of which Scheduler's execution identifier takes up to 36.
_TRANSFORM_JOB = NameRule(limit=26)


def endpoint_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's endpoint; models and configurations of SageMaker begin with it too."""
    return physical_name((placement["blueprint"], placement["scope"], model), SAGEMAKER)


def transform_job_prefix(placement: AwsPlacement, model: str) -> str:
    """Return what the names of a model's batch jobs begin with."""
    return physical_name((placement["blueprint"], placement["scope"], model), _TRANSFORM_JOB)


def alarm_name(placement: AwsPlacement, model: str, kind: str) -> str:
    """Return the name of an alarm by which a rollout is undone."""
    return physical_name((placement["blueprint"], placement["scope"], model, f"rollback_{kind}"), CLOUDWATCH_ALARM)


def scaling_alarm_name(placement: AwsPlacement, model: str, variant: str) -> str:
    """Return the name of the alarm that brings an endpoint's first copy."""
    return physical_name((placement["blueprint"], placement["scope"], model, f"waiting_{variant}"), CLOUDWATCH_ALARM)


def named(placement: AwsPlacement, model: str, rule: NameRule) -> str:
    """Return the name of a model's resource of another service."""
    return physical_name((placement["blueprint"], placement["scope"], model), rule)


def arn(placement: AwsPlacement, service: str, resource: str) -> str:
    """Return the ARN of something in the scope's account and region."""
    partition = aws_partition(placement["region"])
    return f"arn:{partition}:{service}:{placement['region']}:{placement['account_id']}:{resource}"
