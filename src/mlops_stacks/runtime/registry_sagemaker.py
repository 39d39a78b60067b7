"""Versions of models as SageMaker model packages: the same questions and records as MLflow's registry takes.

A model is a group of model packages, named by its ARN. Approval is the package's own status; what else is recorded
stands in its customer metadata, of which SageMaker keeps 50 entries of 256 characters. What does not fit there is
whole in the run folder (`lineage.json`) and in the version's model card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.errors import TrackingError
from mlops_stacks.runtime.registry import UnknownVersionError

SCHEME = "sagemaker://"
"""`sagemaker://<region>` is the registry URI of SageMaker's model packages in that region."""

RUN_FOLDER = "mlops_stacks.run_folder"
MLFLOW_RUN = "mlops_stacks.mlflow_run"
"""Tags that only a registry without runs of its own needs."""

_ENTRIES, _VALUE = 50, 256
_RESERVED = (lineage.APPROVED_BY, "rejected_because", lineage.STAGE)
"""Records that are made later; there is always room for them."""
_FOREIGN = re.compile(r"[^\w .:/=+\-@]")
_STATUS = {"pending": "PendingManualApproval", "approved": "Approved", "rejected": "Rejected"}
_APPROVAL = {status: approval for approval, status in _STATUS.items()}


@dataclass(frozen=True)
class PackagedModel:
    """What a version consists of, beside its tags."""

    archive: str
    """URI of the `model.tar.gz`."""
    image: str
    """Image that serves it."""
    evaluation: str
    """URI of its metrics (JSON)."""
    card: str
    """Content of its model card (JSON)."""


@dataclass(frozen=True)
class ModelPackage:
    """One version; the names are MLflow's, so that either registry can be asked."""

    version: str
    arn: str
    tags: Mapping[str, str]
    creation_timestamp: int
    """Milliseconds since 1970."""

    @property
    def run_id(self) -> str | None:
        """The MLflow run that made it, if runs are tracked."""
        return self.tags.get(MLFLOW_RUN)


class SageMakerRegistry:
    """SageMaker's model registry in one region. `model` is always the name or ARN of a model package group."""

    def __init__(self, uri: str) -> None:
        """Make a client for `sagemaker://<region>`; nothing is asked yet."""
        import botocore.session

        self.uri = uri
        session = botocore.session.get_session()
        with _aws_errors("SageMaker cannot be used"):
            self.client = session.create_client("sagemaker", region_name=uri.removeprefix(SCHEME) or None)

    def versions(self, model: str) -> list[ModelPackage]:
        """All versions of `model`, newest first."""
        with _aws_errors(f"the versions of `{model}` could not be read"):
            found = [self._described(summary["ModelPackageArn"]) for summary in self._summaries(model)]
        return sorted(found, key=lambda package: int(package.version), reverse=True)

    def version(self, model: str, version: str) -> ModelPackage:
        """One version. Raises `UnknownVersionError`, which names those that exist."""
        with _aws_errors(f"version {version} of `{model}` could not be read"):
            summaries = list(self._summaries(model))
            for summary in summaries:
                if str(summary["ModelPackageVersion"]) == version:
                    return self._described(summary["ModelPackageArn"])
        known = ", ".join(str(summary["ModelPackageVersion"]) for summary in summaries) or "none yet"
        raise UnknownVersionError(f"the model `{_short(model)}` has no version {version} (it has: {known}).")

    def latest_approved(self, model: str) -> str | None:
        """The newest approved version, or None."""
        with _aws_errors(f"the versions of `{model}` could not be read"):
            for summary in self._summaries(model, ModelApprovalStatus=_STATUS["approved"]):
                return str(summary["ModelPackageVersion"])
        return None

    def metrics(self, model: str, version: str) -> dict[str, float]:
        """The metrics with which a version was registered."""
        prefix = lineage.METRIC_PREFIX
        tags = self.version(model, version).tags
        return {name.removeprefix(prefix): float(value) for name, value in tags.items() if name.startswith(prefix)}

    def register(self, model: str, packaged: PackagedModel, tags: Mapping[str, str]) -> str:
        """The version of this pipeline run: made once, found again afterwards. It becomes `Staging`."""
        described = f"Pipeline run {tags[lineage.PIPELINE_RUN]} in {tags[lineage.ENVIRONMENT]}"
        with _aws_errors(f"a version of `{_short(model)}` could not be registered"):
            for summary in self._summaries(model):
                if summary.get("ModelPackageDescription") == described:
                    return str(summary["ModelPackageVersion"])
            made = self.client.create_model_package(**_request(model, packaged, tags, described))
        return str(made["ModelPackageArn"]).rsplit("/", 1)[-1]

    def approve(self, model: str, version: str, approver: str) -> None:
        """Record that `approver` lets this version serve."""
        self._update(model, version, {lineage.APPROVED_BY: approver}, "approved", f"approved by {approver}")

    def reject(self, model: str, version: str, reason: str) -> None:
        """Record that this version must not serve (again), and why."""
        tags = {"rejected_because": reason, lineage.STAGE: "Archived"}
        self._update(model, version, tags, "rejected", reason)

    def released(self, model: str, version: str) -> None:
        """Record that this version serves now, and that the one before it is archived."""
        for other in self.versions(model):
            if other.tags.get(lineage.STAGE) == "Production" and other.version != version:
                self._update(model, other.version, {lineage.STAGE: "Archived"})
        self._update(model, version, {lineage.STAGE: "Production"})

    def _summaries(self, model: str, **more: Any) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=model, SortBy="CreationTime", SortOrder="Descending", **more
        )
        for page in pages:
            yield from page["ModelPackageSummaryList"]

    def _described(self, arn: str) -> ModelPackage:
        found = self.client.describe_model_package(ModelPackageName=arn)
        tags = dict(found.get("CustomerMetadataProperties") or {})
        tags[lineage.APPROVAL] = _APPROVAL.get(found.get("ModelApprovalStatus", ""), "pending")
        return ModelPackage(str(found["ModelPackageVersion"]), arn, tags, _milliseconds(found["CreationTime"]))

    def _update(
        self, model: str, version: str, tags: Mapping[str, str], approval: str | None = None, why: str | None = None
    ) -> None:
        package = self.version(model, version)
        kept = {name: value for name, value in package.tags.items() if name != lineage.APPROVAL}
        # The status is said again where it does not change, and all metadata with it: an update is one whole record.
        request: dict[str, Any] = {
            "ModelPackageArn": package.arn,
            "ModelApprovalStatus": _STATUS[approval or package.tags[lineage.APPROVAL]],
            "CustomerMetadataProperties": metadata({**kept, **tags}, reserve=0),
        }
        if why:
            request["ApprovalDescription"] = " ".join(why.split())[:1024]
        with _aws_errors(f"version {version} of `{_short(model)}` could not be changed"):
            self.client.update_model_package(**request)


def metadata(tags: Mapping[str, str], *, reserve: int = len(_RESERVED)) -> dict[str, str]:
    """Tags as customer metadata: where they came from first, then metrics, then as many parameters as there is room."""

    def rank(name: str) -> int:
        return 2 if name.startswith(lineage.PARAMETER_PREFIX) else 1 if name.startswith(lineage.METRIC_PREFIX) else 0

    # SageMaker takes no empty value.
    chosen = sorted((name for name in tags if tags[name]), key=lambda name: (rank(name), name))[: _ENTRIES - reserve]
    return {_legal(name)[:128]: _legal(tags[name])[:_VALUE] for name in chosen}


def _legal(text: str) -> str:
    return _FOREIGN.sub("_", text)


def _request(model: str, packaged: PackagedModel, tags: Mapping[str, str], described: str) -> dict[str, Any]:
    properties = {name: value for name, value in tags.items() if name != lineage.APPROVAL}
    return {
        "ModelPackageGroupName": model,
        "ModelPackageDescription": described,
        "ModelApprovalStatus": _STATUS[tags[lineage.APPROVAL]],
        "InferenceSpecification": {
            "Containers": [{"Image": packaged.image, "ModelDataUrl": packaged.archive}],
            "SupportedContentTypes": ["application/json", "text/csv"],
            "SupportedResponseMIMETypes": ["application/json", "text/csv"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": packaged.evaluation}}
        },
        "MetadataProperties": {
            "CommitId": tags[lineage.COMMIT],
            "GeneratedBy": tags[lineage.PIPELINE_RUN],
            "ProjectId": f"{tags[lineage.BLUEPRINT]}/{tags[lineage.ENVIRONMENT]}",
        },
        "CustomerMetadataProperties": metadata({**properties, lineage.STAGE: "Staging"}),
        "ModelCard": {"ModelCardContent": packaged.card, "ModelCardStatus": "Draft"},
    }


def _short(model: str) -> str:
    """The name of a group, of its ARN or of itself."""
    return model.rsplit("/", 1)[-1]


def _milliseconds(moment: datetime | float) -> int:
    return int((moment.timestamp() if isinstance(moment, datetime) else float(moment)) * 1000)


@contextmanager
def _aws_errors(what: str) -> Iterator[None]:
    """Turn what botocore raises into one sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        raise TrackingError(f"{what}: AWS answered {said.get('Code')}: {said.get('Message')}") from error
    except BotoCoreError as error:
        raise TrackingError(f"{what}: {error}") from error
