"""The wheel and the sdist hold everything that the checkout has, and the wheel works where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"src/mlops_stacks": "mlops_stacks", "components/mlops_components": "mlops_components"}
PLUGIN = ("PulumiPlugin.yaml", "__main__.py", "requirements.txt", "schema.json")
BLUEPRINT = """\
schema_version: 1
name: shop
platform: local
lifecycle: delete
environments: {dev: {}}
stages: [foundation, training_pipeline]
workload: {entry_point: shop.workload:workload, path: code}
models:
  demand: {pipeline: {schedule: {cron: "0 4 * * 1"}}}
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def build(source: Path, target: str, to: Path) -> Path:
    """Build as a front end would, without looking for anything: hatchling is here."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(to)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = to.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def contents(wheel: Path) -> Mapping[str, bytes]:
    """Path -> bytes of everything but the list of it all."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def test_the_wheel_has_every_file_of_the_packages_and_the_plugin(wheel: Path) -> None:
    found = contents(wheel)
    for folder, package in PACKAGES.items():
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert found[f"{package}/{file.relative_to(ROOT / folder).as_posix()}"] == file.read_bytes()
    for name in PLUGIN:
        assert found[f"mlops_components/plugin/{name}"] == (ROOT / "components" / name).read_bytes()
    tops = {name.split("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES.values())


def test_the_sdist_gives_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    rebuilt = build(source, "wheel", tmp_path / "rebuilt")
    assert contents(rebuilt) == contents(wheel)
    for name in ("run.py", "locks/local.txt", "blueprints/minimal.yaml", "policies/PulumiPolicy.yaml", "tests"):
        assert (source / name).exists(), name


def find_uv() -> str:
    """The checkout's uv, or the machine's."""
    own = ROOT / ".venvs" / "tools" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    assert found is not None, "run `python3 run.py test`: it installs uv"
    return found


class Elsewhere:
    """The wheel in an environment of its own, far from the checkout."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.project, self._environment = folder / "project", folder / "environment"
        self.project.mkdir()
        uv, python = find_uv(), str(self._environment / "bin" / "python")
        self._call(uv, "venv", "--quiet", "--python", sys.executable, str(self._environment))
        pinned = [
            *_pins(ROOT / "locks" / "local.txt"),
            *_pins(ROOT / "locks" / "dev.txt", "pulumi-aws", "pulumi-aws-native", "parver"),
        ]
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join(dict.fromkeys(pinned)) + "\n")
        into = (uv, "pip", "install", "--quiet", "--python", python, "--constraint", str(ROOT / "locks" / "dev.txt"))
        self._call(*into, "--no-verify-hashes", "--requirement", str(requirements))
        self._call(uv, "pip", "install", "--quiet", "--python", python, "--no-deps", str(wheel))

    def __call__(self, *arguments: str, code: int = 0, program: str = "mlops-stacks") -> str:
        """Run a program of the environment and return what it says."""
        return self._call(str(self._environment / "bin" / program), *arguments, code=code)

    def _call(self, *command: str, code: int = 0) -> str:
        hidden = ("PYTHON", "VIRTUAL_ENV", "MLOPS_STACKS", "COV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        done = subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, timeout=400)
        assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        assert str(ROOT) not in done.stdout + done.stderr, "it reads the checkout"
        return done.stdout


def _pins(lock: Path, *names: str) -> Iterator[str]:
    """The pinned requirements of a lock, without hashes; all, or those of these names."""
    for line in lock.read_text().splitlines():
        requirement = line.removesuffix("\\").strip()
        name = requirement.partition("==")[0]
        if "==" in requirement and not requirement.startswith(("#", "-")) and (not names or name in names):
            yield requirement


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Elsewhere:
    return Elsewhere(tmp_path_factory.mktemp("elsewhere"), wheel)


def test_it_comes_from_the_wheel(elsewhere: Elsewhere) -> None:
    code = "import mlops_stacks, mlops_components; print(mlops_stacks.__file__, mlops_components.__file__)"
    assert elsewhere("-c", code, program="python").count("/site-packages/") == 2


def test_help_init_validate_and_plan(elsewhere: Elsewhere) -> None:
    assert "bootstrap" in elsewhere("--help")
    made = elsewhere.project / "made"
    made.mkdir()
    elsewhere("init", str(made), "--yes", "--name", "made", "--platform", "local", "--environment", "dev")
    blueprint = str(made / "blueprint.yaml")
    elsewhere("--blueprint", blueprint, "validate")
    plan = json.loads(elsewhere("--blueprint", blueprint, "plan", "--format", "json"))
    assert plan["summary"]["resources"] > 5
    page = elsewhere.project / "plan.html"
    elsewhere("--blueprint", blueprint, "plan", "--format", "html", "--output", str(page))
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")
    assert json.loads(elsewhere("schema"))["properties"]


def test_plan_of_a_cloud_needs_no_checkout(elsewhere: Elsewhere) -> None:
    shutil.copy(ROOT / "blueprints" / "aws.yaml", elsewhere.project / "aws.yaml")
    plan = json.loads(elsewhere("--blueprint", "aws.yaml", "plan", "--format", "json"))
    assert plan["summary"]["findings"]["error"] == 0
    assert any(resource["type"] == "aws:s3/bucket:Bucket" for resource in plan["resources"])


def test_the_plugin_folder_works_where_it_was_installed(elsewhere: Elsewhere) -> None:
    code = (
        "import importlib.util, pathlib, runpy\n"
        "folder = pathlib.Path(importlib.util.find_spec('mlops_components').origin).parent / 'plugin'\n"
        "plugin = runpy.run_path(str(folder / '__main__.py'), run_name='plugin')\n"
        "assert (folder / 'schema.json').read_text() == plugin['schema_text']()\n"
        "assert (folder / 'PulumiPlugin.yaml').read_text() == 'runtime: python\\n'\n"
    )
    elsewhere("-c", code, program="python")


def test_up_and_destroy_start_and_end_a_program(elsewhere: Elsewhere) -> None:
    code = elsewhere.project / "code" / "shop"
    code.mkdir(parents=True)
    (code / "__init__.py").touch()
    (code / "workload.py").write_text("workload = None\n")
    (elsewhere.project / "shop.yaml").write_text(BLUEPRINT)
    shop = ("--blueprint", "shop.yaml")
    try:
        elsewhere(*shop, "up")
        status = json.loads(elsewhere(*shop, "status", "--json"))
        assert "running" in json.dumps(status)
        assert "program dev-scheduler: running" in elsewhere(*shop, "doctor")
    finally:
        elsewhere(*shop, "destroy", "--yes")
    assert not (elsewhere.project / ".mlops-stacks" / "shop" / "state" / "shop-dev.json").exists()
    left = [c for c in json.loads(elsewhere(*shop, "doctor", "--json")) if str(elsewhere.project) in c["message"]]
    assert [check for check in left if check["name"] == "processes"] == []
