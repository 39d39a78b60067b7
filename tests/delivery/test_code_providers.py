"""Repository, unpacked wheel, token and first file: made whole after a kill, and never more removed than was made."""

from __future__ import annotations

import stat
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from delivery_helpers import git, tiny_repository

from mlops_components.local import wheels
from mlops_components.local.code_providers import (
    FirstFileProvider,
    GitRepositoryProvider,
    TokenProvider,
    UnpackedWheelProvider,
)
from mlops_components.local.problems import LocalPlatformError


def _repository(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    command = ["/bin/true"]
    return {"path": str(tmp_path / "r.git"), "branch": "main", "command": command, "with_commits": False, **changes}


def _created(provider: Any, properties: dict[str, Any]) -> dict[str, Any]:
    outs = provider.create(properties).outs
    assert outs is not None
    return dict(outs)


def test_a_repository_without_commits_goes_and_one_with_commits_stays_without_its_hook(tmp_path: Path) -> None:
    provider, properties = GitRepositoryProvider(), _repository(tmp_path)
    path = Path(properties["path"])
    outs = _created(provider, properties)
    provider.delete("", outs)
    assert not path.exists()
    assert provider.residue("", outs) == []
    _created(provider, properties)
    git("push", str(path), "HEAD:main", folder=tiny_repository(tmp_path / "copy"))
    provider.delete("", outs)
    assert not (path / "hooks" / "update").exists()
    assert git("rev-parse", "refs/heads/main", folder=path).stdout.strip()
    assert "commits are in it" in provider.residue("", outs)[0]
    # The next `up` takes it up again; with the lifecycle `delete` the commits go too.
    again = _created(provider, {**properties, "with_commits": True})
    assert (path / "hooks" / "update").exists()
    provider.delete("", again)
    assert not path.exists()


def test_a_repository_that_a_kill_left_half_made_or_half_removed_is_made_whole(tmp_path: Path) -> None:
    provider, properties = GitRepositoryProvider(), _repository(tmp_path)
    path = Path(properties["path"])
    _created(provider, properties)
    for victim in ("HEAD", "hooks/update", "config"):
        (path / victim).unlink()
        recorded = _created(provider, properties)
        assert provider.live(recorded) == {"branch": "main", "hook": recorded["hook"]}
    (path / "HEAD").unlink()
    assert provider.live(properties) is None
    provider.delete("", recorded)
    assert not path.exists()


def test_an_edited_hook_is_noticed(tmp_path: Path) -> None:
    provider, properties = GitRepositoryProvider(), _repository(tmp_path)
    outs = _created(provider, properties)
    hook = Path(properties["path"]) / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexit 0\n")
    assert provider.diff("", provider.read("", outs).outs or {}, properties).changes
    hook.unlink()
    assert provider.diff("", provider.read("", outs).outs or {}, properties).changes
    assert not provider.diff("", _created(provider, properties), properties).changes


def test_somebody_else_s_folder_is_neither_taken_nor_removed(tmp_path: Path) -> None:
    properties = _repository(tmp_path)
    theirs = Path(properties["path"])
    theirs.mkdir()
    (theirs / "letter.txt").write_text("mine")
    with pytest.raises(LocalPlatformError, match="somebody else's files"):
        GitRepositoryProvider().create(properties)
    GitRepositoryProvider().delete("", {**properties, "with_commits": True})
    assert (theirs / "letter.txt").read_text() == "mine"


def test_hooks_that_a_user_has_configured_for_all_repositories_do_not_replace_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n    hooksPath = {tmp_path / 'other-hooks'}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.rename(tmp_path / ".gitconfig")
    properties = _repository(tmp_path, command=["/bin/false"])
    _created(GitRepositoryProvider(), properties)
    copy = tiny_repository(tmp_path / "copy")
    refused = git("push", properties["path"], "HEAD:main", folder=copy, good=False, own_settings=False)
    assert "hook declined" in refused.stderr


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some/__init__.py", "answer = 42\n")
        archive.writestr("some-1.0.dist-info/METADATA", "Name: some\n")
    return path


def _unpacked(tmp_path: Path, wheel: Path) -> dict[str, Any]:
    digest = sha256(wheel.read_bytes()).hexdigest()
    return {"path": str(tmp_path / "code-1"), "wheel": str(wheel), "sha256": digest}


def test_a_wheel_is_unpacked_whole_whatever_a_kill_left(tmp_path: Path, wheel: Path) -> None:
    provider, properties = UnpackedWheelProvider(), _unpacked(tmp_path, wheel)
    folder = Path(properties["path"])
    (tmp_path / ".code-1.unfinished" / "some").mkdir(parents=True)
    folder.mkdir()
    (folder / "half.py").write_text("")
    _created(provider, properties)
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == ["some", "some-1.0.dist-info"]
    assert provider.live(properties) == {"sha256": properties["sha256"]}
    (folder / ".mlops-stacks-wheel").unlink()
    assert provider.live(properties) is None
    provider.delete("", properties)
    assert [p.name for p in tmp_path.iterdir()] == [wheel.name]


def test_another_wheel_or_none_is_refused_in_a_sentence(tmp_path: Path, wheel: Path) -> None:
    properties = _unpacked(tmp_path, wheel)
    with pytest.raises(LocalPlatformError, match="is not the one that was delivered"):
        wheels.unpack(wheel, "0" * 64, Path(properties["path"]))
    wheel.unlink()
    with pytest.raises(LocalPlatformError, match="mlops-stacks withdraw"):
        UnpackedWheelProvider().create(properties)


def test_the_old_code_stays_until_the_new_is_there(tmp_path: Path, wheel: Path) -> None:
    properties = _unpacked(tmp_path, wheel)
    found = UnpackedWheelProvider().diff("", properties, {**properties, "path": str(tmp_path / "code-2")})
    assert (found.replaces, found.delete_before_replace) == (["path"], False)


def test_a_token_is_kept_and_one_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    provider, properties = TokenProvider(), {"path": str(tmp_path / "token")}
    outs, path = _created(provider, properties), tmp_path / "token"
    first = path.read_text()
    assert _created(provider, properties)["fingerprint"] == outs["fingerprint"]
    assert first not in str(outs)
    path.chmod(0o644)
    assert provider.live(outs) is None
    assert _created(provider, properties)["fingerprint"] != outs["fingerprint"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = path.read_text()
    assert second != first
    path.write_text("")
    _created(provider, properties)
    assert path.read_text() not in ("", first, second)


def test_a_first_file_is_renewed_until_a_person_changes_it(tmp_path: Path) -> None:
    provider, path = FirstFileProvider(), tmp_path / "start.ipynb"
    properties = {"path": str(path), "content": "one", "written": None}
    outs = _created(provider, properties)
    renewed = provider.update("", outs, {**properties, "content": "two"}).outs or {}
    assert path.read_text() == "two"
    path.write_text("mine")
    kept = provider.update("", renewed, {**properties, "content": "three"}).outs or {}
    assert path.read_text() == "mine"
    provider.delete("", kept)
    assert path.read_text() == "mine"
    path.write_text("three")
    provider.delete("", kept)
    assert not path.exists()
