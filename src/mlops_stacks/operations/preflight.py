"""What can be found out on this machine about whether `up` will work. Nothing here asks a cloud."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from mlops_stacks.blueprint import aws_region_types
from mlops_stacks.blueprint.ports import wanted_ports
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.operations.cautions import cautions
from mlops_stacks.operations.workload_files import lacks_of
from mlops_stacks.project import Project

_GIB = 1024**3
_DISK_GIB = 2.0
_MEMORY_GIB = 1.5
"""MLflow, a server, and a step that trains on some hundred thousand rows, side by side."""
_PULUMI_SECONDS = 20.0


class Outcome(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One line of the report. `remedy` is empty where there is nothing to mend."""

    name: str
    outcome: Outcome
    message: str
    remedy: str = ""


def preflight(project: Project, environment: str | None) -> Iterator[Check]:
    """Every check that matters for these scopes. Raises `UnknownEnvironmentError`."""
    scopes = project.scopes(environment)
    platforms = {
        chosen.platform for scope in scopes for _, chosen in project.blueprint.scope(scope).settings.stages.items()
    }
    yield _folder(project)
    yield from _workload(project, scopes)
    yield from (_extra(f"packages for {platform}", *_EXTRA_MODULES[platform]) for platform in sorted(platforms))
    yield from _extras_of_stages(project, scopes)
    if platforms - {Platform.LOCAL}:
        yield _pulumi()
        yield _secrets_provider()
    for platform in sorted(platforms - {Platform.LOCAL}):
        yield _credentials(platform)
    if Platform.LOCAL in platforms:
        yield _disk(project)
        yield _memory()
        yield _supervisor_folder(project)
        yield from _ports(project, scopes)
    if Platform.AWS in platforms:
        yield from _regions(project, scopes)
        yield from _quotas(project, environment)


def _folder(project: Project) -> Check:
    name = "folder"
    if not os.access(project.root, os.W_OK):
        return Check(name, Outcome.ERROR, f"{project.root} cannot be written to", "give your user access, or move it")
    return Check(name, Outcome.OK, f"{project.root} can be written to")


def _workload(project: Project, scopes: tuple[str, ...]) -> Iterator[Check]:
    if all(project.blueprint.scope(scope).settings.workload is None for scope in scopes):
        return
    lacks = list(lacks_of(project, scopes))
    for lack in lacks:
        yield Check("workload", Outcome.ERROR, lack.message, lack.remedy)
    if not lacks:
        yield Check("workload", Outcome.OK, "its entry point is there")


_EXTRA_MODULES = {
    Platform.AWS: ("aws", ("pulumi_aws",)),
    Platform.GCP: ("gcp", ("pulumi_gcp",)),
    Platform.AZURE: ("azure", ("pulumi_azure_native",)),
    Platform.KUBERNETES: ("kubernetes", ("pulumi_kubernetes",)),
    Platform.LOCAL: ("local", ("mlflow", "psutil", "supervisor", "fastapi", "uvicorn", "pandas")),
}


_STAGE_MODULES = {
    Stage.FEATURE_STORE: ("features", ("feast",)),
    Stage.WORKBENCH: ("workbench", ("jupyterlab", "ipykernel")),
    Stage.CONTINUOUS_INTEGRATION: ("ci", ("pytest", "hatchling")),
    Stage.MONITORING: ("drift", ("evidently",)),
}
"""What single stages of this machine need beside the rest."""


def _extra(name: str, extra: str, modules: tuple[str, ...]) -> Check:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        return Check(name, Outcome.ERROR, f"{', '.join(missing)} missing", f"pip install 'mlops-stacks[{extra}]'")
    return Check(name, Outcome.OK, "installed")


def _extras_of_stages(project: Project, scopes: tuple[str, ...]) -> Iterator[Check]:
    here = {
        stage
        for scope in scopes
        for stage, chosen in project.blueprint.scope(scope).settings.stages.items()
        if chosen.platform is Platform.LOCAL
    }
    for stage, (extra, modules) in _STAGE_MODULES.items():
        if stage in here:
            yield _extra(f"packages for {stage}", extra, modules)


def _pulumi() -> Check:
    name, program = "Pulumi CLI", shutil.which("pulumi")
    if program is None:
        return Check(name, Outcome.ERROR, "it is not on PATH", "install it as pulumi.com/docs/install says")
    try:
        answer = subprocess.run(
            [program, "version"], capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name, Outcome.ERROR, f"{program} does not run ({error})", "install it anew")
    return Check(name, Outcome.OK, answer.stdout.strip())


def _secrets_provider() -> Check:
    name = "Pulumi state"
    backend = os.environ.get("PULUMI_BACKEND_URL")
    logged_in = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"), "credentials.json").is_file()
    if backend or logged_in:
        return Check(name, Outcome.OK, "a backend is chosen")
    return Check(name, Outcome.WARNING, "no backend is chosen", "`mlops-stacks bootstrap` says how")


def _file(*parts: str) -> Path:
    return Path.home().joinpath(*parts)


_CREDENTIALS: Mapping[Platform, tuple[tuple[str, ...], Callable[[], Path], str]] = {
    Platform.AWS: (
        ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        lambda: _file(".aws", "credentials"),
        "run `aws sso login` or `aws configure`, and set AWS_PROFILE",
    ),
    Platform.GCP: (
        ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"),
        lambda: _file(".config", "gcloud", "application_default_credentials.json"),
        "run `gcloud auth application-default login`",
    ),
    Platform.AZURE: (
        ("ARM_CLIENT_ID", "ARM_USE_OIDC", "ARM_USE_MSI", "AZURE_CLIENT_ID"),
        lambda: _file(".azure", "azureProfile.json"),
        "run `az login`",
    ),
    Platform.KUBERNETES: (("KUBECONFIG",), lambda: _file(".kube", "config"), "write a kubeconfig, or set KUBECONFIG"),
}


def _credentials(platform: Platform) -> Check:
    """Whether there are credentials at all; whether they are good, only the cloud knows."""
    variables, file, remedy = _CREDENTIALS[platform]
    name = f"credentials for {platform}"
    found = next((variable for variable in variables if os.environ.get(variable)), None)
    if found:
        return Check(name, Outcome.OK, f"from {found} (not tried)")
    if file().is_file():
        return Check(name, Outcome.OK, f"from {file()} (not tried)")
    return Check(name, Outcome.ERROR, "none found in the environment or at home", remedy)


def _disk(project: Project) -> Check:
    free = shutil.disk_usage(project.root).free / _GIB
    message = f"{free:.1f} GiB free at {project.root}"
    if free < _DISK_GIB:
        return Check("disk", Outcome.WARNING, message, f"make at least {_DISK_GIB:.0f} GiB free")
    return Check("disk", Outcome.OK, message)


def _memory() -> Check:
    if find_spec("psutil") is None:
        return Check(
            "memory", Outcome.WARNING, "it cannot be measured without psutil", "pip install 'mlops-stacks[local]'"
        )
    import psutil

    free = psutil.virtual_memory().available / _GIB
    message = f"{free:.1f} GiB available"
    if free < _MEMORY_GIB:
        return Check("memory", Outcome.WARNING, message, f"end other programs: about {_MEMORY_GIB} GiB are needed")
    return Check("memory", Outcome.OK, message)


def _supervisor_folder(project: Project) -> Check:
    """supervisord takes these characters for a pattern."""
    found = re.findall(r"[\[\]*?]", str(project.root))
    if found:
        remedy = "move the project to a folder without []*?"
        return Check(
            "path", Outcome.ERROR, f"{project.root} has `{found[0]}` in it, which the supervisor cannot take", remedy
        )
    return Check("path", Outcome.OK, "the supervisor can work with it")


def _ports(project: Project, scopes: tuple[str, ...]) -> Iterator[Check]:
    wanted = [port for port in wanted_ports(project.blueprint) if port.scope in scopes]
    if not wanted:
        free = _is_free(0)
        message = "a free one will be chosen" if free else "no port of 127.0.0.1 can be had"
        yield Check("ports", Outcome.OK if free else Outcome.ERROR, message, "" if free else "end what holds them")
    deployed = any((project.home / "state").glob("*.json"))
    for each in wanted:
        port, purpose = each.port, each.purpose
        if _is_free(port):
            yield Check(f"port {port}", Outcome.OK, f"free for {purpose}")
        elif deployed:
            yield Check(f"port {port}", Outcome.OK, f"in use, by {purpose} itself if it runs already")
        else:
            remedy = "end that program, or choose another port in the blueprint"
            yield Check(f"port {port}", Outcome.ERROR, f"wanted for {purpose}, held by another program", remedy)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _regions(project: Project, scopes: tuple[str, ...]) -> Iterator[Check]:
    """What is in a region was looked up when this was written; only the account knows what is there today."""
    name = "region"
    targets = (project.blueprint.scope(scope).target_on(Platform.AWS) for scope in scopes)
    for region in sorted({target.region for target in targets if isinstance(target, AwsTarget)}):
        if region in aws_region_types.UNKNOWN:
            remedy = "look the services up in AWS's list of services by region"
            yield Check(name, Outcome.WARNING, f"what AWS has in {region} cannot be known here", remedy)
        else:
            message = f"{region} was compared with {aws_region_types.SOURCE}; machines only the account knows"
            yield Check(name, Outcome.OK, message)
    for caution in cautions(project, scopes):
        yield Check(caution.rule, Outcome.WARNING, caution.message, caution.fix)


_QUOTAS = {
    "aws:s3/bucket:Bucket": ("S3 general purpose buckets", 10_000),
    "aws:iam/role:Role": ("IAM roles", 1_000),
    "aws:iam/policy:Policy": ("IAM customer managed policies", 1_500),
}
"""Type -> name of the quota, and what an account has by default (AWS documentation, 2025)."""


def _quotas(project: Project, environment: str | None) -> Iterator[Check]:
    """What the plan takes of quotas that accounts run out of."""
    if find_spec("pulumi_aws") is None:
        return
    from mlops_stacks.operations.planning import plan

    counts = Counter(resource.type for resource in plan(project, environment).resources)
    for token, (name, default) in _QUOTAS.items():
        if counts[token]:
            yield Check("quota", Outcome.OK, f"{counts[token]} of {name}; an account has {default:,} by default")
