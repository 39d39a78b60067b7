"""JupyterLab with a token, and its first notebook, on a real MLflow."""

from __future__ import annotations

import json
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from notebooks import run_notebook

from mlops_components.spec.marked import end, marked
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.operations.deploying import up
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.pages import pages_of
from mlops_stacks.operations.planning import plan
from mlops_stacks.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BLUEPRINT = {
    "schema_version": 1,
    "name": "desk",
    "platform": "local",
    "lifecycle": "delete",
    "environments": {"dev": {}},
    "stages": {"foundation": {}, "experiment_tracking": {}, "workbench": {"kernel_idle_minutes": 30}},
}


class Desk:
    """A platform with a workbench, deployed."""

    def __init__(self, root: Path) -> None:
        (root / "blueprint.yaml").write_text(yaml.safe_dump(BLUEPRINT))
        self.project: Project = open_project(None, root)
        self.executor = EmbeddedExecutor(self.project.home / "state")

    def up(self) -> list[Any]:
        return list(up(self.project, self.executor))

    @property
    def contract(self) -> dict[str, Any]:
        found: dict[str, Any] = self.executor.outputs("desk-shared")["workbench"]
        return found

    def process(self) -> psutil.Process:
        home = str(self.project.home)
        ours = marked(lambda value: value.startswith(home) and value.endswith("#jupyterlab"))
        (server,) = [process for process in ours if "jupyterlab" in process.cmdline()]
        return server


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("desk")
    made = Desk(root)
    made.up()
    yield made
    from mlops_stacks.operations.deploying import destroy

    list(destroy(made.project, made.executor))
    assert end(marked(lambda value: value.startswith(str(root)))) == []
    assert not (made.project.home / "shared").exists()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_asks_for_the_token_which_is_in_one_file_only(desk: Desk) -> None:
    file = Path(desk.contract["token_file"])
    token = file.read_text()
    assert len(token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ((_, address),) = pages_of(desk.project, desk.executor, Stage.WORKBENCH, None)
    assert address == f"{desk.contract['ui_url']}?token={token}"
    base = desk.contract["ui_url"].removesuffix("/lab")
    assert _status(f"{base}/api/contents") == 403
    assert _status(f"{base}/api/contents?token={token}") == 200
    assert _status(address) == 200
    public = [path for path in desk.project.home.rglob("*") if path.is_file() and "runtime" not in path.parts]
    assert [path for path in public if token.encode() in path.read_bytes()] == [file]
    # Jupyter's own note for its command line tools, which also only the owner reads.
    private = [path for path in desk.project.home.rglob("jupyter/runtime/*") if path.is_file()]
    assert private
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in private)
    assert token not in str(plan(desk.project))
    assert token not in " ".join(desk.process().cmdline())


def test_it_listens_on_this_machine_only_and_takes_little_memory(desk: Desk) -> None:
    server = desk.process()
    assert {c.laddr.ip for c in server.net_connections("tcp") if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    proportional = server.memory_full_info().pss / 1e6
    assert proportional < 130, f"{proportional:.0f} MB"


def test_its_settings_end_idle_kernels_and_ask_nobody_on_the_network(desk: Desk) -> None:
    settings = json.loads(
        (desk.project.home / "shared/workbench/jupyter/config/jupyter_server_config.json").read_text()
    )
    assert settings["MappingKernelManager"]["cull_idle_timeout"] == 1800
    assert settings["LabApp"]["news_url"] is None
    log = Path(desk.contract["log"]).read_text()
    assert "Extension Manager is 'readonly'" in log
    assert "jupyter_lsp | extension was successfully loaded" not in log


def test_its_first_notebook_runs_and_leaves_a_run_in_mlflow(desk: Desk) -> None:
    import mlflow

    _, printed = run_notebook(Path(desk.contract["notebooks"]), desk.process().environ())
    assert "Blueprint desk, environment dev" in printed
    assert "no store: the blueprint has no feature_store" in printed
    uri = desk.executor.outputs("desk-shared")["experiment_tracking"]["tracking_uri"]
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("workbench")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.metrics["loss"] == pytest.approx(0.2)
    assert run.data.params == {"rows": "1000"}
    assert f"/runs/{run.info.run_id}" in printed


def test_a_person_s_notebook_is_theirs_and_a_lost_token_is_replaced(desk: Desk) -> None:
    assert all(not any((r.result.created, r.result.updated, r.result.replaced)) for r in desk.up())
    notebook = Path(desk.contract["notebooks"]) / "start-here.ipynb"
    notebook.write_text("mine")
    token_file = Path(desk.contract["token_file"])
    before, server = token_file.read_text(), desk.process().pid
    token_file.unlink()
    desk.up()
    assert notebook.read_text() == "mine"
    token = token_file.read_text()
    assert token != before
    assert desk.process().pid != server
    base = desk.contract["ui_url"].removesuffix("/lab")
    assert _status(f"{base}/api/contents?token={before}") == 403
    assert _status(f"{base}/api/contents?token={token}") == 200
