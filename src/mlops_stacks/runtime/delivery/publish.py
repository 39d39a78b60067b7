"""Makes a pipeline package of what a build made, and starts its delivery. Runs in the last build of CI 1 on AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_components.spec.delivery import CiSettings
from mlops_stacks.runtime.delivery.build import settings_digest
from mlops_stacks.runtime.delivery.commands import BuildError
from mlops_stacks.runtime.delivery.records import TEST_REPORT, Package, file_sha256
from mlops_stacks.runtime.delivery.smoke import smoke_spec
from mlops_stacks.runtime.delivery.sources import summary_of
from mlops_stacks.runtime.delivery.stores import S3Store
from mlops_stacks.runtime.documents import ci_settings
from mlops_stacks.runtime.run_status import now

SMOKE_REPORT = "smoke.json"
"""Metrics of the smoke models: model -> metric -> value."""


@dataclass(frozen=True)
class Built:
    """What the builds before handed on."""

    image: str
    """`<repository>@sha256:…`."""
    commit: str
    branch: str
    wheels: Path
    """Folder of the workload's wheel."""
    reports: Path
    """Folder of the reports of tests and smoke models."""


def publish(settings_uri: str, built: Built) -> Package:
    """Keep the package of what was built; the same image gives the same package. Raises `BuildError`."""
    settings = ci_settings(settings_uri)
    store = S3Store(settings["packages"])
    made = next((each for each in store.packages() if each.image == built.image), None)
    if made is not None:
        return made
    wheel = _wheel(built.wheels)
    tests = summary_of(built.reports / TEST_REPORT)
    smoke: Mapping[str, Mapping[str, float]] = _read(built.reports / SMOKE_REPORT)
    files = {wheel.name: wheel.read_bytes(), **_pipelines(settings)}
    if (built.reports / TEST_REPORT).exists():
        files[TEST_REPORT] = (built.reports / TEST_REPORT).read_bytes()

    def package(version: int) -> Package:
        return Package(
            version=version,
            blueprint=settings["blueprint"],
            commit=built.commit,
            branch=built.branch,
            created=now(),
            entry_point=settings["entry_point"],
            wheel=wheel.name,
            sha256=file_sha256(wheel),
            tests=tests,
            models=smoke,
            settings=settings_digest(settings),
            image=built.image,
        )

    return store.add(package, files)


def start_delivery(pipeline: str, package: Package) -> str:
    """Start the pipeline that delivers a package; returns the id of its run. Raises `BuildError`."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = boto3.client("codepipeline").start_pipeline_execution(
            name=pipeline, variables=[{"name": "PACKAGE", "value": str(package.version)}]
        )
    except (BotoCoreError, ClientError) as error:
        raise BuildError(f"package {package.version} is kept, but {pipeline} could not be started: {error}") from error
    return str(answer["pipelineExecutionId"])


def _wheel(folder: Path) -> Path:
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise BuildError(f"there are {len(found)} wheels in {folder}, not one: a package is made of the workload's.")
    return found[0]


def _pipelines(settings: CiSettings) -> dict[str, bytes]:
    return {
        f"pipelines/{name}.json": json.dumps(smoke_spec(model, settings), indent=2).encode()
        for name, model in settings["models"].items()
    }


def _read(report: Path) -> Any:
    return json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
