"""Folders, files and ports: made once, found again, and no more removed than was made."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from local_helpers import listener

from mlops_components.local.folders import OWNED
from mlops_components.local.ports import keep_port, kept_port, release_port
from mlops_components.local.problems import LocalPlatformError
from mlops_components.local.providers import DirectoryProvider, FileProvider, PortProvider


def test_a_folder_is_made_once_and_removed_with_what_is_in_it(tmp_path: Path) -> None:
    provider, properties = DirectoryProvider(), {"path": str(tmp_path / "a" / "data"), "with_contents": True}
    first = provider.create(properties)
    (tmp_path / "a" / "data" / "rows.csv").write_text("1")
    again = provider.create(properties)
    assert (first.id, first.outs) == (again.id, again.outs)
    assert first.outs is not None
    assert first.outs["uri"] == f"file://{tmp_path}/a/data"
    provider.delete(first.id, first.outs)
    provider.delete(first.id, first.outs)
    assert not (tmp_path / "a" / "data").exists()
    assert provider.residue(first.id, first.outs) == []
    assert not provider.read(first.id, first.outs).id


def test_somebody_elses_folder_keeps_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    provider, properties = DirectoryProvider(), {"path": str(folder), "with_contents": True}
    created = provider.create(properties)
    provider.delete(created.id, properties)
    assert (folder / "thesis.txt").read_text() == "precious"
    assert str(folder) in provider.residue(created.id, properties)[0]


def test_a_parent_folder_spares_a_retained_child(tmp_path: Path) -> None:
    provider, properties = DirectoryProvider(), {"path": str(tmp_path / "dev"), "with_contents": False}
    created = provider.create(properties)
    (tmp_path / "dev" / "data").mkdir()
    provider.delete(created.id, properties)
    assert (tmp_path / "dev" / "data").is_dir()
    (tmp_path / "dev" / "data").rmdir()
    provider.delete(created.id, properties)
    assert not (tmp_path / "dev").exists()


def test_a_removal_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    provider, properties = DirectoryProvider(), {"path": str(tmp_path / "data"), "with_contents": True}
    provider.create(properties)
    (tmp_path / "data" / OWNED).unlink()  # as a kill between the last two steps leaves it
    provider.delete("id", properties)
    assert not (tmp_path / "data").exists()


def test_a_changed_or_missing_file_is_noticed_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    provider, properties = FileProvider(), {"path": str(path), "content": "{}\n", "mode": "0600"}
    created = provider.create(properties)
    assert created.outs is not None
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("{}\n", 0o600)

    def seen() -> Any:
        outs = provider.read(created.id, created.outs or {}).outs
        assert outs is not None
        return provider.diff(created.id, outs, properties).changes

    assert not seen()
    path.write_text("{ }")
    assert seen()
    provider.update(created.id, created.outs, properties)
    assert path.read_text() == "{}\n"
    path.chmod(0o644)
    assert seen()
    path.unlink()
    assert not provider.read(created.id, created.outs).id
    (tmp_path / ".settings.json.unfinished").write_text("what a kill leaves")
    provider.delete(created.id, created.outs)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LocalPlatformError, match=r"Cannot make .*: Permission denied; give your user access"):
        DirectoryProvider().create({"path": str(tmp_path / "data"), "with_contents": True})


def test_a_folder_below_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalPlatformError, match=r"Cannot make .*file/data"):
        DirectoryProvider().create({"path": str(tmp_path / "file" / "data"), "with_contents": True})
    with pytest.raises(LocalPlatformError, match=r"Cannot write .*file/data"):
        FileProvider().create({"path": str(tmp_path / "file" / "data"), "content": "", "mode": "0600"})


def test_a_port_is_kept_under_its_key_until_it_is_released(tmp_path: Path) -> None:
    registry = tmp_path / "ports.json"
    provider = PortProvider()
    properties = {"registry": str(registry), "key": "dev/serving", "preferred": None}
    first, second = provider.create(properties), provider.create(properties)
    assert first.outs == second.outs
    assert first.outs is not None
    assert first.outs["url"] == f"http://127.0.0.1:{first.outs['port']}"
    assert keep_port("other", registry) != first.outs["port"]
    release_port("other", registry)
    provider.delete(first.id, first.outs)
    provider.delete(first.id, first.outs)
    assert not provider.read(first.id, first.outs).id
    assert list(tmp_path.iterdir()) == []
    assert provider.create(properties).outs == first.outs, "a project gets its port again"


def test_ports_chosen_at_once_differ(tmp_path: Path) -> None:
    registry = tmp_path / "ports.json"
    with ThreadPoolExecutor(8) as pool:
        chosen = list(pool.map(lambda number: keep_port(f"key-{number}", registry), range(40)))
    assert len(set(chosen)) == 40
    assert json.loads(registry.read_text()) == {f"key-{number}": port for number, port in enumerate(chosen)}


def test_a_wish_for_a_port_is_followed_and_a_later_wish_moves_it(tmp_path: Path) -> None:
    provider, registry = PortProvider(), tmp_path / "ports.json"
    wish = keep_port("probe", tmp_path / "probe.json")
    properties = {"registry": str(registry), "key": "mlflow", "preferred": None}
    created = provider.create(properties)
    assert created.outs is not None
    wished = {**properties, "preferred": float(wish)}
    assert provider.diff(created.id, created.outs, wished).changes
    updated = provider.update(created.id, created.outs, wished).outs
    assert updated is not None
    assert updated["port"] == wish == kept_port("mlflow", registry)
    assert not provider.diff(created.id, updated, wished).changes
    with pytest.raises(LocalPlatformError, match=f"Port {wish}, asked for by web, is already kept"):
        keep_port("web", registry, wish)


def test_a_port_taken_by_a_stranger_is_a_sentence_that_names_both(tmp_path: Path) -> None:
    registry = tmp_path / "ports.json"
    with listener() as stranger:
        port = stranger.getsockname()[1]
        registry.write_text(json.dumps({"dev/serving": port}))
        with pytest.raises(LocalPlatformError, match=rf"Port {port}, which is kept for dev/serving, .*{os.getpid()}"):
            PortProvider().create({"registry": str(registry), "key": "dev/serving", "preferred": None})
        with pytest.raises(LocalPlatformError, match=rf"Port {port}, .* is taken by .*{os.getpid()}"):
            keep_port("other", tmp_path / "other.json", port)


def test_a_damaged_list_of_ports_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    with pytest.raises(LocalPlatformError, match=r"list of ports .* is damaged .* delete it"):
        keep_port("x", tmp_path / "ports.json")
