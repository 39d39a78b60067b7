"""What every stage of one environment stands on: a key, buckets, a network, topics for news, a budget and a trail.

It grants nothing by itself. Whoever needs access asks for a grant (`grant_…`) and puts it into an identity, so that
permissions exist only where they are used. It refuses to do without a bucket for artifacts.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.foundation.aws.buckets import BucketContext
from mlops_components.foundation.aws.budget import create_budget
from mlops_components.foundation.aws.choice import (
    AwsBucketChoice,
    AwsBudget,
    AwsKeyChoice,
    AwsNetworkChoice,
    AwsTopic,
    AwsTrailChoice,
    Choice,
)
from mlops_components.foundation.aws.keys import ScopeKey, scope_key, topics_statements
from mlops_components.foundation.aws.network import network
from mlops_components.foundation.aws.places import Places, bucket_outputs
from mlops_components.foundation.aws.secrets import grant_secrets_read
from mlops_components.foundation.aws.shared import AwsSharedFoundation, AwsSharedFoundationArgs
from mlops_components.foundation.aws.topics import create_topics, publishers_of, topic_arns
from mlops_components.foundation.aws.trail import audit_trail, key_statement, wanted_trail
from mlops_components.grants import AwsGrant
from mlops_components.lifecycle import Lifecycle
from mlops_components.placement import AwsPlacement

__all__ = ["AwsFoundation", "AwsFoundationArgs", "AwsSharedFoundation", "AwsSharedFoundationArgs"]


class AwsFoundationArgs(TypedDict):
    """What the foundation of an environment consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    key: NotRequired[AwsKeyChoice]
    """The key that encrypts the buckets; default: created."""
    artifacts: NotRequired[AwsBucketChoice]
    """Bucket of pipelines, models and run folders; default: created. It cannot be skipped."""
    data: NotRequired[AwsBucketChoice]
    """Bucket of data sets; default: created."""
    capture: NotRequired[AwsBucketChoice]
    """Bucket of captured requests and predictions; default: created."""
    logs: NotRequired[AwsBucketChoice]
    """Bucket of access logs; default: created. With `skip`, accesses are not logged."""
    old_versions_days: NotRequired[int]
    """Overwritten and deleted objects can be restored for so many days; default 90."""
    reader_account_ids: NotRequired[list[str]]
    """Other accounts that may read artifacts, to deploy models trained here. Default: none."""
    key_services: NotRequired[list[str]]
    """Service principals that may use the key for this account, e.g. `sns.amazonaws.com`. Default: none."""
    network: NotRequired[AwsNetworkChoice]
    """The network in which jobs, endpoints and notebooks run; default: networks that AWS manages."""
    topics: NotRequired[dict[str, AwsTopic]]
    """Kind of news (`success`, `failure`, `alarm`, `budget`) -> who is told. Default: nobody is told of anything."""
    budget: NotRequired[AwsBudget]
    """What the environment may cost; default: no limit is watched. Somebody must be told: it needs a topic `budget`."""
    trail: NotRequired[AwsTrailChoice]
    """Audit trail of accesses to models and data, kept in the log bucket; default: created."""
    secrets: NotRequired[list[str]]
    """Names or ARNs of the secrets in Secrets Manager that steps read. Default: none."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the key and the buckets when the stack is destroyed; default `retain`."""


class AwsFoundation(pulumi.ComponentResource):
    """The key and the buckets of one environment on AWS."""

    stage = "foundation"
    platform = "aws"

    artifact_root: pulumi.Output[str]
    """Where pipelines, models and run folders go; an `s3://` URI without a final slash, as all roots are."""
    data_root: pulumi.Output[str]
    """Where data sets go."""
    capture_root: pulumi.Output[str]
    """Where captured requests and predictions go."""
    key_arn: pulumi.Output[str]
    """The key that encrypts the buckets; empty where there is none."""
    artifact_bucket_name: pulumi.Output[str]
    """The bucket of `artifact_root`."""
    artifact_bucket_arn: pulumi.Output[str]
    """ARN of that bucket."""
    data_bucket_name: pulumi.Output[str]
    """The bucket of `data_root`."""
    data_bucket_arn: pulumi.Output[str]
    """ARN of that bucket."""
    capture_bucket_name: pulumi.Output[str]
    """The bucket of `capture_root`."""
    capture_bucket_arn: pulumi.Output[str]
    """ARN of that bucket."""
    log_bucket_name: pulumi.Output[str]
    """The bucket of access logs; empty where there is none."""
    vpc_id: pulumi.Output[str]
    """The network's VPC; empty where there is none."""
    subnet_ids: pulumi.Output[list[str]]
    """Private subnets for what runs in the network, known once their endpoints are there; none without a network."""
    security_group_id: pulumi.Output[str]
    """Security group of what runs in the network; empty where there is none."""
    topic_arns: pulumi.Output[dict[str, str]]
    """Kind of news -> topic, for the kinds of which somebody is told."""
    trail_arn: pulumi.Output[str]
    """The audit trail; empty where there is none."""

    def __init__(self, name: str, args: AwsFoundationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsFoundationArgs, "AwsFoundation")
        super().__init__("mlops-stacks:index:AwsFoundation", name, {**args}, opts)
        placement = args["placement"]
        self._placement, self._secrets = placement, args.get("secrets") or []
        self._key = self._make_key(name, args)
        places = self._make_places(name, args)
        self.artifact_root, self.data_root, self.capture_root = (
            place.root for place in (self._artifacts, self._data, self._capture)
        )
        self.key_arn = pulumi.Output.from_input(self._key.arn if self._key.arn is not None else "")
        self.artifact_bucket_name, self.artifact_bucket_arn = bucket_outputs(self._artifacts)
        self.data_bucket_name, self.data_bucket_arn = bucket_outputs(self._data)
        self.capture_bucket_name, self.capture_bucket_arn = bucket_outputs(self._capture)
        self.log_bucket_name = pulumi.Output.from_input(places.log.place.bucket if places.log else "")
        self._network = network(name, self, placement, args.get("network") or {}, places.log_arn)
        self.vpc_id = pulumi.Output.from_input(self._network.vpc_id if self._network else "")
        self.subnet_ids = self._network.ready_subnet_ids if self._network else pulumi.Output.from_input([])
        self.security_group_id = pulumi.Output.from_input(self._network.security_group_id if self._network else "")
        self._topics = create_topics(name, self, placement, self._key, args.get("topics") or {})
        self.topic_arns = self._topics.outputs
        if "budget" in args:
            create_budget(name, self, placement, args["budget"], self._topics)
        objects = dict.fromkeys(place.arn for place in (self._artifacts, self._data))
        self.trail_arn = audit_trail(
            name, self, placement, args.get("trail") or {}, self._key, places.trail_logs, list(objects)
        )
        self.register_outputs({output: getattr(self, output) for output in AwsFoundation.__annotations__})

    def grant_artifacts_read(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read artifacts, or one folder of them."""
        return self._artifacts.inside(folder).grant_read()

    def grant_artifacts_write(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read, write and delete artifacts, or one folder of them."""
        return self._artifacts.inside(folder).grant_write()

    def grant_data_read(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read data sets, or one folder of them."""
        return self._data.inside(folder).grant_read()

    def grant_data_write(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read, write and delete data sets, or one folder of them."""
        return self._data.inside(folder).grant_write()

    def grant_capture_read(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read captured requests, or one folder of them."""
        return self._capture.inside(folder).grant_read()

    def grant_capture_write(self, folder: str = "") -> list[AwsGrant]:
        """Permission to read, write and delete captured requests, or one folder of them."""
        return self._capture.inside(folder).grant_write()

    def grant_key_use(self) -> list[AwsGrant]:
        """Permission to encrypt volumes and results with the key; none where there is no key."""
        return self._key.grant_use()

    def grant_publish(self, kind: str) -> list[AwsGrant]:
        """Permission to publish one kind of news; none where nobody is told of it."""
        return self._topics.grant_publish(kind)

    def grant_secrets_read(self) -> list[AwsGrant]:
        """Permission to read the secrets of the steps; none where there are none."""
        return grant_secrets_read(self._secrets, self._placement, self._key)

    def grant_network_interfaces(self) -> list[AwsGrant]:
        """Permission to run in the network; none where there is none."""
        return self._network.grant_network_interfaces() if self._network else []

    def grant_network_addresses(self) -> list[AwsGrant]:
        """Permission to give interfaces in the network further addresses; none where there is none."""
        return self._network.grant_network_addresses() if self._network else []

    def _make_key(self, name: str, args: AwsFoundationArgs) -> ScopeKey:
        placement, kinds = args["placement"], sorted(args.get("topics") or {})
        statements = topics_statements(publishers_of(kinds), topic_arns(placement, kinds))
        if wanted_trail(args.get("trail") or {}) is Choice.CREATE:
            statements.append(key_statement(placement))
        return scope_key(
            name,
            self,
            placement,
            args.get("key") or {},
            Lifecycle(args.get("lifecycle", Lifecycle.RETAIN)),
            services=args.get("key_services") or [],
            reader_account_ids=args.get("reader_account_ids") or [],
            statements=statements,
        )

    def _make_places(self, name: str, args: AwsFoundationArgs) -> Places:
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        choices: dict[str, AwsBucketChoice] = {
            "artifacts": args.get("artifacts") or {},
            "data": args.get("data") or {},
            "capture": args.get("capture") or {},
            "logs": args.get("logs") or {},
        }
        places = Places(
            BucketContext(name, self, args["placement"], self._key, lifecycle),
            choices,
            args.get("old_versions_days", 90),
            has_trail=wanted_trail(args.get("trail") or {}) is Choice.CREATE,
            has_network=Choice((args.get("network") or {}).get("choice", Choice.SKIP)) is Choice.CREATE,
        )
        self._artifacts = places.place("artifacts", readers=args.get("reader_account_ids") or [])
        self._data = places.place("data", self._artifacts)
        self._capture = places.place("capture", self._artifacts)
        return places
