"""A registered flight-delay model, and requests for it as the server would have captured them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from monitoring_flights import Flights, captured_flights, trained_flights


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline whose run registered version 1 of the flight-delay model."""
    return trained_flights(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def flights(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Flights:
    """All flights from January to 5 May 2013, captured, each on its day."""
    return captured_flights(trained, tmp_path_factory.mktemp("captured"), "2013-01-01", "2013-05-05")
