"""What the proofs of AWS's stages share: an emulator of AWS that runs here, apart."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ACCOUNT, REGION = "123456789012", "eu-central-1"
"""The emulator's account; and the region that the tests ask it for."""

_OWN = Path(__file__).parents[2] / ".venvs" / "aws-emulator" / "bin" / "moto_server"
SERVER = str(_OWN) if _OWN.exists() else shutil.which("moto_server")
_START_SECONDS = 60
"""It takes 1 s here; where two cores are busy with other suites, much longer."""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _end_with_parent() -> None:
    """Let the emulator end when the test run does, killed or not (Linux has a way to ask for that)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the emulator ended with {process.returncode}"
        try:
            with urllib.request.urlopen(f"{url}/moto-api/", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the emulator did not answer within {_START_SECONDS} s")


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[str]:
    """The address of the emulator, started once for all tests that need it."""
    if SERVER is None:
        pytest.skip("moto_server is neither in .venvs/aws-emulator nor on PATH; `python3 run.py` installs it there")
    port = _free_port()
    command = [SERVER, "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_end_with_parent
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def emulator(emulator_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty AWS. Whatever asks for an AWS in this test, in this process or a child, meets this one.

    Its account is `ACCOUNT`. There are credentials in the environment, and no profile or configuration of a person's.
    """
    urllib.request.urlopen(urllib.request.Request(f"{emulator_server}/moto-api/reset", method="POST"), timeout=30)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": emulator_server,
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return emulator_server
