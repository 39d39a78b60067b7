"""What the stages around code are made of on a laptop: a repository, an unpacked package, a token, a first file.

Stateless `pulumi.dynamic` providers, pickled by reference: this module and the names in it stay where they are.
"""

from pathlib import Path

from pulumi.dynamic import DiffResult, UpdateResult

from mlops_components.local import folders, repositories, tokens, wheels
from mlops_components.local.folders import sha256
from mlops_components.local.providers import LocalProvider, Properties


class GitRepositoryProvider(LocalProvider):
    """A bare git repository with a hook."""

    identity = ("path",)
    inputs = ("branch", "command", "with_commits")

    def ensure(self, properties: Properties) -> Properties:
        """Make or complete it."""
        path, command = Path(properties["path"]), properties["command"]
        repositories.ensure(path, properties["branch"], command)
        return {"hook": sha256(repositories.hook_content(command))}

    def live(self, properties: Properties) -> Properties | None:
        """Its branch, and its hook as it is on disk."""
        path = Path(properties["path"])
        branch = repositories.branch_of(path)
        if branch is None:
            return None
        content, mode = folders.file_state(repositories.hook_path(path)) or ("", 0)
        return {"branch": branch, "hook": content if mode == repositories.HOOK_MODE else ""}

    def differs(self, olds: Properties, news: Properties) -> bool:
        """By the inputs, and by the hook on disk, which this interpreter must be able to run."""
        hook = sha256(repositories.hook_content(news["command"]))
        return super().differs(olds, news) or olds.get("hook") != hook

    def delete(self, _id: str, props: Properties) -> None:
        """Remove it, unless somebody's commits are in it and it may not take them along."""
        repositories.remove(Path(props["path"]), with_commits=bool(props["with_commits"]))

    def residue(self, _id: str, props: Properties) -> list[str]:
        """A repository with commits is still there."""
        path = Path(props["path"])
        return [f"The repository {path} is left: commits are in it."] if path.is_dir() else []


class UnpackedWheelProvider(LocalProvider):
    """A wheel's content in a folder."""

    identity = ("path",)
    inputs = ("sha256",)

    def ensure(self, properties: Properties) -> Properties:
        """Unpack it, unless that wheel is there."""
        wheels.unpack(Path(properties["wheel"]), properties["sha256"], Path(properties["path"]))
        return {}

    def live(self, properties: Properties) -> Properties | None:
        """Which wheel was unpacked there; gone if none was, or not all of it."""
        found = wheels.unpacked(Path(properties["path"]))
        return None if found is None else {"sha256": found}

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """The old folder goes last: until they are told of the new one, pipelines run what is in it."""
        found = super().diff(_id, olds, news)
        return DiffResult(changes=found.changes, replaces=found.replaces, delete_before_replace=False)

    def delete(self, _id: str, props: Properties) -> None:
        """Remove the folder."""
        wheels.remove(Path(props["path"]))


class TokenProvider(LocalProvider):
    """A random secret in a file."""

    identity = ("path",)

    def ensure(self, properties: Properties) -> Properties:
        """Keep the token that is there, or make one."""
        return {"fingerprint": tokens.ensure(Path(properties["path"]))}

    def live(self, properties: Properties) -> Properties | None:
        """Gone where the file is, or where others may read it."""
        found = tokens.fingerprint(Path(properties["path"]))
        return None if found is None else {"fingerprint": found}

    def differs(self, _olds: Properties, _news: Properties) -> bool:
        """Never: a token that was changed on disk is as good as any, and whoever depends on it is told."""
        return False

    def delete(self, _id: str, props: Properties) -> None:
        """Forget the token."""
        folders.remove_file(Path(props["path"]))


class FirstFileProvider(LocalProvider):
    """A file that is given to a person: written once, and theirs as soon as they change it."""

    identity = ("path",)

    def ensure(self, properties: Properties) -> Properties:
        """Write it if it is not there, or still as it was written; `written` is what we wrote last."""
        path, content = Path(properties["path"]), properties["content"]
        if self._is_untouched(path, properties.get("written")):
            folders.write_file(path, content, 0o600)
        return {"written": sha256(content)}

    def live(self, properties: Properties) -> Properties | None:
        """A file is there or not; what a person made of it is not ours to judge."""
        return {} if Path(properties["path"]).exists() else None

    def differs(self, olds: Properties, news: Properties) -> bool:
        """By what we would write."""
        return bool(olds.get("written") != sha256(news["content"]))

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        """Write the new content over our own old one, never over a person's."""
        return super().update(_id, olds, {**news, "written": olds.get("written")})

    def delete(self, _id: str, props: Properties) -> None:
        """Remove it if nobody has changed it."""
        path = Path(props["path"])
        if self._is_untouched(path, props.get("written")):
            folders.remove_file(path)

    def _is_untouched(self, path: Path, written: str | None) -> bool:
        state = folders.file_state(path)
        return state is None or state[0] == written
