"""Clients of AWS for the feature store, made where they are first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlops_stacks.runtime.errors import RuntimeFault, SettingsError


class FeatureStoreFaultError(RuntimeFault):
    """SageMaker refused, or could not be reached."""


def client(service: str, region: str, *, connections: int = 10, timeout: float = 60.0, attempts: int = 5) -> Any:
    """A client of a service. Raises `SettingsError` where boto3 is not installed."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise SettingsError(
            f"boto3 cannot be imported ({error}): run `pip install 'mlops-stacks[aws-runtime]'`."
        ) from error
    settings = Config(
        max_pool_connections=connections,
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"mode": "standard", "max_attempts": attempts},
    )
    return boto3.client(service, region_name=region, config=settings)


@contextmanager
def aws_errors(what: str, fault: type[RuntimeFault] = FeatureStoreFaultError) -> Iterator[None]:
    """Turn an error of AWS into one sentence that begins with `what`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise fault(f"{what}: {error}.") from error
