"""Makes of a run's model what SageMaker registers: an archive, a model card, a version of a model package group."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.registry_sagemaker import MLFLOW_RUN, RUN_FOLDER, PackagedModel, SageMakerRegistry
from mlops_stacks.runtime.steps.evaluate import REPORT as EVALUATION
from mlops_stacks.runtime.steps.job import Job
from mlops_stacks.runtime.tracking import MODEL_ARTIFACT

ARCHIVE = "model.tar.gz"
_CARD_LIMIT = 100_000
"""Characters of a version's model card, by SageMaker's API."""


def register_package(job: Job, group: str, tags: Mapping[str, str], mlflow_run: str | None) -> str:
    """The version of this run in a model package group. Raises `SettingsError` where no image is known to serve it."""
    image = os.environ.get(lineage.IMAGE_VARIABLE)
    if not image:
        raise SettingsError(
            f"SageMaker registers a model with the image that serves it, but `{lineage.IMAGE_VARIABLE}` is not set "
            "in this step: deliver an image, and run `up`."
        )
    everything = {**tags, RUN_FOLDER: job.folder.uri, **({MLFLOW_RUN: mlflow_run} if mlflow_run else {})}
    packaged = PackagedModel(
        archive=_archived(job),
        image=image,
        evaluation=job.folder.location(EVALUATION),
        card=model_card(everything, job.folder.read_json(EVALUATION)),
    )
    return SageMakerRegistry(str(job.settings["registry_uri"])).register(group, packaged, everything)


def _archived(job: Job) -> str:
    """The model's folder as an archive, the same bytes for the same model."""
    archive = job.context.scratch / ARCHIVE
    with (
        job.folder.local_folder(MODEL_ARTIFACT) as model,
        archive.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in sorted(model.rglob("*")):
            tar.add(path, str(path.relative_to(model)), recursive=False, filter=_anonymous)
    return job.folder.put_file(Path(archive), ARCHIVE)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who made it and when."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def model_card(tags: Mapping[str, str], evaluation: Mapping[str, Any]) -> str:
    """The card of one version, as JSON in SageMaker's schema of model package cards."""
    metrics = [
        {"name": name, "type": "number", "value": float(value)}
        for name, value in sorted(evaluation["overall"].items())
        if float(value) == float(value)  # JSON has no word for what is not a number
    ]
    hidden = (lineage.METRIC_PREFIX, lineage.PARAMETER_PREFIX)
    parameters = {n.removeprefix(hidden[1]): v for n, v in tags.items() if n.startswith(hidden[1])}
    card = {
        "model_overview": {"model_creator": tags[lineage.BLUEPRINT]},
        "training_details": {
            "training_observations": f"Trained on data set {tags[lineage.DATASET_VERSION]} "
            f"by pipeline run {tags[lineage.PIPELINE_RUN]} in {tags[lineage.ENVIRONMENT]}."
        },
        "evaluation_details": [
            {"name": "evaluation", "metric_groups": [{"name": "overall", "metric_data": metrics}]},
        ],
        "additional_information": {
            "custom_details": {
                **{name: value for name, value in sorted(tags.items()) if not name.startswith(hidden)},
                "parameters": json.dumps(parameters, sort_keys=True),
            }
        },
    }
    text = json.dumps(card, sort_keys=True)
    if len(text) <= _CARD_LIMIT:
        return text
    card["additional_information"] = {"custom_details": {lineage.PIPELINE_RUN: tags[lineage.PIPELINE_RUN]}}
    return json.dumps(card, sort_keys=True)[:_CARD_LIMIT]
