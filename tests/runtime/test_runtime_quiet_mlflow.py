"""Warnings of MLflow's plugins: what is of no use is not shown, everything else is."""

from __future__ import annotations

import logging

import pytest

from mlops_stacks.runtime.quiet_mlflow import hush

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:mlflow-tracking-server/flights"


@pytest.mark.parametrize(
    ("uri", "error", "shown"),
    [
        ("http://127.0.0.1:5000", IndexError("list index out of range"), False),
        ("https://mlflow.example.org", IndexError("list index out of range"), False),
        (ARN, IndexError("list index out of range"), True),
        ("http://127.0.0.1:5000", RuntimeError("no token"), True),
    ],
)
def test_a_plain_server_has_no_arn_to_be_warned_of(
    uri: str, error: Exception, shown: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mlflow = pytest.importorskip("mlflow")
    from mlflow.tracking.request_header import registry

    class Broken:
        def in_context(self) -> bool:
            raise error

    hush()
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: uri)
    monkeypatch.setattr(registry, "_request_header_provider_registry", [Broken()])
    # MLflow's loggers do not hand on to the root, which is where pytest listens.
    logger = logging.getLogger(registry.__name__)
    logger.addHandler(caplog.handler)
    try:
        registry.resolve_request_headers()
    finally:
        logger.removeHandler(caplog.handler)
    assert (str(error) in caplog.text) is shown
