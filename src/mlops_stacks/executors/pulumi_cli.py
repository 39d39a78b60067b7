"""Carries a composed program out with Pulumi's own engine, through its Automation API: every platform, and production.

Does what `pulumi up` in the project's folder does: the same project, stacks, state and settings (see `pulumi_home`).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pulumi import automation
from pulumi.automation import OpType
from pulumi.automation import errors as automation_errors

from mlops_stacks.executors.events import Observer, ignore
from mlops_stacks.executors.names import PULUMI_PROJECT, StackIdentity
from mlops_stacks.executors.protocol import DestroyResult, NotDeployedError, UpResult
from mlops_stacks.executors.pulumi_events import EventLog
from mlops_stacks.executors.pulumi_home import pulumi_home
from mlops_stacks.project import Project


class PulumiError(Exception):
    """Pulumi could not do what it was asked to; the message says why."""


class PulumiMissingError(PulumiError):
    """The Pulumi CLI is not on PATH, or too old."""


class PulumiNoOutputsError(PulumiError, NotDeployedError):
    """There is no such stack yet, so it has no outputs."""


class PulumiBusyError(PulumiError):
    """Another run holds the stack."""


class PulumiProtectedError(PulumiError):
    """Something that would be deleted is protected, so nothing was."""


class PulumiCliExecutor:
    """Runs stacks with the Pulumi CLI that is on PATH. Raises `PulumiMissingError` where there is none."""

    def __init__(self, project: Project, observer: Observer = ignore) -> None:
        if shutil.which("pulumi") is None:
            raise PulumiMissingError(
                "the Pulumi CLI is not on PATH; its installation page is pulumi.com/docs/install. A blueprint whose "
                "stages are all `local` needs none: use `--executor embedded`"
            )
        self._project = project
        self._observer = observer
        self._home = pulumi_home(project)

    def preview(self, program: Callable[[], None], identity: StackIdentity) -> Mapping[str, int]:
        """What `up` would do, by the engine's own word: operation -> number of resources."""
        watched = _Watched(program)
        stack = self._stack(identity, watched)
        log = EventLog(ignore)
        try:
            result = stack.preview(on_event=log, color="never", suppress_progress=True)
        except automation_errors.CommandError as error:
            raise self._explained(error, log, identity.stack) from watched.failure or error
        return {str(OpType(operation).value): count for operation, count in result.change_summary.items()}

    def up(self, program: Callable[[], None], identity: StackIdentity) -> UpResult:
        """Make everything as the program says. Raises a `PulumiError`, or what the program itself raised."""
        watched = _Watched(program)
        stack = self._stack(identity, watched)
        log = EventLog(self._observer)
        try:
            result = stack.up(on_event=log, color="never", suppress_progress=True, suppress_outputs=True)
        except automation_errors.CommandError as error:
            if watched.failure is not None:
                raise watched.failure from None
            raise self._explained(error, log, identity.stack) from error
        return UpResult(
            _in_the_clear(result.outputs),
            created=log.urns("create"),
            updated=log.urns("update"),
            replaced=log.urns("replace"),
            deleted=log.urns("delete"),
            unchanged=log.urns("same"),
        )

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Raise `PulumiProtectedError` while anything of a stack is protected; it changes nothing."""
        stack = self._existing(identity)
        if stack is not None:
            _refuse_protected(stack, identity.stack)

    def destroy(self, identity: StackIdentity) -> DestroyResult:
        """Delete everything of a stack, or nothing at all while anything in it is protected.

        The empty stack stays: its history says who did what, and when.
        """
        stack = self._existing(identity)
        if stack is None:
            return DestroyResult((), ())
        _refuse_protected(stack, identity.stack)
        log = EventLog(self._observer)
        try:
            stack.destroy(on_event=log, color="never", suppress_progress=True, suppress_outputs=True)
        except automation_errors.CommandError as error:
            raise self._explained(error, log, identity.stack) from error
        retained = (f"{urn} is no longer managed, and stays where it is" for urn in log.urns("retain"))
        return DestroyResult(log.urns("delete"), tuple(retained))

    def _existing(self, identity: StackIdentity) -> automation.Stack | None:
        try:
            return automation.Stack.select(identity.stack, self._workspace(None))
        except automation_errors.StackNotFoundError:
            return None
        except automation_errors.CommandError as error:
            raise self._explained(error, EventLog(ignore), identity.stack) from error

    def outputs(self, stack: str) -> dict[str, Any]:
        """The outputs of a stack's last `up`, without secrets. Raises `PulumiError` if there was none."""
        try:
            return _in_the_clear(automation.Stack.select(stack, self._workspace(None)).outputs())
        except automation_errors.StackNotFoundError:
            raise PulumiNoOutputsError(f"stack {stack} does not exist yet; run `mlops-stacks up` first") from None
        except automation_errors.CommandError as error:
            raise self._explained(error, EventLog(ignore), stack) from error

    def _stack(self, identity: StackIdentity, program: Callable[[], None]) -> automation.Stack:
        try:
            stack = automation.Stack.create_or_select(identity.stack, self._workspace(program))
            # So that `pulumi up` in the same folder does the same thing.
            blueprint = os.path.relpath(self._project.file, self._home.folder)
            stack.set_config(f"{PULUMI_PROJECT}:blueprint", automation.ConfigValue(blueprint))
        except automation_errors.CommandError as error:
            raise self._explained(error, EventLog(ignore), identity.stack) from error
        return stack

    def _workspace(self, program: Callable[[], None] | None) -> automation.LocalWorkspace:
        settings = None
        if self._home.settings is None:
            in_virtualenv = sys.prefix != sys.base_prefix
            runtime = automation.ProjectRuntimeInfo("python", {"virtualenv": sys.prefix} if in_virtualenv else None)
            settings = automation.ProjectSettings(PULUMI_PROJECT, runtime)
        try:
            return automation.LocalWorkspace(
                str(self._home.folder), program=program, env_vars=self._home.variables, project_settings=settings
            )
        except automation_errors.InvalidVersionError as error:
            raise PulumiMissingError(f"the Pulumi CLI on PATH is too old; bring it up to date ({error})") from error

    def _explained(self, error: automation_errors.CommandError, log: EventLog, stack: str) -> PulumiError:
        """One exception of ours for one of Pulumi's, with what the engine said instead of all that it printed."""
        if isinstance(error, automation_errors.ConcurrentUpdateError):
            return PulumiBusyError(
                f"another run holds stack {stack}; wait for it, or, if it is gone, say `pulumi cancel --stack {stack}`"
            )
        reasons = log.errors or tuple(re.findall(r"^\s*error: (.+)$", str(error), re.MULTILINE))
        return PulumiError(f"Pulumi stopped at stack {stack}: {'; '.join(reasons) or error}")


class _Watched:
    """A program that remembers what it raised: through the engine only its text would come back."""

    def __init__(self, program: Callable[[], None]) -> None:
        self._program = program
        self.failure: Exception | None = None
        self.__name__ = "program"

    def __call__(self) -> None:
        try:
            self._program()
        except Exception as error:
            self.failure = error
            raise


def _in_the_clear(outputs: Mapping[str, automation.OutputValue]) -> dict[str, Any]:
    return {name: output.value for name, output in outputs.items() if not output.secret}


def _refuse_protected(stack: automation.Stack, name: str) -> None:
    resources = (stack.export_stack().deployment or {}).get("resources") or []
    protected = [resource["urn"] for resource in resources if resource.get("protect")]
    if protected:
        raise PulumiProtectedError(
            f"nothing of stack {name} was deleted, because these are protected: {', '.join(protected)}; set their "
            "stage's `lifecycle` to `retain` or `delete` and run `up` first"
        )
