"""CI 1 on this machine: a bare git repository whose hook judges what is pushed.

The branch moves only once the workload's tests passed, its wheel was built and its pipelines were tried on a small
slice; whoever pushes sees the log. Nothing runs between pushes. It refuses to take commits along when it is destroyed,
unless the lifecycle says so.
"""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.feature_store.smoke import smoke_features
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.code_resources import GitRepository
from mlops_components.local.documents import json_document
from mlops_components.local.resources import Directory, File
from mlops_components.spec.feature import FeatureGroup
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.spec.settings import SecretRef


class LocalSmokeModel(TypedDict):
    """A model that is tried before a commit is accepted."""

    pipeline: PipelineSpec
    """Its steps."""
    parameters: dict[str, Any]
    """The blueprint's parameters of this model."""
    features: list[str]
    """What it reads from the feature store."""


class LocalContinuousIntegrationArgs(TypedDict):
    """What CI 1 on this machine consists of."""

    blueprint: str
    """The blueprint's name."""
    directory: str
    """Absolute path of the folder of the repository, the builds and, without `package_folder`, the packages."""
    package_folder: NotRequired[Optional[pulumi.Input[str]]]
    """Folder of the packages, from pipeline delivery; default: one of its own."""
    built_branch: str
    """The branch that is built."""
    workload_folder: str
    """Folder of the workload in the repository; `.` is the repository itself."""
    entry_point: Optional[str]
    """`package.module:attribute` of the workload; None: there is no pipeline to try."""
    test_command: list[str]
    """Run in the workload's folder; a first word `python` means this interpreter."""
    timeout_minutes: int
    """Time limit of each part of a build."""
    smoke_parameters: dict[str, Any]
    """Parameters that make a smoke model small."""
    models: dict[str, LocalSmokeModel]
    """Models that are tried."""
    feature_groups: Optional[dict[str, FeatureGroup]]
    """Feature groups that a build makes a store of for its smoke models; None: there is no feature store."""
    secrets: dict[str, SecretRef]
    """Environment variable of the steps -> where its value is."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of commits, builds and packages when the stack is destroyed; default `retain`."""


class LocalContinuousIntegration(pulumi.ComponentResource):
    """CI 1 on this machine."""

    stage = "continuous_integration"
    platform = "local"

    repository: pulumi.Output[str]
    """Path of the bare repository: what one pushes to."""
    branch: pulumi.Output[str]
    """The branch that is built."""
    builds: pulumi.Output[str]
    """Folder in which each build has a folder with its record and log."""
    packages: pulumi.Output[str]
    """Folder in which each package has a folder."""

    def __init__(
        self, name: str, args: LocalContinuousIntegrationArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Have the repository with its hook, and places for what comes of a push."""
        args = checked(args, LocalContinuousIntegrationArgs, "LocalContinuousIntegration")
        super().__init__("mlops-stacks:index:LocalContinuousIntegration", name, {**args}, opts)
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        folder = Directory(
            f"{name}-folder", args["directory"], with_contents=False, opts=pulumi.ResourceOptions(parent=self)
        )
        inside = pulumi.ResourceOptions(depends_on=[folder])
        kept = pulumi.ResourceOptions.merge(stateful(self, lifecycle), inside)
        builds = Directory(f"{name}-builds", f"{args['directory']}/builds", opts=kept)
        given = args.get("package_folder")
        packages = (
            given
            if given is not None
            else Directory(f"{name}-packages", f"{args['directory']}/packages", opts=kept).path
        )
        settings = File(
            f"{name}-settings",
            f"{args['directory']}/settings.json",
            json_document(_settings(args, builds.path, packages)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[folder]),
        )
        repository = GitRepository(
            f"{name}-repository",
            f"{args['directory']}/repository.git",
            args["built_branch"],
            ["python", "-m", "mlops_stacks.runtime", "ci", "--settings", settings.path],
            with_commits=lifecycle is Lifecycle.DELETE,
            # Not retained but spared: what is left is a plain repository, without a hook that leads nowhere.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[folder], protect=True if lifecycle is Lifecycle.PROTECT else None
            ),
        )
        self.repository = repository.path
        self.branch = pulumi.Output.from_input(args["built_branch"])
        self.builds = builds.path
        self.packages = pulumi.Output.from_input(packages)
        self.register_outputs(
            {
                "repository": self.repository,
                "branch": self.branch,
                "builds": self.builds,
                "packages": self.packages,
            }
        )


def _settings(
    args: LocalContinuousIntegrationArgs, builds: pulumi.Input[str], packages: pulumi.Input[str]
) -> dict[str, Any]:
    """The `CiSettings` document."""
    groups, builds_folder = args["feature_groups"], f"{args['directory']}/builds"
    return {
        "blueprint": args["blueprint"],
        "branch": args["built_branch"],
        "folder": args["workload_folder"],
        "entry_point": args["entry_point"],
        "test_command": args["test_command"],
        "timeout_minutes": args["timeout_minutes"],
        "smoke_parameters": args["smoke_parameters"],
        "models": args["models"],
        "feature_store": None if groups is None else smoke_features(args["blueprint"], builds_folder, groups),
        "secrets": args["secrets"],
        "builds": builds,
        "packages": packages,
    }
