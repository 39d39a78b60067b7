"""Versions of a model as the registry of a deployed blueprint has them.

Reading speaks MLflow's REST API with the standard library, because MLflow's client needs a second to be imported and
every `up` reads. Writing, and registries that are no HTTP address, go through the runtime's own `Registry`.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.http import NoAnswerError, request
from mlops_stacks.project import Project
from mlops_stacks.runtime import lineage

if TYPE_CHECKING:
    from mlops_stacks.runtime.registry import Registry
    from mlops_stacks.runtime.registry_sagemaker import SageMakerRegistry

_TIMEOUT_SECONDS = 15.0
_PAGE = 1000


class RegistryError(Exception):
    """The registry cannot be asked, or does not hold what was asked for."""


@dataclass(frozen=True)
class Version:
    """One version of a model."""

    number: int
    approval: str
    """`pending`, `approved` or `rejected`."""
    approved_by: str
    rejected_because: str
    stage: str
    """`Staging`, `Production`, `Archived`, or empty."""
    created: str
    """ISO 8601, UTC."""
    metrics: Mapping[str, float]
    lineage: Mapping[str, str]
    """All its tags: where it came from."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True)
class ModelRegistry:
    """The registry of a deployed blueprint."""

    registry_uri: str
    tracking_uri: str | None
    names: Mapping[str, str]
    """Model of the blueprint -> name in the registry."""

    def versions(self, model: str) -> list[Version]:
        """All versions of a model of the blueprint, newest first. Raises `RegistryError`."""
        name = self.name(model)
        if self.registry_uri.startswith(("http://", "https://")):
            raw = _search(self.registry_uri, name)
            found = [_version(v["version"], v.get("creation_timestamp"), _tags(v)) for v in raw]
        else:
            found = [_version(v.version, v.creation_timestamp, dict(v.tags)) for v in self.writable().versions(name)]
        return sorted(found, key=lambda version: version.number, reverse=True)

    def version(self, model: str, number: int) -> Version:
        """One version. Raises `RegistryError`, which names those that exist."""
        found = self.versions(model)
        for version in found:
            if version.number == number:
                return version
        known = ", ".join(str(version.number) for version in found) or "none yet: run its pipeline first"
        raise RegistryError(f"model `{model}` has no version {number} (it has {known})")

    def name(self, model: str) -> str:
        """What the registry calls a model of the blueprint. Raises `RegistryError`."""
        if model not in self.names:
            known = ", ".join(sorted(self.names)) or "none"
            raise RegistryError(
                f"the blueprint's registry has no model `{model}` (it has {known}); run `up` after adding"
            )
        return self.names[model]

    def writable(self) -> Registry | SageMakerRegistry:
        """The runtime's registry, which records approvals and rejections. Raises `RuntimeFault`s."""
        from mlops_stacks.runtime.registry import open_registry

        return open_registry(self.tracking_uri, self.registry_uri)


def registry_of(project: Project, executor: Executor) -> ModelRegistry:
    """The registry that `up` made. Raises `RegistryError` where the blueprint has none."""
    if project.blueprint.shared.settings.stages.model_registry is None:
        raise RegistryError("the blueprint has no stage `model_registry`, so there are no versions")
    exports = executor.outputs(project.blueprint.stack(SHARED))
    contract = exports.get(Stage.MODEL_REGISTRY.value)
    if contract is None:
        raise RegistryError("the shared stack has no registry yet: run `mlops-stacks up` first")
    tracking = exports.get(Stage.EXPERIMENT_TRACKING.value, {}).get("tracking_uri")
    return ModelRegistry(contract["registry_uri"], tracking, contract["registered_models"])


def _search(server: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        query = {"filter": f"name='{name}'", "max_results": str(_PAGE)}
        answer = _get(server, "model-versions/search", {**query, "page_token": token} if token else query)
        found += answer.get("model_versions", [])
        token = answer.get("next_page_token") or None
    return found


def _get(server: str, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    url = f"{server.rstrip('/')}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
    try:
        answer = request(url, seconds=_TIMEOUT_SECONDS)
        found: dict[str, Any] = answer.json() if answer.ok else {}
    except NoAnswerError as error:
        raise RegistryError(f"the registry does not answer ({error}); run `mlops-stacks up`") from error
    except ValueError as error:
        raise RegistryError(f"what answers at {server} is no MLflow server") from error
    if not answer.ok:
        raise RegistryError(f"the registry at {server} answered with status {answer.status}")
    return found


def _tags(raw: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in raw.get("tags", [])}


def _version(number: Any, created_ms: Any, tags: dict[str, str]) -> Version:
    prefix = lineage.METRIC_PREFIX
    created = datetime.fromtimestamp(int(created_ms or 0) / 1000, UTC)
    return Version(
        number=int(number),
        approval=tags.get(lineage.APPROVAL, "pending"),
        approved_by=tags.get(lineage.APPROVED_BY, ""),
        rejected_because=tags.get("rejected_because", ""),
        stage=tags.get(lineage.STAGE, ""),
        created=created.isoformat(timespec="seconds"),
        metrics={key.removeprefix(prefix): float(tags[key]) for key in tags if key.startswith(prefix)},
        lineage=tags,
    )
