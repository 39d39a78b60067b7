"""What tests of every area share."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import prometheus_client  # noqa: F401 - before Feast, which makes whoever imports it later share counts between processes
import pytest
from goldens import check_golden
from hypothesis import HealthCheck, settings

# A shell starts what it puts in the background deaf to interrupts, and children inherit that; some tests send them.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines differ in speed: how long one example takes says nothing about whether it is right.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the golden tests; begin with the files that may take longest, so that no worker waits for them at the end.

    Whoever asks for the `golden` fixture is a golden test: `python3 run.py golden` runs these.
    """
    longest: dict[Path, float] = {}
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")
        limit = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0), limit.args[0] if limit else 0)
    items.sort(key=lambda item: -longest[item.path])


@pytest.fixture
def golden() -> Any:
    """`golden(name, text)` compares a text with its golden file."""
    return check_golden
