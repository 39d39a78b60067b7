"""Where an environment lives. Account, region and zones are values here, never looked up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.vocabulary import Platform


class AwsTarget(Model):
    """One region of one AWS account."""

    platform: Literal[Platform.AWS] = Platform.AWS
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    """Twelve digits, in quotes; credentials for another account are refused."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """e.g. `eu-west-1`."""
    role: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")] | None = None
    """ARN of a role that the deployer assumes."""
    zones: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")], ...] = ()
    """Availability zones of a network that is made, at least two, e.g. `[eu-west-1a, eu-west-1b]`. Which ones an
    account may use, its console says."""


class GcpTarget(Model):
    """One region of one Google Cloud project."""

    platform: Literal[Platform.GCP] = Platform.GCP
    project: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    region: str
    impersonate: str | None = None
    """E-mail of a service account that the deployer impersonates."""


class AzureTarget(Model):
    """One location of one Azure subscription."""

    platform: Literal[Platform.AZURE] = Platform.AZURE
    subscription: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    location: str
    tenant: str | None = None


class KubernetesTarget(Model):
    """One cluster."""

    platform: Literal[Platform.KUBERNETES] = Platform.KUBERNETES
    context: str
    """Name of a context in the kubeconfig."""
    kubeconfig: str | None = None
    """Path of the kubeconfig; default: the client's own rule."""


class LocalTarget(Model):
    """A folder on this machine."""

    platform: Literal[Platform.LOCAL] = Platform.LOCAL
    directory: str | None = None
    """Folder in which each scope gets a folder of its own, relative to the blueprint's; default
    `.mlops-stacks/<blueprint>`."""


Target = Annotated[
    AwsTarget | GcpTarget | AzureTarget | KubernetesTarget | LocalTarget, Field(discriminator="platform")
]
