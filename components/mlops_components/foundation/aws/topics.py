"""Where news is published, and who is told: a topic for each kind of news that somebody wants to hear.

Nobody hears of what nobody asked for: a kind without an address gets no topic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsTopic
from mlops_components.foundation.aws.keys import ScopeKey
from mlops_components.grants import AwsGrant, aws_grant, document, statement
from mlops_components.naming import SNS_TOPIC, content_hash, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags

EVENTS = "events.amazonaws.com"
CLOUDWATCH = "cloudwatch.amazonaws.com"
BUDGETS = "budgets.amazonaws.com"
PIPELINES = "codestar-notifications.amazonaws.com"
PUBLISHERS: Mapping[str, tuple[str, ...]] = {
    "success": (EVENTS, PIPELINES),
    "failure": (EVENTS, PIPELINES),
    "alarm": (CLOUDWATCH, EVENTS),
    "budget": (BUDGETS,),
    "approval": (),
}
"""Kind of news -> the services that bring it. CodePipeline asks for approvals as its own role, which is let publish."""


@dataclass(frozen=True)
class Topics:
    """The topics of a scope, by kind of news."""

    key: ScopeKey
    arns: dict[str, pulumi.Output[str]] = field(default_factory=dict)

    @property
    def outputs(self) -> pulumi.Output[dict[str, str]]:
        """Kind of news -> ARN."""
        return pulumi.Output.all(**self.arns).apply(dict)

    def grant_publish(self, kind: str) -> list[AwsGrant]:
        """Permission to publish one kind of news; none where nobody wants to hear of it."""
        if kind not in self.arns:
            return []
        grants = [aws_grant(["sns:Publish"], [self.arns[kind]])]
        return (
            [*grants, *self.key.grant_through("sns", ["kms:Decrypt", "kms:GenerateDataKey"])]
            if self.key.own
            else grants
        )


def create_topics(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    key: ScopeKey,
    wanted: Mapping[str, AwsTopic],
) -> Topics:
    """Register the topics, encrypted where the key is our own, since only then may the services be let use it."""
    topics = Topics(key)
    for kind in sorted(wanted):
        if kind not in PUBLISHERS:
            raise ArgsError(f"'topics' names '{kind}'; write some of {', '.join(sorted(PUBLISHERS))}.")
        topic = aws.sns.Topic(
            f"{name}-topic-{kind}",
            name=topic_name(placement, kind),
            kms_master_key_id=key.arn if key.own else None,
            tags=aws_tags(placement, "foundation"),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-topic-{kind}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn, kind=kind: topic_policy(arn, placement, PUBLISHERS[kind])),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        _subscribe(f"{name}-topic-{kind}", parent, topic, wanted[kind]["emails"])
        topics.arns[kind] = pulumi.Output.all(topic.arn, policy.id).apply(lambda both: str(both[0]))
    return topics


def topic_name(placement: AwsPlacement, kind: str) -> str:
    """Return the name of a topic."""
    return physical_name((placement["blueprint"], placement["scope"], kind), SNS_TOPIC)


def topic_arns(placement: AwsPlacement, kinds: Sequence[str]) -> list[str]:
    """Return the ARNs that topics will have, for the policy of the key, which comes before them."""
    region, account = placement["region"], placement["account_id"]
    sns = f"arn:{aws_partition(region)}:sns:{region}:{account}"
    return [f"{sns}:{topic_name(placement, kind)}" for kind in sorted(kinds)]


def publishers_of(kinds: Sequence[str]) -> list[str]:
    """Return the services that publish these kinds of news, each once."""
    return sorted({service for kind in kinds for service in PUBLISHERS.get(kind, ())})


def topic_policy(arn: str, placement: AwsPlacement, publishers: Sequence[str]) -> str:
    """Return who may publish: the services that bring this kind of news, for this account, over TLS."""
    refused = statement(
        "Deny",
        ["sns:Publish"],
        [arn],
        sid="RefusePlainHttp",
        principals={"AWS": "*"},
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
    return document([refused, *(_publisher(arn, placement, service) for service in publishers)])


def _publisher(arn: str, placement: AwsPlacement, service: str) -> dict[str, Any]:
    region, account = placement["region"], placement["account_id"]
    partition = aws_partition(region)
    sources = {
        CLOUDWATCH: f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*",
        BUDGETS: f"arn:{partition}:budgets::{account}:*",
        PIPELINES: f"arn:{partition}:codestar-notifications:{region}:{account}:notificationrule/*",
    }
    conditions: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account}}
    if service in sources:
        conditions["ArnLike"] = {"aws:SourceArn": sources[service]}
    # EventBridge cannot publish to a topic whose policy has a condition for it (EventBridge User Guide, "Using
    # resource-based policies", "Amazon SNS permissions").
    return statement(
        "Allow",
        ["sns:Publish"],
        [arn],
        sid=f"Publish{service.split('.')[0].title().replace('-', '')}",
        principals={"Service": service},
        conditions=None if service == EVENTS else conditions,
    )


def _subscribe(name: str, parent: pulumi.Resource, topic: aws.sns.Topic, emails: Sequence[str]) -> None:
    for email in sorted(set(emails)):
        # An address is told apart by a hash, since a logical name is shown in places where an address should not be.
        aws.sns.TopicSubscription(
            f"{name}-to-{content_hash(email)}",
            topic=topic.arn,
            protocol="email",
            endpoint=email,
            opts=pulumi.ResourceOptions(parent=parent),
        )
