"""Feast on this machine: history in Parquet files, the latest rows in SQLite. Nothing is kept running for it.

The folder of the repository holds what a person would write by hand for Feast; the pipeline's `ingest` step fills
history and online store, training joins from the first, the model server reads the second.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.feature_store.feast_files import configuration, definitions, meaning
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.feast_resource import FeastRepository
from mlops_components.local.folders import sha256
from mlops_components.local.resources import Directory, File
from mlops_components.spec.feature import FeatureGroup


class LocalFeatureStoreArgs(TypedDict):
    """What a feature store on this machine consists of."""

    directory: pulumi.Input[str]
    """Absolute path of its folder, inside the foundation's."""
    project: str
    """Feast's project: letters, digits and underscores."""
    groups: dict[str, FeatureGroup]
    """Feature group of the blueprint -> what it says."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the history when the stack is destroyed; default `retain`. The rest can be made again."""


class LocalFeatureStore(pulumi.ComponentResource):
    """Feature groups on this machine."""

    stage = "feature_store"
    platform = "local"

    feature_groups: pulumi.Output[dict[str, str]]
    """Feature group of the blueprint -> name of Feast's feature view."""
    history: pulumi.Output[str]
    """Folder of the history, a Parquet file for each group."""
    online_store: pulumi.Output[str]
    """SQLite file of the latest rows."""
    repository: pulumi.Output[str]
    """Folder of the Feast repository, once its definitions are applied."""

    def __init__(self, name: str, args: LocalFeatureStoreArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Write the repository of the groups, and apply it."""
        args = checked(args, LocalFeatureStoreArgs, "LocalFeatureStore")
        super().__init__("mlops-stacks:index:LocalFeatureStore", name, {**args}, opts)
        folder = Directory(
            f"{name}-folder", args["directory"], with_contents=False, opts=pulumi.ResourceOptions(parent=self)
        )
        kept = stateful(self, args.get("lifecycle", Lifecycle.RETAIN))
        history = Directory(
            f"{name}-history",
            pulumi.Output.concat(folder.path, "/history"),
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[folder])),
        )
        repository = self._repository(name, args, folder, history)
        self.feature_groups = pulumi.Output.from_input({group: group for group in sorted(args["groups"])})
        self.history = history.path
        self.repository = repository.repository
        self.online_store = pulumi.Output.concat(repository.repository, "/online_store.db")
        self.register_outputs(
            {
                "feature_groups": self.feature_groups,
                "history": self.history,
                "repository": self.repository,
                "online_store": self.online_store,
            }
        )

    def _repository(
        self, name: str, args: LocalFeatureStoreArgs, folder: Directory, history: Directory
    ) -> FeastRepository:
        path = pulumi.Output.concat(folder.path, "/repository")
        place = Directory(f"{name}-repository", path, opts=pulumi.ResourceOptions(parent=self, depends_on=[folder]))
        child = pulumi.ResourceOptions(parent=self, depends_on=[place])
        settings = place.path.apply(lambda here: configuration(args["project"], here, f"{here}/online_store.db"))
        code = history.path.apply(lambda there: definitions(args["groups"], there))
        files = [
            File(f"{name}-configuration", pulumi.Output.concat(path, "/feature_store.yaml"), settings, opts=child),
            File(f"{name}-definitions", pulumi.Output.concat(path, "/definitions.py"), code, opts=child),
        ]
        return FeastRepository(
            f"{name}-feast",
            path,
            sha256(meaning(args["groups"])),
            project=args["project"],
            history=history.path,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(files)),
        )
