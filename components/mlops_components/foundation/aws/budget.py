"""What an environment may cost in a month, and who is told when it does.

Costs are told apart by tags, which an account attributes to costs only once somebody has activated them as cost
allocation tags in the billing console; until then the budget sees nothing.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsBudget
from mlops_components.foundation.aws.topics import Topics
from mlops_components.naming import BUDGET, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags

_ALARMS = (80.0, 100.0)
_FORECAST = 100.0
_MOST_NOTIFICATIONS = 10
"""AWS Budgets API, CreateBudget."""


def create_budget(
    name: str, parent: pulumi.Resource, placement: AwsPlacement, budget: AwsBudget, topics: Topics
) -> None:
    """Register the budget, with its alarms on the topic `budget`."""
    if "budget" not in topics.arns:
        raise ArgsError("there is a budget, but nobody is told of it; add 'budget' to 'topics'.")
    alarms = sorted(set(budget.get("alarm_percents") or _ALARMS))
    forecast = budget.get("forecast_percent", _FORECAST)
    if len(alarms) + (forecast is not None) > _MOST_NOTIFICATIONS:
        raise ArgsError(f"'budget.alarm_percents' has {len(alarms)} shares; AWS takes {_MOST_NOTIFICATIONS} alarms.")
    topic = topics.arns["budget"]
    notifications = [_notification("ACTUAL", percent, topic) for percent in alarms]
    if forecast is not None:
        notifications.append(_notification("FORECASTED", forecast, topic))
    aws.budgets.Budget(
        f"{name}-budget",
        account_id=placement["account_id"],
        name=physical_name((placement["blueprint"], placement["scope"], "budget"), BUDGET),
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=f"{budget['monthly_usd']:.2f}",
        limit_unit="USD",
        filter_expression=_costs_of(placement),
        metrics="UnblendedCost",
        notifications=notifications,
        tags=aws_tags(placement, "foundation"),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _notification(kind: str, percent: float, topic: pulumi.Output[str]) -> Any:
    return aws.budgets.BudgetNotificationArgs(
        comparison_operator="GREATER_THAN",
        notification_type=kind,
        threshold=percent,
        threshold_type="PERCENTAGE",
        subscriber_sns_topic_arns=[topic],
    )


def _costs_of(placement: AwsPlacement) -> Any:
    def tagged(key: str, value: str) -> Any:
        return aws.budgets.BudgetFilterExpressionAndArgs(
            tags=aws.budgets.BudgetFilterExpressionAndTagsArgs(key=key, values=[value], match_options=["EQUALS"])
        )

    return aws.budgets.BudgetFilterExpressionArgs(
        ands=[tagged("blueprint", placement["blueprint"]), tagged("environment", placement["scope"])]
    )
