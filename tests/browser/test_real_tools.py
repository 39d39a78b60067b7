"""A missing tool skips a test on a laptop, and fails it in CI."""

from __future__ import annotations

import pytest
from real_tools import needed


def test_a_tool_that_is_there_is_found() -> None:
    assert needed("no-such-program-anywhere", "sh", package="dash").endswith("/sh")


def test_a_missing_tool_skips_the_test_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match=r"no no-such-program-anywhere on PATH .*apt-get install ghost"):
        needed("no-such-program-anywhere", package="ghost")


def test_a_missing_tool_fails_the_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"\.ci/run installs it"):
        needed("no-such-program-anywhere", package="ghost")
