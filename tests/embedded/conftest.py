"""What the tests of the embedded executor share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_sample import end_sleepers, sleepers


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder with a `world` for effects in it; every process that a test leaves is ended."""
    world = tmp_path / "world"
    world.mkdir()
    yield tmp_path
    end_sleepers(world)
    assert sleepers(str(world)) == []
