"""News, budget, audit trail, secrets: who is told, by whom, and what AWS's own models have against the requests."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from aws.shapes import check_shape

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation
from mlops_components.foundation.aws.keys import topics_statements
from mlops_components.grants import policy_document

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
NEWS = ("success", "failure", "alarm", "budget")
EVERYTHING = {kind: {"emails": ["b@example.com", "a@example.com"]} for kind in NEWS}
ACCOUNT = "111122223333"


def planned(plan_aws: Plans, place: Plans, **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {"placement": place(), **args}
        made = AwsFoundation("f", given, options)
        grants = {
            "publish": made.grant_publish("failure"),
            "secrets": made.grant_secrets_read(),
            "key": made.grant_key_use(),
        }
        policies = {name: policy_document(each) for name, each in grants.items() if each}
        return {"topics": made.topic_arns, "trail": made.trail_arn, **policies}

    return plan_aws(build)


def test_nobody_is_told_of_what_nobody_asked_for(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place)
    assert plan.outputs["topics"] == {}
    assert "publish" not in plan.outputs
    assert not [r for r in plan.custom() if ":sns/" in r.type]


def test_each_kind_of_news_has_its_topic_and_its_publishers(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, topics=EVERYTHING)
    assert plan.outputs["topics"] == {kind: plan.token(f"f-topic-{kind}") for kind in EVERYTHING}
    told = [r.inputs["endpoint"] for r in plan.custom() if r.type.endswith(":TopicSubscription")]
    assert sorted(set(told)) == ["a@example.com", "b@example.com"]
    assert len(told) == 8
    alarm = plan.statements("f-topic-alarm-policy")
    assert alarm["PublishCloudwatch"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:eu-central-1:{ACCOUNT}:alarm:*"},
    }
    assert "Condition" not in alarm["PublishEvents"]  # EventBridge could not publish otherwise
    assert alarm["RefusePlainHttp"]["Effect"] == "Deny"
    budget = plan.statements("f-topic-budget-policy")
    assert set(budget) == {"RefusePlainHttp", "PublishBudgets"}
    assert budget["PublishBudgets"]["Resource"] == [plan.token("f-topic-budget")]


def test_services_use_the_key_for_these_topics_and_this_trail_alone(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, topics={"alarm": {"emails": []}})
    statements = plan.statements("f-key")
    news = statements["NewsOfThisScope"]
    topic = f"arn:aws:sns:eu-central-1:{ACCOUNT}:shop-dev-alarm"
    assert plan.resource("f-topic-alarm").inputs["name"] == "shop-dev-alarm"
    assert news["Condition"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": [topic]}}
    assert news["Principal"] == {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}
    trail = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/shop-dev-audit"
    assert plan.resource("f-trail").inputs["name"] == "shop-dev-audit"
    assert statements["TrailOfThisScope"]["Condition"] == {"StringEquals": {"aws:SourceArn": trail}}


PUBLISHING = {
    "alarm": ["cloudwatch", "events"],
    "budget": ["budgets"],
    "failure": ["codestar-notifications", "events"],
    "success": ["codestar-notifications", "events"],
}
"""Kind of news -> the services that publish it, by what this blueprint makes: alarms, rules, budgets, notifications."""


@pytest.mark.parametrize("kind", PUBLISHING)
@pytest.mark.parametrize("foundation", [AwsFoundation, AwsSharedFoundation])
def test_whoever_publishes_news_may_use_the_key_of_its_topic(
    foundation: Any, kind: str, plan_aws: Plans, place: Plans
) -> None:
    scope = "shared" if foundation is AwsSharedFoundation else "dev"
    args: Any = {"placement": place(scope), "topics": {kind: {"emails": []}}}
    plan = plan_aws(lambda options: foundation("f", args, options) and None)
    topic = plan.resource(f"f-topic-{kind}").inputs
    assert topic["kmsMasterKeyId"] == plan.token("f-key")
    allowed = [s for s in plan.document(f"f-topic-{kind}-policy")["Statement"] if s["Effect"] == "Allow"]
    let = [s["Principal"]["Service"] for s in allowed]
    use = plan.statements("f-key")["NewsOfThisScope"]
    assert sorted(let) == use["Principal"]["Service"] == [f"{service}.amazonaws.com" for service in PUBLISHING[kind]]
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    arn = f"arn:aws:sns:eu-central-1:{ACCOUNT}:{topic['name']}"
    assert use["Condition"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": [arn]}}


def test_news_that_no_service_brings_opens_the_key_to_none() -> None:
    """A statement without a principal is refused, and the key with it."""
    assert topics_statements([], [f"arn:aws:sns:eu-central-1:{ACCOUNT}:shop-shared-approval"]) == []


def test_an_adopted_key_does_not_silence_alarms(plan_aws: Plans, place: Plans) -> None:
    """Its policy is not ours: services that may not use it could never publish to a topic that it encrypts."""
    key = {"choice": "adopt", "arn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"}
    plan = planned(plan_aws, place, topics=EVERYTHING, key=key)
    assert "kmsMasterKeyId" not in plan.resource("f-topic-alarm").inputs
    assert "kmsKeyId" not in plan.resource("f-trail").inputs
    assert plan.document("f-topic-alarm-policy")
    (publish,) = json.loads(plan.outputs["publish"])["Statement"]
    assert publish["Action"] == ["sns:Publish"]


def test_who_publishes_may_use_the_key_through_sns(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, topics=EVERYTHING)
    key, publish = json.loads(plan.outputs["publish"])["Statement"]
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": ["sns.eu-central-1.amazonaws.com"]}}
    assert publish["Resource"] == [plan.token("f-topic-failure")]


def test_the_trail_records_models_and_data_and_nothing_else(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place)
    trail = plan.resource("f-trail")
    assert plan.outputs["trail"] == plan.token("f-trail")
    (objects,) = trail.inputs["advancedEventSelectors"]
    fields = {each["field"]: each for each in objects["fieldSelectors"]}
    assert fields["resources.ARN"]["startsWiths"] == [plan.token("f-artifacts") + "/", plan.token("f-data") + "/"]
    assert (trail.inputs["s3BucketName"], trail.inputs["s3KeyPrefix"]) == (f"shop-dev-logs-{ACCOUNT}", "trail")
    assert plan.resource("f-logs-policy").urn in trail.dependencies
    wanted = plan.statements("f-logs-policy")["TrailWrites"]["Resource"]
    assert wanted == [plan.token("f-logs") + f"/trail/AWSLogs/{ACCOUNT}/*"]
    assert check_shape("cloudtrail", "AdvancedEventSelectors", _selectors(trail.inputs)) == []
    with_management = planned(plan_aws, place, trail={"management_events": True}).resource("f-trail").inputs
    assert len(with_management["advancedEventSelectors"]) == 2


def _selectors(inputs: Any) -> list[dict[str, Any]]:
    """As the API takes them."""
    names = {"field": "Field", "equals": "Equals", "startsWiths": "StartsWith"}
    return [
        {
            "Name": each["name"],
            "FieldSelectors": [{names[key]: value for key, value in one.items()} for one in each["fieldSelectors"]],
        }
        for each in inputs["advancedEventSelectors"]
    ]


def test_an_adopted_trail_is_named(plan_aws: Plans, place: Plans) -> None:
    arn = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/all"
    plan = planned(plan_aws, place, trail={"choice": "adopt", "arn": arn})
    assert plan.outputs["trail"] == arn
    assert "f-trail" not in plan.types()
    assert "TrailWrites" not in plan.statements("f-logs-policy")


def test_a_budget_counts_this_environment_and_tells_of_it(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, topics=EVERYTHING, budget={"monthly_usd": 500, "alarm_percents": [50.0]})
    budget = plan.resource("f-budget")
    assert (budget.inputs["limitAmount"], budget.inputs["limitUnit"]) == ("500.00", "USD")
    tags = [each["tags"] for each in budget.inputs["filterExpression"]["ands"]]
    assert {tag["key"]: tag["values"] for tag in tags} == {"blueprint": ["shop"], "environment": ["dev"]}
    told = [(n["notificationType"], n["threshold"]) for n in budget.inputs["notifications"]]
    assert told == [("ACTUAL", 50), ("FORECASTED", 100)]
    assert all(n["subscriberSnsTopicArns"] == [plan.token("f-topic-budget")] for n in budget.inputs["notifications"])
    silent = planned(plan_aws, place, topics=EVERYTHING, budget={"monthly_usd": 5, "forecast_percent": None}).resource(
        "f-budget"
    )
    assert [n["threshold"] for n in silent.inputs["notifications"]] == [80, 100]


def test_secrets_are_read_one_by_one(plan_aws: Plans, place: Plans) -> None:
    own = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:own-AbCdEf"
    plan = planned(plan_aws, place, secrets=["shop/api", own])
    key, read = json.loads(plan.outputs["secrets"])["Statement"]
    assert read["Action"] == ["secretsmanager:GetSecretValue"]
    assert read["Resource"] == sorted([own, f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:shop/api-??????"])
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com"]}}
    with pytest.raises(ArgsError, match="holds a pattern"):
        planned(plan_aws, place, secrets=["shop/*"])


def test_a_service_gets_a_grant_on_the_key_only_for_what_aws_does(plan_aws: Plans, place: Plans) -> None:
    statements = json.loads(planned(plan_aws, place).outputs["key"])["Statement"]
    (grants,) = [each for each in statements if each["Action"] == ["kms:CreateGrant"]]
    assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}


def test_what_is_shared_has_a_bucket_topics_and_providers_where_asked(plan_aws: Plans, place: Plans) -> None:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        args: Any = {
            "placement": place("shared"),
            "artifacts": {"choice": "create"},
            "reader_account_ids": ["444455556666"],
            "topics": {"failure": {"emails": ["a@example.com"]}},
            "oidc": {
                "github": {"url": "https://token.actions.githubusercontent.com"},
                "gitlab": {"choice": "adopt", "arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com"},
            },
        }
        made = AwsSharedFoundation("s", args, options)
        return {
            **{output: getattr(made, output) for output in AwsSharedFoundation.__annotations__},
            "write": policy_document(made.grant_shared_artifacts_write()),
        }

    plan = plan_aws(build)
    assert plan.outputs["artifact_bucket_name"] == f"shop-shared-artifacts-{ACCOUNT}"
    assert plan.outputs["oidc_provider_arns"] == {
        "github": plan.token("s-oidc-github"),
        "gitlab": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com",
    }
    assert plan.resource("s-oidc-github").inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert plan.resource("s-artifacts-logging").inputs["targetBucket"] == f"shop-shared-logs-{ACCOUNT}"
    assert plan.statements("s-artifacts-policy")["Readers"]["Action"] == ["s3:GetObject"]
    assert plan.statements("s-key")["ReadersThroughS3"]["Action"] == ["kms:Decrypt", "kms:DescribeKey"]
    assert plan.token("s-artifacts") in plan.outputs["write"]
    assert plan.outputs["topic_arns"] == {"failure": plan.token("s-topic-failure")}


def test_the_budget_has_the_form_that_aws_takes(plan_aws: Plans, place: Plans) -> None:
    inputs = planned(plan_aws, place, topics=EVERYTHING, budget={"monthly_usd": 500}).resource("f-budget").inputs
    names = {"key": "Key", "values": "Values", "matchOptions": "MatchOptions"}
    tags = [
        {"Tags": {names[key]: value for key, value in each["tags"].items()}}
        for each in inputs["filterExpression"]["ands"]
    ]
    budget = {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
        "FilterExpression": {"And": tags},
        "Metrics": [inputs["metrics"]],
    }
    assert check_shape("budgets", "Budget", budget) == []
    for told in inputs["notifications"]:
        notification = {
            "NotificationType": told["notificationType"],
            "ComparisonOperator": told["comparisonOperator"],
            "Threshold": told["threshold"],
            "ThresholdType": told["thresholdType"],
        }
        assert check_shape("budgets", "Notification", notification) == []
