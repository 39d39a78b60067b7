"""The workload's wheel: built from a clean checkout, and looked into before it is kept."""

from __future__ import annotations

import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

from mlops_components.spec.delivery import CiSettings
from mlops_stacks.runtime.delivery.commands import BuildError, Log, clean_environment, refuse_failure, run_logged


def build_wheel(folder: Path, settings: CiSettings, log: Log, target: Path, commit_time: int) -> Path:
    """Build the wheel of the project in `folder` into the empty folder `target`. Raises `BuildError`.

    Where the project's build backend is installed beside the platform, nothing is downloaded. The same commit gives
    the same bytes.
    """
    if find_spec("pip") is None:
        raise BuildError("the wheel cannot be built without pip: install it beside mlops-stacks.")
    isolation = ["--no-build-isolation"] if _backend_is_here(folder / "pyproject.toml") else []
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    environment = clean_environment({"SOURCE_DATE_EPOCH": str(max(commit_time, _FIRST_MOMENT_OF_ZIP))})
    limit = settings["timeout_minutes"]
    command += [*isolation, "--wheel-dir", str(target), str(folder)]
    ended = run_logged(command, folder, log, limit * 60, environment)
    refuse_failure(ended, "pip and the build of the wheel", limit)
    wheel = next(target.glob("*.whl"))
    _refuse_unusable(wheel)
    return wheel


_FIRST_MOMENT_OF_ZIP = 315_532_800
"""1980-01-01, before which a zip file knows no time."""


def _backend_is_here(project: Path) -> bool:
    try:
        build_system = tomllib.loads(project.read_text(encoding="utf-8")).get("build-system", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildError(f"the `pyproject.toml` of the workload cannot be read: {error}.") from error
    backend = str(build_system.get("build-backend", "setuptools")).partition(":")[0].partition(".")[0]
    return "backend-path" not in build_system and find_spec(backend) is not None


def _refuse_unusable(wheel: Path) -> None:
    """A package is put on the import path as it is: what an installer would move elsewhere would be missing."""
    with zipfile.ZipFile(wheel) as archive:
        moved = next((name for name in archive.namelist() if name.split("/")[0].endswith(".data")), None)
    if moved is not None:
        raise BuildError(
            f"the wheel holds `{moved}`, which belongs outside the import path: keep data inside the package."
        )


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel into `folder`."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
