"""Brings a model's files here, where its URI is the ARN of a model package of SageMaker.

Inside SageMaker's own containers the files are there already. Elsewhere the package says where they are: an archive in
S3, or a folder.
"""

from __future__ import annotations

import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.features.aws_clients import aws_errors, client
from mlops_stacks.runtime.folder import file_system

_PACKAGE = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):[0-9]{12}:model-package/.+/[0-9]+")


class ModelFilesError(RuntimeFault):
    """The files of a model could not be brought."""


def local_uri(uri: str) -> str:
    """What MLflow loads: the URI itself, or a folder with the files of the model package that it names.

    Raises `ModelFilesError` or `SettingsError`.
    """
    package = _PACKAGE.fullmatch(uri)
    if package is None:
        return uri
    with aws_errors(f"the model package {uri} could not be looked up", ModelFilesError):
        described = client("sagemaker", package["region"]).describe_model_package(ModelPackageName=uri)
    return str(_brought(_source(described, uri)))


def _source(described: dict[str, Any], uri: str) -> str:
    """Where the files are."""
    (container, *_) = described.get("InferenceSpecification", {}).get("Containers") or [{}]
    folder = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    source = container.get("ModelDataUrl") or folder
    if not source:
        raise SettingsError(f"the model package {uri} says nothing about files: register the version anew.")
    return str(source)


def _brought(source: str) -> Path:
    """The files in a folder of this process."""
    folder = Path(tempfile.mkdtemp(prefix="model-"))
    fs, path = file_system(source)
    try:
        if source.endswith((".tar.gz", ".tgz")):
            archive = folder / "archive"
            fs.get_file(path, str(archive))
            with tarfile.open(archive) as packed:
                packed.extractall(folder / "model", filter="data")
            archive.unlink()
        else:
            fs.get(path.rstrip("/") + "/", f"{folder / 'model'}/", recursive=True)
    except (OSError, tarfile.TarError) as error:
        raise ModelFilesError(f"the files {source} could not be read: {error}.") from error
    return folder / "model"
