"""The resources of the local platform: typed faces of the providers beside them.

Ports come as a number and as text: only text is known to an offline plan, so documents and addresses are made of it.
"""

from collections.abc import Mapping, Sequence
from typing import Optional

import pulumi
from pulumi.dynamic import Resource

from mlops_components.local.providers import (
    DirectoryProvider,
    FileProvider,
    MlflowExperimentProvider,
    PortProvider,
    ProgramProvider,
    RegisteredModelProvider,
    SupervisorProvider,
)

RUNNING = "running"
"""The state that supervisor and programs are meant to be in."""


class Directory(Resource, module="local", name="Directory"):
    """A folder. Deletion spares a folder that the platform did not make, and contents unless `with_contents`."""

    path: pulumi.Output[str]
    """Absolute path."""
    uri: pulumi.Output[str]
    """The same as a `file:` URI without a final slash."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        *,
        with_contents: bool = True,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`path` is absolute; `with_contents`: whether deletion takes along what is in the folder."""
        properties = {"path": path, "with_contents": with_contents, "uri": None}
        super().__init__(DirectoryProvider(), name, properties, opts)


class File(Resource, module="local", name="File"):
    """A file whose content is kept as written here."""

    path: pulumi.Output[str]
    """Absolute path."""
    uri: pulumi.Output[str]
    """The same as a `file:` URI."""
    sha256: pulumi.Output[str]
    """Hash of the content, hexadecimal."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        content: pulumi.Input[str],
        *,
        mode: str = "0600",
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`path` is absolute; `mode` are permissions in four octal digits."""
        properties = {"path": path, "content": content, "mode": mode, "uri": None, "sha256": None}
        super().__init__(FileProvider(), name, properties, opts)


class Port(Resource, module="local", name="Port"):
    """A port of 127.0.0.1, chosen free once and then kept under a key."""

    port: pulumi.Output[int]
    """The port."""
    number: pulumi.Output[str]
    """The port as text."""
    url: pulumi.Output[str]
    """`http://127.0.0.1:<port>`."""

    def __init__(
        self,
        name: str,
        key: pulumi.Input[str],
        registry: pulumi.Input[str],
        *,
        preferred: Optional[int] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`registry` is the JSON file that keeps the ports; `preferred` insists on one port."""
        properties = {
            "key": key,
            "registry": registry,
            "preferred": preferred,
            "port": None,
            "number": None,
            "url": None,
        }
        super().__init__(PortProvider(), name, properties, opts)


class Supervisor(Resource, module="local", name="Supervisor"):
    """A supervisord, reachable on 127.0.0.1 behind a password that lies in its folder."""

    directory: pulumi.Output[str]
    """Its folder, which programs name it by."""
    pid: pulumi.Output[int]
    """Its process identifier."""
    started: pulumi.Output[float]
    """When that process started, in seconds since the epoch."""

    def __init__(
        self,
        name: str,
        directory: pulumi.Input[str],
        port: pulumi.Input[int],
        *,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`directory` is absolute and belongs to the supervisor alone."""
        properties = {"directory": directory, "port": port, "state": RUNNING, "pid": None, "started": None}
        super().__init__(SupervisorProvider(), name, properties, opts)


class Program(Resource, module="local", name="Program"):
    """A program that the supervisor keeps running, and that is ready once this resource is."""

    log: pulumi.Output[str]
    """Path of its log."""
    url: pulumi.Output[Optional[str]]
    """Where it answers; whoever takes the address from here waits until it does."""

    def __init__(
        self,
        name: str,
        supervisor: pulumi.Input[str],
        program: str,
        command: Sequence[pulumi.Input[str]],
        directory: pulumi.Input[str],
        *,
        environment: Optional[Mapping[str, pulumi.Input[str]]] = None,
        port: Optional[pulumi.Input[int]] = None,
        url: Optional[pulumi.Input[str]] = None,
        health_path: Optional[str] = None,
        startup_seconds: int = 60,
        stop_seconds: int = 8,
        log_bytes: int = 5_000_000,
        watch: Sequence[pulumi.Input[str]] = (),
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """Keep `command` running in `directory` under the supervisor of that folder.

        `program` is its name there: letters, digits, `-` and `_`. A first word `python` means this interpreter. It is
        ready when `health_path` below `url` answers with success, or else when it has run for a second, and fails
        after `startup_seconds`. A change of the command, the environment, or any text in `watch` (hashes of files that
        it reads) starts it anew. Its log is rotated at `log_bytes`, with three older ones kept.
        """
        properties = {
            "supervisor": supervisor,
            "name": program,
            "command": list(command),
            "directory": directory,
            "environment": dict(environment or {}),
            "port": port,
            "url": url,
            "health_url": None if url is None or health_path is None else pulumi.Output.concat(url, health_path),
            "startup_seconds": startup_seconds,
            "stop_seconds": stop_seconds,
            "log_bytes": log_bytes,
            "watch": list(watch),
            "state": RUNNING,
            "log": None,
        }
        super().__init__(ProgramProvider(), name, properties, opts)


class MlflowExperiment(Resource, module="local", name="MlflowExperiment"):
    """An experiment on an MLflow server."""

    experiment_name: pulumi.Output[str]
    """Its name, known once it exists."""
    experiment_id: pulumi.Output[str]
    """MLflow's identifier."""

    def __init__(
        self,
        name: str,
        tracking_uri: pulumi.Input[str],
        experiment: str,
        *,
        tags: Optional[Mapping[str, str]] = None,
        artifact_location: Optional[pulumi.Input[str]] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`artifact_location` is fixed at creation; by default the server stores artifacts."""
        properties = {
            "tracking_uri": tracking_uri,
            "name": experiment,
            "tags": dict(tags or {}),
            "artifact_location": artifact_location,
            "experiment_id": None,
            "experiment_name": None,
        }
        super().__init__(MlflowExperimentProvider(), name, properties, opts)


class RegisteredModel(Resource, module="local", name="RegisteredModel"):
    """A registered model on an MLflow server, still without versions."""

    model_name: pulumi.Output[str]
    """Its name, known once it exists."""

    def __init__(
        self,
        name: str,
        registry_uri: pulumi.Input[str],
        model: str,
        *,
        description: str = "",
        tags: Optional[Mapping[str, str]] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """Register `model`; whoever registers a version finds it there."""
        properties = {
            "registry_uri": registry_uri,
            "name": model,
            "description": description,
            "tags": dict(tags or {}),
            "model_name": None,
        }
        super().__init__(RegisteredModelProvider(), name, properties, opts)
