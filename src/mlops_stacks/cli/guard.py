"""The one place where exceptions end. Nobody sees a traceback who did not ask for one with `--debug`.

Exceptions of our own packages are sentences for users. Anything else is a fault of ours: the user gets a sentence and
the traceback goes to a file.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from mlops_stacks.cli.exits import CommandError, ExitCode

_OURS = ("mlops_stacks.", "mlops_components.")

EXIT_CODES = {
    "mlops_stacks.blueprint.problems.BlueprintError": ExitCode.REFUSED,
    "mlops_stacks.project.UnknownEnvironmentError": ExitCode.USAGE,
    "mlops_stacks.permissions.deployer.NoPermissionsKnownError": ExitCode.REFUSED,
    "mlops_stacks.compose.overrides.OverrideError": ExitCode.REFUSED,
    "mlops_stacks.executors.embedded.errors.StackBusyError": ExitCode.REFUSED,
    "mlops_stacks.executors.embedded.errors.UnsupportedError": ExitCode.REFUSED,
    "mlops_stacks.executors.embedded.errors.ProtectedError": ExitCode.REFUSED,
    "mlops_stacks.executors.embedded.errors.CorruptStateError": ExitCode.REFUSED,
    "mlops_stacks.executors.protocol.NotDeployedError": ExitCode.REFUSED,
    "mlops_stacks.executors.pulumi_cli.PulumiMissingError": ExitCode.REFUSED,
    "mlops_stacks.executors.pulumi_cli.PulumiBusyError": ExitCode.REFUSED,
    "mlops_stacks.executors.pulumi_cli.PulumiProtectedError": ExitCode.REFUSED,
    "mlops_stacks.operations.opening.NoBlueprintError": ExitCode.USAGE,
    "mlops_stacks.operations.comparing.CannotCompareError": ExitCode.REFUSED,
    "mlops_stacks.operations.deploying.StillInUseError": ExitCode.REFUSED,
    "mlops_stacks.operations.exports.NoSuchOutputError": ExitCode.USAGE,
    "mlops_stacks.operations.starting.CannotStartError": ExitCode.REFUSED,
    "mlops_stacks.operations.documents.CannotWriteDocumentsError": ExitCode.REFUSED,
    "mlops_stacks.operations.releasing.ReleaseError": ExitCode.REFUSED,
    "mlops_stacks.operations.packages.DeliveryError": ExitCode.REFUSED,
    "mlops_stacks.runtime.delivery.stores.StoreError": ExitCode.REFUSED,
    "mlops_stacks.operations.registry.RegistryError": ExitCode.REFUSED,
    "mlops_stacks.operations.watching.AcknowledgeError": ExitCode.REFUSED,
    "mlops_stacks.operations.predicting.PredictionError": ExitCode.REFUSED,
    "mlops_stacks.operations.running.RunError": ExitCode.REFUSED,
    "mlops_stacks.operations.pages.NoPageError": ExitCode.REFUSED,
    "mlops_components.args.ArgsError": ExitCode.REFUSED,
}
"""Class -> exit code, for those that do not mean that something failed half-way. Names, because importing all of them
would cost every start of the program."""

_KEPT_REPORTS = 20


def run(invoke: Callable[[], object], debug: bool) -> int:
    """Carry out a command and return its exit code. With `debug` a traceback is printed as well."""
    try:
        invoke()
    except SystemExit as stop:
        return _code_of(stop)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        _forget_stdout()
        return ExitCode.REFUSED
    # The outermost handler: whatever arrives here would be a traceback on a user's screen.
    except Exception as error:  # noqa: BLE001
        if debug:
            traceback.print_exc()
        return _explain(error)
    return ExitCode.OK


def _code_of(stop: SystemExit) -> int:
    if stop.code is None:
        return ExitCode.OK
    if not isinstance(stop.code, int):
        _say(str(stop.code))
        return ExitCode.REFUSED
    return _interrupted() if stop.code == ExitCode.INTERRUPTED else stop.code


def _interrupted() -> int:
    _say("Interrupted. What was done is recorded: the same command continues from here.")
    return ExitCode.INTERRUPTED


def _explain(error: Exception) -> int:
    if isinstance(error, CommandError):
        if str(error):
            _say(str(error))
        return error.code
    if type(error).__module__.startswith(_OURS):
        _say(str(error))
        return exit_code_of(type(error))
    if isinstance(error, OSError) and error.filename is not None:
        _say(f"{error.filename}: {error.strerror}; check that it exists and that your user may use it.")
        return ExitCode.FAILED
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _say("There is no space left on the disk; make some and run the command again.")
        return ExitCode.FAILED
    if isinstance(error, ModuleNotFoundError) and (extra := _extra_of(error.name or "")):
        _say(f"This needs the Python package `{error.name}`: pip install 'mlops-stacks[{extra}]'.")
        return ExitCode.REFUSED
    return _report(error)


def exit_code_of(kind: type[BaseException]) -> ExitCode:
    """The exit code of one of our own exceptions: the nearest base in the table, else that something failed."""
    for base in kind.__mro__:
        code = EXIT_CODES.get(f"{base.__module__}.{base.__qualname__}")
        if code is not None:
            return code
    return ExitCode.FAILED


_EXTRAS = {
    "pulumi_aws": "aws",
    "pulumi_gcp": "gcp",
    "pulumi_azure_native": "azure",
    "pulumi_kubernetes": "kubernetes",
    "psutil": "local",
    "supervisor": "local",
    "mlflow": "local",
    "pandas": "local",
    "fsspec": "local",
    "fastapi": "local",
    "uvicorn": "local",
    "jupyterlab": "workbench",
}


def _extra_of(module: str) -> str | None:
    return _EXTRAS.get(module.split(".")[0])


def _report(error: Exception) -> int:
    """Say in one sentence that this is our fault, and where the traceback is."""
    what = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    try:
        place = f"The traceback is in {_write_report(error)}; please attach it to a bug report"
    except OSError as problem:
        place = f"The traceback could not be written ({problem.strerror}); run it again with --debug and report that"
    _say(f"This is a fault of mlops-stacks, not of yours: {what}. {place}.")
    return ExitCode.FAILED


def report_folder() -> Path:
    """Where tracebacks of unexpected errors are kept."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "mlops-stacks" / "errors"


def _write_report(error: Exception) -> Path:
    import platform
    import time

    from mlops_stacks.cli.version import version

    folder = report_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in sorted(folder.glob("*.txt"))[: -_KEPT_REPORTS + 1]:
        old.unlink(missing_ok=True)
    # Arguments are left out: input of a prediction may be confidential.
    verb = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    head = f"mlops-stacks {version()} {verb}\nPython {platform.python_version()} on {platform.platform()}\n\n"
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(head + "".join(traceback.format_exception(error)))
    return path


def _say(sentence: str) -> None:
    """To stderr, whatever characters are in it."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    text = f"{sentence}\n".encode(encoding, "backslashreplace").decode(encoding)
    sys.stderr.write(text)
    sys.stderr.flush()


def _forget_stdout() -> None:
    """The reader is gone: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
