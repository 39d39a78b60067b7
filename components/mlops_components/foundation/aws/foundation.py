"""What every stage of one environment stands on: a key, and buckets for artifacts, data, captures and logs.

It grants nothing by itself. Whoever needs access asks for a grant (`grant_…`) and puts it into an identity, so that
permissions exist only where they are used. It refuses to do without a bucket for artifacts.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.foundation.aws.buckets import (
    BucketContext,
    BucketSpec,
    CreatedBucket,
    Place,
    adopted_bucket,
    bucket_name,
    create_bucket,
    wanted,
)
from mlops_components.foundation.aws.choice import AwsBucketChoice, AwsKeyChoice, Choice
from mlops_components.foundation.aws.keys import scope_key
from mlops_components.foundation.aws.shared import AwsSharedFoundation, AwsSharedFoundationArgs
from mlops_components.grants import AwsGrant
from mlops_components.lifecycle import Lifecycle
from mlops_components.placement import AwsPlacement

__all__ = ["AwsFoundation", "AwsFoundationArgs", "AwsSharedFoundation", "AwsSharedFoundationArgs"]

_EXPIRE_DAYS = {"capture": 90, "logs": 365}


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

    def __init__(self, name: str, args: AwsFoundationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsFoundationArgs, "AwsFoundation")
        super().__init__("mlops-stacks:index:AwsFoundation", name, {**args}, opts)
        placement = args["placement"]
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        key = scope_key(
            name,
            self,
            placement,
            args.get("key") or {},
            lifecycle,
            services=args.get("key_services") or [],
            reader_account_ids=args.get("reader_account_ids") or [],
        )
        places = _Places(BucketContext(name, self, placement, key, lifecycle), args)
        self._artifacts, self._data, self._capture = places.artifacts, places.data, places.capture
        self.artifact_root, self.data_root, self.capture_root = (
            place.root for place in (self._artifacts, self._data, self._capture)
        )
        self.key_arn = pulumi.Output.from_input(key.arn if key.arn is not None else "")
        self.artifact_bucket_name, self.artifact_bucket_arn = _bucket_outputs(self._artifacts)
        self.data_bucket_name, self.data_bucket_arn = _bucket_outputs(self._data)
        self.capture_bucket_name, self.capture_bucket_arn = _bucket_outputs(self._capture)
        self.log_bucket_name = pulumi.Output.from_input(places.log.place.bucket if places.log else "")
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


class _Places:
    """The buckets of an environment: the log bucket first, since the others deliver their access logs to it."""

    def __init__(self, context: BucketContext, args: AwsFoundationArgs) -> None:
        self._context, self._args = context, args
        self._choices: dict[str, AwsBucketChoice] = {
            "artifacts": args.get("artifacts") or {},
            "data": args.get("data") or {},
            "capture": args.get("capture") or {},
            "logs": args.get("logs") or {},
        }
        if wanted(self._choices["artifacts"]) is Choice.SKIP:
            raise ArgsError("AwsFoundation: 'artifacts' cannot be skipped, since every stage keeps its results there.")
        self.log = self._log_bucket()
        self.artifacts = self._place("artifacts", args.get("reader_account_ids") or [])
        self.data = self._place("data")
        self.capture = self._place("capture")

    def _log_bucket(self) -> Optional[CreatedBucket]:
        choice = self._choices["logs"]
        if wanted(choice) is Choice.SKIP:
            return None
        if wanted(choice) is Choice.ADOPT:
            return CreatedBucket(adopted_bucket("logs", choice, self._context.placement, self._context.key))
        sources = [
            bucket_name(self._context.placement, purpose)
            for purpose in ("artifacts", "data", "capture")
            if wanted(self._choices[purpose]) is Choice.CREATE
        ]
        return create_bucket(self._context, self._spec("logs", log_sources=sources), None)

    def _place(self, purpose: str, readers: Optional[list[str]] = None) -> Place:
        choice = self._choices[purpose]
        if wanted(choice) is Choice.SKIP:
            return self.artifacts.inside(purpose)
        if wanted(choice) is Choice.ADOPT:
            return adopted_bucket(purpose, choice, self._context.placement, self._context.key)
        return create_bucket(self._context, self._spec(purpose, readers=readers), self.log).place

    def _spec(
        self, purpose: str, *, readers: Optional[list[str]] = None, log_sources: Optional[list[str]] = None
    ) -> BucketSpec:
        return BucketSpec(
            purpose=purpose,
            expire_after_days=self._choices[purpose].get("expire_days", _EXPIRE_DAYS.get(purpose)),
            old_versions_days=self._args.get("old_versions_days", 90),
            reader_account_ids=readers or [],
            log_sources=log_sources or [],
        )


def _bucket_outputs(place: Place) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    return pulumi.Output.from_input(place.bucket), pulumi.Output.from_input(place.arn)
