"""Fetches a step's secrets: documents say where they are, and only the step's own environment has their values."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from mlops_components.spec.settings import SecretRef
from mlops_stacks.runtime.errors import SettingsError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def take_secrets(references: Mapping[str, SecretRef]) -> None:
    """Set the environment variables of this process, or none of them and raise `SettingsError`."""
    os.environ.update({variable: _value(variable, reference) for variable, reference in references.items()})


def _value(variable: str, reference: SecretRef) -> str:
    if reference["source"] == "environment":
        return _from_environment(variable, reference["key"])
    if reference["source"] == "file":
        return _from_file(variable, Path(reference["key"]))
    if reference["source"] == "manager":
        return _from_manager(variable, reference["key"])
    raise SettingsError(
        f"the secret `{variable}` has the source `{reference['source']}`, which steps on this platform cannot read: "
        "write `environment`, `file` or `manager`."
    )


def _from_environment(variable: str, key: str) -> str:
    value = os.environ.get(key)
    if not value:
        raise SettingsError(
            f"the secret `{variable}` is missing: set the environment variable `{key}` where the run is started "
            "(for scheduled runs: where the first `up` is)."
        )
    return value


def _from_manager(variable: str, key: str) -> str:
    """The text of a secret in AWS Secrets Manager, its current version."""
    # Imported here: only steps on AWS have, or need, the SDK.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=key)
    except (BotoCoreError, ClientError) as error:
        raise SettingsError(f"the secret `{variable}` cannot be read from Secrets Manager ({key}): {error}") from error
    value: str | None = answer.get("SecretString")
    if not value:
        raise SettingsError(f"the secret `{variable}` is missing: {key} in Secrets Manager holds no text.")
    return value


def _from_file(variable: str, path: Path) -> str:
    """The file's text without the line break at its end. A file that others may read keeps no secret."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SettingsError(
                    f"the secret `{variable}` is in {path}, which others than its owner may use: `chmod 600` it."
                )
            value = file.read().decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SettingsError(
            f"the secret `{variable}` is missing: the file {path} cannot be read ({error.strerror})."
        ) from error
    except UnicodeDecodeError:
        # What is not text may well be the secret itself: the error that holds it must not be kept.
        raise SettingsError(f"the secret `{variable}` in the file {path} is not UTF-8 text.") from None
    if not value or "\0" in value:
        raise SettingsError(f"the secret `{variable}` is missing: the file {path} holds no text.")
    return value
