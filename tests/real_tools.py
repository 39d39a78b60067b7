"""Tools that come with no Python package: where they may be missing, and where that hides a proof."""

from __future__ import annotations

import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def needed(*names: str, package: str) -> str:
    """The first of these programs on PATH; without one the test is skipped, and fails where CI has to have it."""
    for name in names:
        if found := shutil.which(name):
            return found
    missing = f"no {' or '.join(names)} on PATH (Debian: `apt-get install {package}`)"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{missing}: .ci/run installs it, so that no proof is skipped there", pytrace=False)
    pytest.skip(missing)
