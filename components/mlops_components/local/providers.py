"""What the local platform is made of, as stateless `pulumi.dynamic` providers.

They are pickled by reference, so this module and the names in it stay where they are. `create` ensures: under the same
inputs it finds what an interrupted run left, and makes it whole. `read` tells what is really there: what is gone has no
identifier, and what differs shows in the outputs, where `diff` finds it. `delete` is content with finding nothing.
`residue` says, after a deletion, what is left. The engine hands every number over as a float.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from mlops_components.local import folders, mlflow_api, ports, programs, supervision

Properties = dict[str, Any]

_GONE = ReadResult("", {})


class LocalProvider(ResourceProvider, ABC):
    """The common ground: `create` and `update` both ensure; inputs named in `identity` make another resource."""

    serialize_as_secret_always = False
    identity: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    @abstractmethod
    def ensure(self, properties: Properties) -> Properties:
        """Make what `properties` describe, unless it is there; returns the outputs beside the inputs."""

    @abstractmethod
    def live(self, properties: Properties) -> Properties | None:
        """Inputs and outputs as they really are, where they differ from `properties`; None if it is gone."""

    def differs(self, olds: Properties, news: Properties) -> bool:
        """Whether `news` ask for something else than `olds`, as recorded or read, are."""
        return any(_plain(olds.get(key)) != _plain(news.get(key)) for key in self.inputs)

    def residue(self, _id: str, _props: Properties) -> list[str]:
        """Sentences about what is left after `delete`."""
        return []

    def create(self, props: Properties) -> CreateResult:
        """Ensure, and name the resource after what identifies it."""
        outputs = self.ensure(props)
        return CreateResult("#".join(str(props[key]) for key in self.identity), {**props, **outputs})

    def read(self, id_: str, props: Properties) -> ReadResult:
        """Look; an empty identifier says that the resource is gone."""
        found = self.live(props)
        return _GONE if found is None else ReadResult(id_, {**props, **found})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Replace where the identity changed, first removing the old; update where anything else differs."""
        replaces = [key for key in self.identity if _plain(olds.get(key)) != _plain(news.get(key))]
        changes = bool(replaces) or self.differs(olds, news)
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        """Ensure again."""
        return UpdateResult({**news, **self.ensure(news)})


class DirectoryProvider(LocalProvider):
    """A folder."""

    identity = ("path",)
    inputs = ("with_contents",)

    def ensure(self, properties: Properties) -> Properties:
        """Make the folder, parents included."""
        path = Path(properties["path"])
        folders.make_folder(path)
        return {"uri": folders.file_uri(path)}

    def live(self, properties: Properties) -> Properties | None:
        """A folder is there or not; its contents are not ours to judge."""
        return {} if Path(properties["path"]).is_dir() else None

    def delete(self, _id: str, props: Properties) -> None:
        """Remove the folder if the platform made it, and if it may: with what is in it."""
        folders.remove_folder(Path(props["path"]), with_contents=bool(props["with_contents"]))

    def residue(self, _id: str, props: Properties) -> list[str]:
        """A folder that held other files, or was there before, is still there."""
        path = Path(props["path"])
        return [f"The folder {path} is left: others' files are in it."] if path.is_dir() else []


class FileProvider(LocalProvider):
    """A file with given content."""

    identity = ("path",)

    def ensure(self, properties: Properties) -> Properties:
        """Write the file in one step."""
        path, content = Path(properties["path"]), properties["content"]
        folders.write_file(path, content, int(properties["mode"], 8))
        return {"sha256": folders.sha256(content), "uri": folders.file_uri(path)}

    def live(self, properties: Properties) -> Properties | None:
        """Hash and permissions as they are on disk."""
        state = folders.file_state(Path(properties["path"]))
        return None if state is None else {"sha256": state[0], "mode": f"{state[1]:04o}"}

    def differs(self, olds: Properties, news: Properties) -> bool:
        """By hash, so that an edit on disk counts, and by permissions. Content that is not known yet is another one."""
        if not isinstance(news["content"], str):
            return True
        return bool(olds.get("sha256") != folders.sha256(news["content"]) or olds.get("mode") != news["mode"])

    def delete(self, _id: str, props: Properties) -> None:
        """Remove the file, whatever is in it by now."""
        folders.remove_file(Path(props["path"]))


class PortProvider(LocalProvider):
    """A port of 127.0.0.1, kept under a key."""

    identity = ("registry", "key")

    def ensure(self, properties: Properties) -> Properties:
        """Choose or find the port; a stranger on it is refused with a sentence."""
        registry, key = Path(properties["registry"]), properties["key"]
        preferred = properties.get("preferred")
        port = ports.keep_port(key, registry, None if preferred is None else int(preferred))
        ports.refuse_stranger(port, key, f"{registry.parent}/")
        return {"port": port, "number": str(port), "url": f"http://{ports.HOST}:{port}"}

    def live(self, properties: Properties) -> Properties | None:
        """The port that is kept now."""
        port = ports.kept_port(properties["key"], Path(properties["registry"]))
        return None if port is None else {"port": port}

    def differs(self, olds: Properties, news: Properties) -> bool:
        """Only a wish for another port than the kept one, or a registry that says another one than recorded."""
        preferred = news.get("preferred")
        port = int(olds["port"])
        return str(port) != olds["number"] or (preferred is not None and int(preferred) != port)

    def delete(self, _id: str, props: Properties) -> None:
        """Forget the port."""
        ports.release_port(props["key"], Path(props["registry"]))


class SupervisorProvider(LocalProvider):
    """A supervisord."""

    identity = ("directory",)
    inputs = ("port", "state")

    def ensure(self, properties: Properties) -> Properties:
        """Start it, unless it runs with the same port."""
        process = supervision.ensure(supervision.Home(Path(properties["directory"])), int(properties["port"]))
        return {"pid": process.pid, "started": process.create_time(), "state": properties["state"]}

    def live(self, properties: Properties) -> Properties | None:
        """Gone if no such process runs; another process identifier is noted, not mended."""
        home = supervision.Home(Path(properties["directory"]))
        process = supervision.find(home)
        if process is None:
            return None
        state = "running" if supervision.is_configured(home) and supervision.answers(home) else "altered"
        return {"pid": process.pid, "started": process.create_time(), "state": state}

    def delete(self, _id: str, props: Properties) -> None:
        """End it with all that it started, and remove its folder."""
        supervision.remove(supervision.Home(Path(props["directory"])))

    def residue(self, _id: str, props: Properties) -> list[str]:
        """Processes and folder."""
        return supervision.residue(supervision.Home(Path(props["directory"])))


class ProgramProvider(LocalProvider):
    """A program under the supervisor."""

    identity = ("supervisor", "name")
    inputs = (
        "command",
        "environment",
        "directory",
        "port",
        "url",
        "health_url",
        "startup_seconds",
        "stop_seconds",
        "log_bytes",
        "watch",
        "state",
    )

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Refuse a name that supervisord's configuration cannot hold."""
        name = news.get("name")
        if isinstance(name, str) and not programs.NAME.fullmatch(name):
            reason = f"{name!r} is no name for a program; use letters, digits, '-' and '_'"
            return CheckResult(news, [CheckFailure("name", reason)])
        return CheckResult(news, [])

    def ensure(self, properties: Properties) -> Properties:
        """Have it running and healthy; replace it if it runs another definition."""
        program = programs.Program.of(properties)
        programs.ensure(program)
        return {"log": str(program.log), "state": properties["state"]}

    def live(self, properties: Properties) -> Properties | None:
        """Its state as it is; gone where the supervisor does not know it."""
        seen = programs.inspect(programs.Program.of(properties)).state
        return None if seen is programs.State.ABSENT else {"state": str(seen)}

    def delete(self, _id: str, props: Properties) -> None:
        """End it and remove its files and logs."""
        programs.remove(programs.Program.of(props))

    def residue(self, _id: str, props: Properties) -> list[str]:
        """Processes and files."""
        return programs.residue(programs.Program.of(props))


class MlflowExperimentProvider(LocalProvider):
    """An experiment on an MLflow server."""

    identity = ("tracking_uri", "name")
    inputs = ("tags",)

    def ensure(self, properties: Properties) -> Properties:
        """Create it, or restore it under its name."""
        server, name = properties["tracking_uri"], properties["name"]
        location = properties.get("artifact_location")
        identifier = mlflow_api.ensure_experiment(server, name, properties.get("tags") or {}, location)
        return {"experiment_id": identifier, "experiment_name": name}

    def live(self, properties: Properties) -> Properties | None:
        """Gone if MLflow does not know it, or has it marked as deleted."""
        try:
            found = mlflow_api.find_experiment(properties["tracking_uri"], properties["name"])
        except mlflow_api.UnansweredError:
            # Nobody can tell; once its server is back, the engine looks again.
            return {}
        if found is None or found["lifecycle_stage"] == "deleted":
            return None
        return {"experiment_id": found["experiment_id"], "tags": _ours(found, properties)}

    def delete(self, _id: str, props: Properties) -> None:
        """Mark it as deleted; where no server answers any more, `residue` says so."""
        try:
            mlflow_api.delete_experiment(props["tracking_uri"], props["name"])
        except mlflow_api.UnansweredError:
            return

    def residue(self, _id: str, props: Properties) -> list[str]:
        """What an unreachable server may still have in its database."""
        try:
            found = mlflow_api.find_experiment(props["tracking_uri"], props["name"])
        except mlflow_api.UnansweredError:
            return [f"No server answers at {props['tracking_uri']}: its database may still hold {props['name']}."]
        return [f"The experiment {props['name']} is still there."] if _is_active(found) else []


class RegisteredModelProvider(LocalProvider):
    """A registered model on an MLflow server."""

    identity = ("registry_uri", "name")
    inputs = ("description", "tags")

    def ensure(self, properties: Properties) -> Properties:
        """Create it, or bring description and tags up to date."""
        description, tags = properties.get("description") or "", properties.get("tags") or {}
        mlflow_api.ensure_model(properties["registry_uri"], properties["name"], description, tags)
        return {"model_name": properties["name"]}

    def live(self, properties: Properties) -> Properties | None:
        """Description and tags as they are."""
        try:
            found = mlflow_api.find_model(properties["registry_uri"], properties["name"])
        except mlflow_api.UnansweredError:
            # Nobody can tell; once its server is back, the engine looks again.
            return {}
        if found is None:
            return None
        return {"description": found.get("description", ""), "tags": _ours(found, properties)}

    def delete(self, _id: str, props: Properties) -> None:
        """Remove it with its versions; where no server answers any more, `residue` says so."""
        try:
            mlflow_api.delete_model(props["registry_uri"], props["name"])
        except mlflow_api.UnansweredError:
            return

    def residue(self, _id: str, props: Properties) -> list[str]:
        """What an unreachable server may still have in its database."""
        try:
            found = mlflow_api.find_model(props["registry_uri"], props["name"])
        except mlflow_api.UnansweredError:
            return [f"No server answers at {props['registry_uri']}: its database may still hold {props['name']}."]
        return [f"The registered model {props['name']} is still there."] if found else []


def _plain(value: Any) -> Any:
    """`value` in one form: an engine drops empty values and makes whole numbers floats."""
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()} or None
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value] or None
    return value if value != "" else None


def _ours(found: Mapping[str, Any], properties: Properties) -> dict[str, str]:
    """The tags that we set, as they are now; people may add others."""
    wanted = properties.get("tags") or {}
    return {key: value for key, value in mlflow_api.tags_of(found).items() if key in wanted}


def _is_active(found: Mapping[str, Any] | None) -> bool:
    return found is not None and found["lifecycle_stage"] != "deleted"
