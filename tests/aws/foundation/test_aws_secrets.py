"""A step on AWS takes its secrets from Secrets Manager, and says which one is missing without its value."""

from __future__ import annotations

import os

import boto3
import pytest

from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.secrets import take_secrets


def test_a_step_gets_the_text_of_a_secret(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "before")
    boto3.client("secretsmanager").create_secret(Name="flights/api", SecretString="sesame")
    take_secrets({"API_KEY": {"source": "manager", "key": "flights/api"}})
    assert os.environ["API_KEY"] == "sesame"


def test_a_missing_secret_is_named(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY", raising=False)
    with pytest.raises(SettingsError, match=r"`API_KEY` cannot be read from Secrets Manager \(flights/none\)"):
        take_secrets({"API_KEY": {"source": "manager", "key": "flights/none"}})


def test_a_secret_without_text_is_refused(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY", raising=False)
    boto3.client("secretsmanager").create_secret(Name="flights/bytes", SecretBinary=b"sesame")
    with pytest.raises(SettingsError, match="holds no text") as refused:
        take_secrets({"API_KEY": {"source": "manager", "key": "flights/bytes"}})
    assert "sesame" not in str(refused.value)
