"""A Feast repository as a resource: applied when its definitions change, and again when what it made is gone."""

from pathlib import Path
from typing import Optional

import pulumi
from pulumi.dynamic import Resource

from mlops_components.local import feast
from mlops_components.local.providers import LocalProvider, Properties


class FeastRepositoryProvider(LocalProvider):
    """Registry and online store of a Feast repository."""

    identity = ("repository",)
    inputs = ("definitions", "project", "history")

    def ensure(self, properties: Properties) -> Properties:
        """Apply the definitions, unless they are."""
        repository = Path(properties["repository"])
        return {"applied": feast.ensure(repository), "online": _online(repository)}

    def live(self, properties: Properties) -> Properties | None:
        """What is applied now."""
        found = feast.applied(Path(properties["repository"]))
        return None if found is None else {"applied": found}

    def differs(self, olds: Properties, news: Properties) -> bool:
        """Other definitions, or another fingerprint than the files on disk have."""
        repository = Path(news["repository"])
        if super().differs(olds, news):
            return True
        try:
            return bool(olds.get("applied") != feast.fingerprint(repository))
        except FileNotFoundError:
            return True

    def delete(self, _id: str, props: Properties) -> None:
        """Remove registry and online store."""
        feast.remove(Path(props["repository"]))

    def residue(self, _id: str, props: Properties) -> list[str]:
        """Files that are left."""
        return feast.residue(Path(props["repository"]))


class FeastRepository(Resource, module="local", name="FeastRepository"):
    """A Feast repository whose definitions are applied."""

    repository: pulumi.Output[str]
    """Its folder."""
    online: pulumi.Output[str]
    """SQLite file of its online store."""

    def __init__(
        self,
        name: str,
        repository: pulumi.Input[str],
        definitions: pulumi.Input[str],
        *,
        project: pulumi.Input[str],
        history: pulumi.Input[str],
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`definitions` is the hash of what the files mean, wherever they are; `project` and `history` say the rest.

        Another value of any has the definitions applied anew.
        """
        stated = {"repository": repository, "definitions": definitions, "project": project, "history": history}
        properties = {**stated, "applied": None, "online": None}
        super().__init__(FeastRepositoryProvider(), name, properties, opts)


def _online(repository: Path) -> str:
    return f"{repository}/online_store.db"
