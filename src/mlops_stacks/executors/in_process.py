"""Runs a Pulumi program in this process, against a resource monitor that is a plain object.

No gRPC and no Pulumi CLI: the SDK calls the object's methods directly. The planner and the embedded executor are such
monitors. Each run has contextvars and an event loop of its own, so that runs neither see nor disturb each other.
"""

from __future__ import annotations

import asyncio
import contextvars
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime import Settings, configure
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.stack import run_in_stack

from mlops_stacks.executors.names import ORGANIZATION, StackIdentity

__all__ = ["ORGANIZATION", "InProcessMonitor", "Refused", "StackIdentity", "run_program"]

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
)


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """A program asked for something that cannot be done in process; the message is one sentence."""


class InProcessMonitor:
    """The part of the resource monitor that every in-process executor shares.

    A subclass implements `RegisterResource`, `RegisterResourceOutputs` and `ReadResource`; the method names are those
    of the gRPC service that this object stands in for.
    """

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802
        """Tell the SDK what this monitor can do; transforms are left out, so the SDK refuses them."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        """Answer older SDKs, which ask feature by feature."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in {"secrets", "resourceReferences"})

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        """Name a parameterised package; nothing is loaded."""
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Refuse every invoke: account, region and zones are blueprint values (DESIGN.md, section 4)."""
        raise Refused(
            f"the program invokes {request.tok!r}, which needs a live platform; use a blueprint value instead"
        )

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802
        """Nothing to wait for: the last registration has already been answered."""
        return empty_pb2.Empty()


class _Engine:
    """Collects what the program logs, so that nothing is printed behind the caller's back."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str]] = []

    def Log(self, request: Any) -> Any:  # noqa: N802
        self.messages.append((request.severity, request.message))
        return empty_pb2.Empty()

    def errors(self) -> list[str]:
        return [text for severity, text in self.messages if severity == engine_pb2.ERROR]


def run_program(
    program: Callable[[], None], monitor: Any, identity: StackIdentity, *, dry_run: bool, workers: int = 1
) -> None:
    """Run `program` to its end against `monitor`, and raise what it raised.

    One worker thread makes the order of registrations the order in which the SDK asks, so that two runs give the
    same bytes; more workers let slow resources be created side by side.
    """
    contextvars.Context().run(_run, program, monitor, identity, dry_run, workers)


def _run(program: Callable[[], None], monitor: Any, identity: StackIdentity, dry_run: bool, workers: int) -> None:
    configure(
        Settings(
            project=identity.project,
            stack=identity.stack,
            monitor=monitor,
            engine=_Engine(),
            dry_run=dry_run,
            organization=ORGANIZATION,
            root_directory=str(identity.root_directory),
        )
    )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=workers))
        # The failure itself is raised below; the loop would print it once more for every output that waited for it.
        loop.set_exception_handler(lambda _loop, _context: None)
        await run_in_stack(lambda: program())

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        asyncio.run(main())
