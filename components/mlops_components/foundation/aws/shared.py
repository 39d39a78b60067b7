"""What exists once per blueprint on AWS: the repository of images, and the key that encrypts what is shared.

It knows environments only by their accounts, never by their outputs: shared things come first.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.foundation.aws.choice import AwsKeyChoice
from mlops_components.foundation.aws.images import image_repository
from mlops_components.foundation.aws.keys import scope_key
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
    untagged_days: NotRequired[int]
    """Images without a tag are deleted after so many days; default 14."""
    keep_tagged: NotRequired[int]
    """How many images with a tag are kept, the newest; default: all, since a released one must stay."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the key and the images when the stack is destroyed; default `retain`."""


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

    def __init__(self, name: str, args: AwsSharedFoundationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsSharedFoundationArgs, "AwsSharedFoundation")
        super().__init__("mlops-stacks:index:AwsSharedFoundation", name, {**args}, opts)
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        key = scope_key(name, self, args["placement"], args.get("key") or {}, lifecycle)
        self._images = image_repository(
            name,
            self,
            args["placement"],
            key,
            lifecycle,
            reader_account_ids=args.get("reader_account_ids") or [],
            untagged_days=args.get("untagged_days", 14),
            keep_tagged=args.get("keep_tagged"),
        )
        self.key_arn = pulumi.Output.from_input(key.arn if key.arn is not None else "")
        self.repository_name = self._images.name
        self.repository_arn = self._images.arn
        self.repository_url = self._images.url
        self.register_outputs({output: getattr(self, output) for output in AwsSharedFoundation.__annotations__})

    def grant_images_pull(self) -> list[AwsGrant]:
        """Permission to pull images."""
        return self._images.grant_pull()

    def grant_images_push(self) -> list[AwsGrant]:
        """Permission to push images."""
        return self._images.grant_push()
