"""One service of ECS: its task, its place behind the load balancer, its rollout, and how it grows."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.naming import physical_name
from mlops_components.serving.aws_names import ECS, LOAD_BALANCER, alarm_name, named
from mlops_components.serving.ecs_args import EcsServedModel, EcsServingArgs
from mlops_components.serving.sagemaker import SETTINGS_FOLDER, SETTINGS_VARIABLE, settings_object
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import (
    DEFAULT_CANARY_PERCENT,
    bake_seconds,
    linear_step,
    rollback_of,
    strategy_of,
)
from mlops_components.tags import aws_tags

PORT, CONTAINER = 8080, "server"
_START_SECONDS = 120


class Service:
    """Everything of one model."""

    def __init__(
        self, name: str, model: str, served: EcsServedModel, args: EcsServingArgs, child: pulumi.ResourceOptions
    ) -> None:
        """Nothing is registered before `made` is called."""
        self._name, self._model, self._served, self._args, self._child = name, model, served, args, child
        self._placement = args["placement"]
        self._physical = named(self._placement, model, ECS)
        self._tags = aws_tags(self._placement, "serving")
        self._shifted = strategy_of(served.get("rollout")) is not Strategy.ALL_AT_ONCE

    def made(
        self, cluster: aws.ecs.Cluster, balancer: aws.lb.LoadBalancer, listener: aws.lb.Listener, priority: int
    ) -> pulumi.Output[str]:
        """Register it; `priority` is its place among the listener's rules. Returns its name."""
        groups = [self._target_group(which) for which in (("blue", "green") if self._shifted else ("blue",))]
        rule = self._rule(listener, groups, priority)
        service = self._service(cluster, groups, rule, self._alarms(balancer, groups))
        self._scale(cluster, service, balancer, groups[0])
        return pulumi.Output.from_input(service.name)

    def _target_group(self, which: str) -> aws.lb.TargetGroup:
        parts = (self._placement["blueprint"], self._placement["scope"], self._model, which)
        return aws.lb.TargetGroup(
            f"{self._name}-{which}",
            name=physical_name(parts, LOAD_BALANCER),
            port=PORT,
            protocol="HTTP",
            target_type="ip",
            vpc_id=self._args["vpc_id"],
            deregistration_delay=30,
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                path="/ping", protocol="HTTP", matcher="200", interval=15, timeout=5, healthy_threshold=2
            ),
            tags=self._tags,
            opts=self._child,
        )

    def _rule(self, listener: aws.lb.Listener, groups: list[aws.lb.TargetGroup], priority: int) -> aws.lb.ListenerRule:
        sdk = aws.lb
        weights = [100, 0][: len(groups)]
        return sdk.ListenerRule(
            f"{self._name}-rule",
            listener_arn=listener.arn,
            priority=priority,
            conditions=[
                sdk.ListenerRuleConditionArgs(
                    path_pattern=sdk.ListenerRuleConditionPathPatternArgs(values=[f"/{self._model}/*"])
                )
            ],
            transforms=[
                sdk.ListenerRuleTransformArgs(
                    type="url-rewrite",
                    url_rewrite_config=sdk.ListenerRuleTransformUrlRewriteConfigArgs(
                        rewrite=sdk.ListenerRuleTransformUrlRewriteConfigRewriteArgs(
                            regex=f"^/{self._model}/(.*)$", replace="/$1"
                        )
                    ),
                )
            ],
            actions=[
                sdk.ListenerRuleActionArgs(
                    type="forward",
                    forward=sdk.ListenerRuleActionForwardArgs(
                        target_groups=[
                            sdk.ListenerRuleActionForwardTargetGroupArgs(arn=group.arn, weight=weight)
                            for group, weight in zip(groups, weights, strict=True)
                        ]
                    ),
                )
            ],
            tags=self._tags,
            # ECS moves the weights; to put them back here would undo a rollout.
            opts=pulumi.ResourceOptions(
                parent=self._child.parent, ignore_changes=["actions"] if self._shifted else None
            ),
        )

    def _task(self) -> aws.ecs.TaskDefinition:
        args, served = self._args, self._served
        logs = aws.cloudwatch.LogGroup(
            f"{self._name}-logs",
            name=f"/ecs/{self._physical}",
            retention_in_days=args.get("log_days", 90),
            tags=self._tags,
            opts=self._child,
        )
        settings = settings_object(
            f"{self._name}-settings",
            f"{SETTINGS_FOLDER}/{self._model}",
            served["released"],
            args["settings_bucket"],
            self._child,
        )
        region = self._placement["region"]
        containers = pulumi.Output.all(image=args["image"], settings=settings, logs=logs.name).apply(
            lambda known: json.dumps([container(region=region, **known)], sort_keys=True)
        )
        return aws.ecs.TaskDefinition(
            f"{self._name}-task",
            family=self._physical,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(round(served["cpu"] * 1024)),
            memory=str(round(served["memory_gb"] * 1024)),
            task_role_arn=args["task_role_arn"],
            execution_role_arn=args["execution_role_arn"],
            container_definitions=containers,
            tags=self._tags,
            opts=self._child,
        )

    def _service(
        self,
        cluster: aws.ecs.Cluster,
        groups: list[aws.lb.TargetGroup],
        rule: aws.lb.ListenerRule,
        alarms: list[aws.cloudwatch.MetricAlarm],
    ) -> aws.ecs.Service:
        sdk, args, scaling = aws.ecs, self._args, self._served.get("scaling")
        shift = sdk.ServiceLoadBalancerAdvancedConfigurationArgs(
            alternate_target_group_arn=groups[-1].arn,
            production_listener_rule=rule.arn,
            role_arn=args["balancer_role_arn"],
        )
        capacity = "FARGATE_SPOT" if self._served.get("spot") else "FARGATE"
        return sdk.Service(
            f"{self._name}-service",
            name=self._physical,
            cluster=cluster.arn,
            task_definition=self._task().arn,
            desired_count=scaling["minimum"] if scaling else 1,
            capacity_provider_strategies=[
                sdk.ServiceCapacityProviderStrategyArgs(capacity_provider=capacity, weight=1)
            ],
            network_configuration=sdk.ServiceNetworkConfigurationArgs(
                subnets=args["subnet_ids"], security_groups=[args["security_group_id"]], assign_public_ip=False
            ),
            load_balancers=[
                sdk.ServiceLoadBalancerArgs(
                    target_group_arn=groups[0].arn,
                    container_name=CONTAINER,
                    container_port=PORT,
                    advanced_configuration=shift if self._shifted else None,
                )
            ],
            health_check_grace_period_seconds=_START_SECONDS,
            deployment_configuration=_deployment(self._served),
            # Copies that do not start are an end of a rollout, whichever it is.
            deployment_circuit_breaker=sdk.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=sdk.ServiceAlarmsArgs(enable=True, rollback=True, alarm_names=[alarm.name for alarm in alarms])
            if alarms
            else None,
            propagate_tags="SERVICE",
            enable_ecs_managed_tags=True,
            tags=self._tags,
            opts=pulumi.ResourceOptions(
                parent=self._child.parent, depends_on=[rule], ignore_changes=["desiredCount"] if scaling else None
            ),
        )

    def _alarms(
        self, balancer: aws.lb.LoadBalancer, groups: list[aws.lb.TargetGroup]
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """What takes traffic back: server errors per hundred requests of a set of copies, and their time to answer."""
        conditions, made = rollback_of(self._served.get("rollout")), []
        errors, latency = conditions.get("error_rate_percent"), conditions.get("latency_p99_ms")
        for which, group in zip(("blue", "green"), groups, strict=False):
            dimensions = {"LoadBalancer": balancer.arn_suffix, "TargetGroup": group.arn_suffix}
            if errors is not None:
                made.append(self._alarm(f"{which}_errors", errors, metric_queries=_error_rate(dimensions)))
            if latency is not None:
                metric = {"namespace": "AWS/ApplicationELB", "metric_name": "TargetResponseTime", "period": 60}
                # Seconds.
                threshold = latency / 1000
                made.append(
                    self._alarm(
                        f"{which}_latency", threshold, dimensions=dimensions, extended_statistic="p99", **metric
                    )
                )
        return made

    def _alarm(self, kind: str, threshold: float, **metric: Any) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-rollback-{kind.replace('_', '-')}",
            name=alarm_name(self._placement, self._model, kind),
            alarm_description=f"{self._physical}: the rollout is undone",
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            tags=self._tags,
            opts=self._child,
            **metric,
        )

    def _scale(
        self,
        cluster: aws.ecs.Cluster,
        service: aws.ecs.Service,
        balancer: aws.lb.LoadBalancer,
        group: aws.lb.TargetGroup,
    ) -> None:
        """Let the service grow by its requests, or else by its processors' load."""
        scaling, sdk = self._served.get("scaling"), aws.appautoscaling
        if not scaling or scaling["maximum"] <= scaling["minimum"]:
            return
        target = sdk.Target(
            f"{self._name}-scaling",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.format("service/{0}/{1}", cluster.name, service.name),
            min_capacity=scaling["minimum"],
            max_capacity=scaling["maximum"],
            tags=self._tags,
            opts=self._child,
        )
        requests = scaling.get("requests_per_minute")
        metric = sdk.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs
        sdk.Policy(
            f"{self._name}-scaling-load",
            name="load",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=sdk.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=requests or float(self._args.get("scale_at_cpu_percent", 60)),
                predefined_metric_specification=metric(
                    predefined_metric_type="ALBRequestCountPerTarget",
                    resource_label=pulumi.Output.format("{0}/{1}", balancer.arn_suffix, group.arn_suffix),
                )
                if requests
                else metric(predefined_metric_type="ECSServiceAverageCPUUtilization"),
            ),
            opts=self._child,
        )


def container(*, image: str, settings: str, logs: str, region: str) -> dict[str, Any]:
    """The container of a task. The image's own entry point is the runtime, so `serve` is all there is to say."""
    return {
        "name": CONTAINER,
        "image": image,
        "command": ["serve"],
        "essential": True,
        "environment": [{"name": SETTINGS_VARIABLE, "value": settings}],
        "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
        "linuxParameters": {"initProcessEnabled": True},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": logs, "awslogs-region": region, "awslogs-stream-prefix": CONTAINER},
        },
    }


def _deployment(served: EcsServedModel) -> aws.ecs.ServiceDeploymentConfigurationArgs:
    """The rollout as ECS carries it out."""
    sdk, rollout = aws.ecs, served.get("rollout")
    strategy, minutes = strategy_of(rollout), str(bake_seconds(rollout) // 60)
    if strategy is Strategy.ALL_AT_ONCE:
        return sdk.ServiceDeploymentConfigurationArgs(strategy="ROLLING")
    if strategy is Strategy.BLUE_GREEN:
        return sdk.ServiceDeploymentConfigurationArgs(strategy="BLUE_GREEN", bake_time_in_minutes=minutes)
    steps = list(rollout.get("steps_percent") or []) if rollout else []
    step = linear_step(steps)
    if step is not None:
        return sdk.ServiceDeploymentConfigurationArgs(
            strategy="LINEAR",
            linear_configuration=sdk.ServiceDeploymentConfigurationLinearConfigurationArgs(
                step_percent=step, step_bake_time_in_minutes=minutes
            ),
        )
    return sdk.ServiceDeploymentConfigurationArgs(
        strategy="CANARY",
        canary_configuration=sdk.ServiceDeploymentConfigurationCanaryConfigurationArgs(
            canary_percent=steps[0] if steps else DEFAULT_CANARY_PERCENT, canary_bake_time_in_minutes=minutes
        ),
    )


def _error_rate(dimensions: dict[str, Any]) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    """Server errors per hundred requests."""
    query, metric = aws.cloudwatch.MetricAlarmMetricQueryArgs, aws.cloudwatch.MetricAlarmMetricQueryMetricArgs
    common: dict[str, Any] = {"namespace": "AWS/ApplicationELB", "period": 60, "stat": "Sum", "dimensions": dimensions}
    return [
        query(id="rate", expression="100 * errors / requests", label="percent of errors", return_data=True),
        query(id="errors", metric=metric(metric_name="HTTPCode_Target_5XX_Count", **common)),
        query(id="requests", metric=metric(metric_name="RequestCount", **common)),
    ]
