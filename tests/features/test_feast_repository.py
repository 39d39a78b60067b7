"""A Feast repository as a resource: applied once, again after a kill or when something is gone, and removed whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from feature_stores import GROUPS, applied_store, reference, write_repository

from mlops_components.local import feast
from mlops_components.local.feast_resource import FeastRepositoryProvider
from mlops_components.local.problems import LocalPlatformError

ODD = "my project; 100%s #1"
"""A folder whose name has what trips up addresses and configuration files."""


def views(folder: Path) -> list[str]:
    """The feature views that Feast knows, asked in a process of its own as a person would."""
    code = "import sys; from feast import FeatureStore; s = FeatureStore(sys.argv[1])\n"
    code += "print('\\n'.join(sorted(v.name for v in s.list_feature_views())))"
    done = subprocess.run([sys.executable, "-c", code, str(folder / "repository")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_applied_again_only_when_something_changed_or_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    store = applied_store(folder)
    repository = Path(store["repository"])
    provider, properties = FeastRepositoryProvider(), {"repository": str(repository), "definitions": "1"}
    made = provider.create(properties)
    outs = dict(made.outs or {})
    assert views(folder) == ["origin_delays", "route_delays"]
    registry = (repository / "registry.db").stat().st_mtime_ns
    assert provider.create(properties).outs == made.outs
    assert (repository / "registry.db").stat().st_mtime_ns == registry
    assert not provider.diff(made.id, outs, properties).changes
    for name in ("definitions", "project", "history"):
        assert provider.diff(made.id, outs, {**properties, name: "another"}).changes, name
    write_repository(reference(folder, {"origin_delays": GROUPS["origin_delays"]}))
    assert provider.diff(made.id, outs, properties).changes
    provider.update(made.id, outs, properties)
    assert views(folder) == ["origin_delays"]
    (repository / "registry.db").unlink()
    assert not provider.read(made.id, outs).id
    history = Path(store["history"]) / "origin_delays.parquet"
    history.write_bytes(b"rows")
    provider.delete(made.id, outs)
    provider.delete(made.id, outs)
    assert provider.residue(made.id, outs) == []
    assert history.exists()
    assert sorted(path.name for path in repository.glob("*.*") if path.is_file()) == [
        "definitions.py",
        "feature_store.yaml",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_a_killed_apply_is_done_again(tmp_path: Path, seconds: float) -> None:
    repository = write_repository(reference(tmp_path))
    code = "import sys, pathlib; from mlops_components.local import feast; feast.ensure(pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, str(repository)], start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert feast.applied(repository) is None or process.returncode == 0
    feast.ensure(repository)
    assert views(tmp_path) == ["origin_delays", "route_delays"]


def test_definitions_that_feast_refuses_are_a_sentence(tmp_path: Path) -> None:
    repository = write_repository(reference(tmp_path))
    (repository / "definitions.py").write_text("raise ValueError('no such type')\n")
    with pytest.raises(LocalPlatformError, match=r"`feast apply` in .* failed: .*no such type"):
        feast.ensure(repository)
    assert feast.applied(repository) is None


@pytest.mark.parametrize(("code", "said"), [(-signal.SIGINT, "x = 1\n  ^^^^"), (1, "Traceback:\nKeyboardInterrupt\n")])
def test_an_interrupted_apply_says_so_and_shows_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    repository = write_repository(reference(tmp_path))
    ended = subprocess.CompletedProcess([], code, "", said)
    monkeypatch.setattr(feast.subprocess, "run", lambda *arguments, **options: ended)
    with pytest.raises(LocalPlatformError, match=r"`feast apply` in .* was interrupted; run `up` again\.$"):
        feast.ensure(repository)
