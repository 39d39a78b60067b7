"""Versions of models in MLflow's registry, their approval and their stage, kept in tags and aliases.

MLflow's own stages are deprecated. A version carries the tags `approval` (pending, approved, rejected) and `stage`
(Staging, Production, Archived); the aliases `staging` and `production` point at one version each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.errors import RuntimeFault
from mlops_stacks.runtime.quiet_mlflow import mlflow_errors
from mlops_stacks.runtime.tracking import is_sagemaker, mlflow_client

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from mlops_stacks.runtime.registry_sagemaker import SageMakerRegistry


class UnknownVersionError(RuntimeFault):
    """The registry does not hold this version of the model."""

    exit_code = 2


class Registry:
    """A model registry that speaks MLflow."""

    def __init__(self, tracking_uri: str | None, registry_uri: str | None) -> None:
        """Connect; at least one of the two URIs must be given."""
        self.uri = registry_uri or tracking_uri
        self.client = mlflow_client(tracking_uri, registry_uri)

    def versions(self, model: str) -> list[ModelVersion]:
        """All versions of `model`, newest first; none where the model is not known."""
        with mlflow_errors(f"the versions of `{model}` could not be read", self.uri):
            found = self.client.search_model_versions(f"name='{model}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def version(self, model: str, version: str) -> ModelVersion:
        """One version. Raises `UnknownVersionError`, which names those that exist."""
        found = self.versions(model)
        for candidate in found:
            if str(candidate.version) == version:
                return candidate
        known = ", ".join(str(candidate.version) for candidate in found) or "none yet"
        raise UnknownVersionError(f"the model `{model}` has no version {version} (it has: {known}).")

    def latest_approved(self, model: str) -> str | None:
        """The newest approved version, or None."""
        approved = (v for v in self.versions(model) if v.tags.get(lineage.APPROVAL) == "approved")
        return next((str(version.version) for version in approved), None)

    def metrics(self, model: str, version: str) -> dict[str, float]:
        """The metrics of the run that made a version; of a version without a run, those in its tags."""
        found = self.version(model, version)
        prefix = lineage.METRIC_PREFIX
        tagged = {n.removeprefix(prefix): float(v) for n, v in found.tags.items() if n.startswith(prefix)}
        if not found.run_id:
            return tagged
        with mlflow_errors(f"the metrics of version {version} of `{model}` could not be read", self.uri):
            return {**tagged, **self.client.get_run(found.run_id).data.metrics}

    def register(self, model: str, source: str, run_id: str | None, tags: Mapping[str, str]) -> str:
        """The version of this pipeline run: made once, found again afterwards. It becomes `staging`."""
        run = tags[lineage.PIPELINE_RUN]
        ours = [v for v in self.versions(model) if v.tags.get(lineage.PIPELINE_RUN) == run]
        if ours:
            return str(ours[0].version)
        self._ensure_model(model)
        with mlflow_errors(f"a version of `{model}` could not be registered", self.uri):
            made = self.client.create_model_version(model, source, run_id, tags={**tags, lineage.STAGE: "Staging"})
            self.client.set_registered_model_alias(model, "staging", made.version)
        return str(made.version)

    def approve(self, model: str, version: str, approver: str) -> None:
        """Record that `approver` lets this version serve."""
        self._tag(model, version, {lineage.APPROVAL: "approved", lineage.APPROVED_BY: approver})

    def reject(self, model: str, version: str, reason: str) -> None:
        """Record that this version must not serve (again), and why."""
        self._tag(model, version, {lineage.APPROVAL: "rejected", "rejected_because": reason, lineage.STAGE: "Archived"})

    def released(self, model: str, version: str) -> None:
        """Record that this version serves now, and that the one before it is archived."""
        self.version(model, version)
        for other in self.versions(model):
            if other.tags.get(lineage.STAGE) == "Production" and str(other.version) != version:
                self._tag(model, str(other.version), {lineage.STAGE: "Archived"})
        self._tag(model, version, {lineage.STAGE: "Production"})
        with mlflow_errors(f"the alias of `{model}` could not be set", self.uri):
            self.client.set_registered_model_alias(model, "production", version)

    def _tag(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        self.version(model, version)
        with mlflow_errors(f"version {version} of `{model}` could not be tagged", self.uri):
            for name, value in tags.items():
                self.client.set_model_version_tag(model, version, name, value)

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        with mlflow_errors(f"the registered model `{model}` could not be made", self.uri):
            try:
                self.client.create_registered_model(model)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise


def open_registry(tracking_uri: str | None, registry_uri: str | None) -> Registry | SageMakerRegistry:
    """The registry behind a URI: SageMaker's for `sagemaker://<region>`, else one that speaks MLflow."""
    if is_sagemaker(registry_uri):
        from mlops_stacks.runtime.registry_sagemaker import SageMakerRegistry

        return SageMakerRegistry(str(registry_uri))
    return Registry(tracking_uri, registry_uri)
