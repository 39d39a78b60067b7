"""A canary with Lambda: CodeDeploy moves an alias step by step, and takes it back when an alarm says so."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.naming import content_hash, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.serving.aws_names import CODE_DEPLOY, LAMBDA_FUNCTION, alarm_name, named
from mlops_components.serving.lambda_args import LambdaServedModel, LambdaServingArgs
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import (
    DEFAULT_CANARY_PERCENT,
    bake_seconds,
    linear_step,
    rollback_of,
    strategy_of,
)
from mlops_components.tags import aws_tags

_CODE = Path(__file__).with_name("templates") / "shift.py"
_RUNTIME = "python3.13"
_SECONDS = 60


def is_shifted(served: LambdaServedModel) -> bool:
    """Whether a model's traffic moves in steps."""
    return strategy_of(served.get("rollout")) is Strategy.CANARY


def application_name(placement: AwsPlacement) -> str:
    """Return the name of CodeDeploy's application."""
    return physical_name((placement["blueprint"], placement["scope"]), CODE_DEPLOY)


def mover_name(placement: AwsPlacement) -> str:
    """Return the name of the function that starts deployments. No model can be called so: they have no `-`."""
    return physical_name((placement["blueprint"], placement["scope"], "to", "shift"), LAMBDA_FUNCTION)


def routing(served: LambdaServedModel) -> dict[str, Any]:
    """How CodeDeploy moves the traffic: its type, percent and minutes."""
    rollout = served.get("rollout")
    steps = list(rollout.get("steps_percent") or []) if rollout else []
    step, minutes = linear_step(steps), max(1, bake_seconds(rollout) // 60)
    if step is not None:
        return {"type": "TimeBasedLinear", "percentage": int(step), "interval": minutes}
    return {
        "type": "TimeBasedCanary",
        "percentage": int(steps[0] if steps else DEFAULT_CANARY_PERCENT),
        "interval": minutes,
    }


class Shift:
    """CodeDeploy's application of an environment, and what starts its deployments."""

    def __init__(self, name: str, args: LambdaServingArgs, child: pulumi.ResourceOptions) -> None:
        """Register what all models share."""
        self._args, self._child, placement = args, child, args["placement"]
        self._application = aws.codedeploy.Application(
            f"{name}-deployments",
            name=application_name(placement),
            compute_platform="Lambda",
            tags=aws_tags(placement, "serving"),
            opts=child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-shift-logs",
            name=f"/aws/lambda/{mover_name(placement)}",
            retention_in_days=args.get("log_days", 90),
            tags=aws_tags(placement, "serving"),
            opts=child,
        )
        self._mover = aws.lambda_.Function(
            f"{name}-shift",
            name=mover_name(placement),
            description="Starts rollouts",
            role=args["shift_role_arn"],
            runtime=_RUNTIME,
            handler="shift.handler",
            code=pulumi.AssetArchive({"shift.py": pulumi.StringAsset(_CODE.read_text(encoding="utf-8"))}),
            timeout=_SECONDS,
            kms_key_arn=args.get("key_arn"),
            environment=aws.lambda_.FunctionEnvironmentArgs(variables={"APPLICATION": self._application.name}),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=logs.name),
            tags=aws_tags(placement, "serving"),
            opts=child,
        )

    def to(
        self,
        name: str,
        model: str,
        served: LambdaServedModel,
        function: aws.lambda_.Function,
        alias: aws.lambda_.Alias,
    ) -> None:
        """Have the alias of a model moved to the newest version of its function."""
        group = self._group(name, model, served)
        event = pulumi.Output.all(function.name, alias.name, function.version, group.deployment_group_name).apply(
            lambda known: json.dumps(
                dict(zip(("function", "alias", "version", "group"), known, strict=True)), sort_keys=True
            )
        )
        aws.lambda_.Invocation(
            f"{name}-shift",
            function_name=self._mover.name,
            input=event,
            triggers={"event": event},
            opts=self._child,
        )

    def _group(self, name: str, model: str, served: LambdaServedModel) -> aws.codedeploy.DeploymentGroup:
        sdk, placement, asked = aws.codedeploy, self._args["placement"], routing(served)
        step = {"percentage": asked["percentage"], "interval": asked["interval"]}
        linear = asked["type"] == "TimeBasedLinear"
        config = sdk.DeploymentConfig(
            f"{name}-deployment-config",
            # It cannot be changed, so its name says what is in it.
            deployment_config_name=f"{named(placement, model, CODE_DEPLOY)[:89]}-{content_hash(asked)}",
            compute_platform="Lambda",
            traffic_routing_config=sdk.DeploymentConfigTrafficRoutingConfigArgs(
                type=asked["type"],
                time_based_linear=sdk.DeploymentConfigTrafficRoutingConfigTimeBasedLinearArgs(**step)
                if linear
                else None,
                time_based_canary=None
                if linear
                else sdk.DeploymentConfigTrafficRoutingConfigTimeBasedCanaryArgs(**step),
            ),
            opts=self._child,
        )
        alarms = self._alarms(name, model, served)
        return sdk.DeploymentGroup(
            f"{name}-deployment-group",
            app_name=self._application.name,
            deployment_group_name=named(placement, model, CODE_DEPLOY),
            deployment_config_name=config.deployment_config_name,
            service_role_arn=self._args["deploy_role_arn"],
            deployment_style=sdk.DeploymentGroupDeploymentStyleArgs(
                deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"
            ),
            auto_rollback_configuration=sdk.DeploymentGroupAutoRollbackConfigurationArgs(
                enabled=True, events=["DEPLOYMENT_FAILURE"] + (["DEPLOYMENT_STOP_ON_ALARM"] if alarms else [])
            ),
            alarm_configuration=sdk.DeploymentGroupAlarmConfigurationArgs(
                enabled=True, alarms=[alarm.name for alarm in alarms]
            )
            if alarms
            else None,
            tags=aws_tags(placement, "serving"),
            opts=self._child,
        )

    def _alarms(self, name: str, model: str, served: LambdaServedModel) -> list[aws.cloudwatch.MetricAlarm]:
        """What takes the alias back: errors of the alias, and the time that it takes."""
        conditions, made = rollback_of(served.get("rollout")), []
        errors, latency = conditions.get("error_rate_percent"), conditions.get("latency_p99_ms")
        if errors is not None:
            # The metric is 1 for a request whose function failed, and 0 for another: its average is the share.
            made.append(self._alarm(name, model, "errors", "Errors", errors / 100, statistic="Average"))
        if latency is not None:
            made.append(self._alarm(name, model, "latency", "Duration", latency, extended_statistic="p99"))
        return made

    def _alarm(self, name: str, model: str, kind: str, metric: str, threshold: float, **statistic: str) -> Any:
        placement = self._args["placement"]
        function = named(placement, model, LAMBDA_FUNCTION)
        return aws.cloudwatch.MetricAlarm(
            f"{name}-rollback-{kind}",
            name=alarm_name(placement, model, kind),
            alarm_description=f"{function}: the rollout is undone",
            namespace="AWS/Lambda",
            metric_name=metric,
            dimensions={"FunctionName": function, "Resource": f"{function}:live"},
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            period=60,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            tags=aws_tags(placement, "serving"),
            opts=self._child,
            **statistic,
        )
