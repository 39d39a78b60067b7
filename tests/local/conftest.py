"""A tiny real program and a supervisor in a folder of its own, and the promise that nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_helpers import web_program

from mlops_components.local import supervision
from mlops_components.local.providers import PortProvider, ProgramProvider, SupervisorProvider
from mlops_components.spec.marked import end, marked


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder whose name has what trips up configuration files; every process below it is ended."""
    folder = tmp_path / "my project; 100%s #1"
    folder.mkdir()
    yield folder
    left = marked(lambda value: value.startswith(str(folder)))
    if (daemon := supervision.find(supervision.Home(folder / "shared" / "supervisor"))) is not None:
        left.append(daemon)
    assert end(left) == []


@pytest.fixture
def supervisor(home: Path) -> dict[str, Any]:
    """The properties of a running supervisor."""
    registry = home / "ports.json"
    port = PortProvider().create({"registry": str(registry), "key": "supervisor", "preferred": None}).outs
    assert port is not None
    properties = {"directory": str(home / "shared" / "supervisor"), "port": float(port["port"]), "state": "running"}
    outs = SupervisorProvider().create(properties).outs
    assert outs is not None
    return outs


@pytest.fixture
def web(home: Path, supervisor: dict[str, Any]) -> dict[str, Any]:
    """The recorded state of a running web program."""
    outs = ProgramProvider().create(web_program(home)).outs
    assert outs is not None
    return outs
