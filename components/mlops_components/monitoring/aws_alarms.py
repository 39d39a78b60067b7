"""Alarms and the dashboard as resources of CloudWatch."""

from collections.abc import Iterator, Sequence
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.monitoring.aws_kinds import CLOUDWATCH
from mlops_components.monitoring.aws_metrics import Alarm, Metric
from mlops_components.naming import physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags


def alarm_name(placement: AwsPlacement, model: str, word: str) -> str:
    """The name of an alarm, known before there is one."""
    return physical_name((placement["blueprint"], placement["scope"], model, word), CLOUDWATCH)


def alarm_resource(
    name: str,
    placement: AwsPlacement,
    model: str,
    alarm: Alarm,
    topic: Optional[pulumi.Input[str]],
    child: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Register an alarm of a model."""
    told = [] if topic is None else [topic]
    return aws.cloudwatch.MetricAlarm(
        name,
        name=alarm_name(placement, model, alarm.word),
        alarm_description=alarm.sentence,
        comparison_operator="LessThanThreshold" if alarm.below else "GreaterThanThreshold",
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.periods,
        treat_missing_data="ignore" if alarm.keeps_state else "notBreaching",
        alarm_actions=told,
        ok_actions=told,
        tags=aws_tags(placement, "monitoring"),
        opts=child,
        **_measured(alarm),
    )


def _measured(alarm: Alarm) -> dict[str, Any]:
    """One metric by itself, or a calculation over several."""
    if alarm.expression is None:
        (metric,) = alarm.metrics.values()
        percentile = metric.statistic.startswith("p")
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": metric.period,
            "extended_statistic" if percentile else "statistic": metric.statistic,
        }
    result = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="result", expression=alarm.expression, label=alarm.word, return_data=True
    )
    queries = [_query(name, metric) for name, metric in alarm.metrics.items()]
    return {"metric_queries": [result, *queries]}


def _query(name: str, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    measured = aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
        namespace=metric.namespace,
        metric_name=metric.name,
        dimensions=dict(metric.dimensions),
        stat=metric.statistic,
        period=metric.period,
    )
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(id=name, metric=measured, return_data=False)


def metric_row(metric: Metric, label: str) -> list[Any]:
    """A metric as a dashboard's widget names it."""
    row: list[Any] = [metric.namespace, metric.name]
    for key, value in metric.dimensions.items():
        row += [key, value]
    return [*row, {"stat": metric.statistic, "period": metric.period, "label": label}]


def in_parts(models: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The models in parts of a dashboard's size, in order."""
    for start in range(0, len(models), size):
        yield models[start : start + size]


def dashboard_name(placement: AwsPlacement, number: int) -> str:
    """Dashboards are numbered, since one takes 500 widgets."""
    return physical_name((placement["blueprint"], placement["scope"], "models", str(number)), CLOUDWATCH)
