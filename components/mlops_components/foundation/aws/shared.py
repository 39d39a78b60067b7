"""What exists once per blueprint on AWS: the repository of images, what delivery keeps, and whose tokens are trusted.

It knows environments only by their accounts, never by their outputs: shared things come first.
"""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.foundation.aws.buckets import BucketContext, Place
from mlops_components.foundation.aws.choice import AwsBucketChoice, AwsKeyChoice, AwsOidcProvider, AwsTopic, Choice
from mlops_components.foundation.aws.images import image_repository
from mlops_components.foundation.aws.keys import ScopeKey, scope_key, topics_statements
from mlops_components.foundation.aws.oidc import oidc_providers
from mlops_components.foundation.aws.places import Places
from mlops_components.foundation.aws.topics import create_topics, publishers_of, topic_arns
from mlops_components.grants import AwsGrant
from mlops_components.lifecycle import Lifecycle
from mlops_components.placement import AwsPlacement


class AwsSharedFoundationArgs(TypedDict):
    """What the shared foundation consists of."""

    placement: AwsPlacement
    """Account and region; its scope is `shared`."""
    key: NotRequired[AwsKeyChoice]
    """The key that encrypts images; default: created. Changing it replaces the repository."""
    reader_account_ids: NotRequired[list[str]]
    """Accounts of the environments, which may pull images. Default: none but this account."""
    function_account_ids: NotRequired[list[str]]
    """Accounts, this one included, in which Lambda runs images as functions of the same region. Default: none."""
    untagged_days: NotRequired[int]
    """Images without a tag are deleted after so many days; default 14."""
    keep_tagged: NotRequired[int]
    """How many images with a tag are kept, the newest; default: all, since a released one must stay."""
    artifacts: NotRequired[AwsBucketChoice]
    """Bucket of what delivery hands from step to step; default: skipped, since only delivery needs it."""
    logs: NotRequired[AwsBucketChoice]
    """Bucket of the access logs of that bucket; default: created with it."""
    old_versions_days: NotRequired[int]
    """Overwritten and deleted objects can be restored for so many days; default 90."""
    topics: NotRequired[dict[str, AwsTopic]]
    """Kind of news (`success`, `failure`) -> who is told. Default: nobody."""
    oidc: NotRequired[dict[str, AwsOidcProvider]]
    """CI system (`github`, `gitlab`) -> whose tokens are trusted. Default: none."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the key, the bucket and the images when the stack is destroyed; default `retain`."""


class AwsSharedFoundation(pulumi.ComponentResource):
    """The key and the image repository of a blueprint on AWS."""

    stage = "foundation"
    platform = "aws"

    key_arn: pulumi.Output[str]
    """The key that encrypts what is shared; empty where there is none."""
    repository_name: pulumi.Output[str]
    """Name of the image repository."""
    repository_arn: pulumi.Output[str]
    """ARN of the image repository."""
    repository_url: pulumi.Output[str]
    """What an image is pushed to and pulled from, without a tag."""
    artifact_bucket_name: pulumi.Output[str]
    """The bucket of what delivery hands on; empty where there is none."""
    artifact_bucket_arn: pulumi.Output[str]
    """ARN of that bucket."""
    topic_arns: pulumi.Output[dict[str, str]]
    """Kind of news -> topic, for the kinds of which somebody is told."""
    oidc_provider_arns: pulumi.Output[dict[str, str]]
    """CI system -> the provider whose tokens are trusted."""

    def __init__(self, name: str, args: AwsSharedFoundationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsSharedFoundationArgs, "AwsSharedFoundation")
        super().__init__("mlops-stacks:index:AwsSharedFoundation", name, {**args}, opts)
        placement = args["placement"]
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        key = self._key = _key(name, self, args, lifecycle)
        self._images = image_repository(
            name,
            self,
            placement,
            key,
            lifecycle,
            reader_account_ids=args.get("reader_account_ids") or [],
            function_account_ids=args.get("function_account_ids") or [],
            untagged_days=args.get("untagged_days", 14),
            keep_tagged=args.get("keep_tagged"),
        )
        self.key_arn = pulumi.Output.from_input(key.arn if key.arn is not None else "")
        self.repository_name = self._images.name
        self.repository_arn = self._images.arn
        self.repository_url = self._images.url
        self._artifacts = _artifacts(BucketContext(name, self, placement, key, lifecycle), args)
        self.artifact_bucket_name = pulumi.Output.from_input(self._artifacts.bucket if self._artifacts else "")
        self.artifact_bucket_arn = pulumi.Output.from_input(self._artifacts.arn if self._artifacts else "")
        self._topics = create_topics(name, self, placement, key, args.get("topics") or {})
        self.topic_arns = self._topics.outputs
        self.oidc_provider_arns = oidc_providers(name, self, placement, args.get("oidc") or {})
        self.register_outputs({output: getattr(self, output) for output in AwsSharedFoundation.__annotations__})

    def grant_images_pull(self) -> list[AwsGrant]:
        """Permission to pull images."""
        return self._images.grant_pull()

    def grant_images_push(self) -> list[AwsGrant]:
        """Permission to push images."""
        return self._images.grant_push()

    def grant_shared_artifacts_read(self) -> list[AwsGrant]:
        """Permission to read what delivery hands on; none where there is no bucket for it."""
        return self._artifacts.grant_read() if self._artifacts else []

    def grant_shared_artifacts_write(self) -> list[AwsGrant]:
        """Permission to read, write and delete what delivery hands on; none where there is no bucket for it."""
        return self._artifacts.grant_write() if self._artifacts else []

    def grant_key_use(self) -> list[AwsGrant]:
        """Permission to encrypt and decrypt with the key of what is shared; none where there is no key."""
        return self._key.grant_use()

    def grant_publish(self, kind: str) -> list[AwsGrant]:
        """Permission to publish one kind of news; none where nobody is told of it."""
        return self._topics.grant_publish(kind)


def _key(name: str, parent: pulumi.Resource, args: AwsSharedFoundationArgs, lifecycle: Lifecycle) -> ScopeKey:
    placement, kinds = args["placement"], sorted(args.get("topics") or {})
    news = topics_statements(publishers_of(kinds), topic_arns(placement, kinds))
    keeps = _has_artifacts(args)
    readers = (args.get("reader_account_ids") or []) if keeps else []
    return scope_key(
        name, parent, placement, args.get("key") or {}, lifecycle, reader_account_ids=readers, statements=news
    )


def _has_artifacts(args: AwsSharedFoundationArgs) -> bool:
    return Choice((args.get("artifacts") or {}).get("choice", Choice.SKIP)) is not Choice.SKIP


def _artifacts(context: BucketContext, args: AwsSharedFoundationArgs) -> Optional[Place]:
    if not _has_artifacts(args):
        return None
    choices: dict[str, Any] = {"artifacts": args.get("artifacts") or {}, "logs": args.get("logs") or {}}
    places = Places(context, choices, args.get("old_versions_days", 90))
    return places.place("artifacts", readers=args.get("reader_account_ids") or [])
