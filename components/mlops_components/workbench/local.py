"""JupyterLab on this machine: one for a blueprint, wired to tracking and features.

It refuses to be reached from elsewhere, and from here without its token, which is in one file that only its owner
reads. It asks nobody on the network: no news, no updates, no extensions to install.
"""

import json
from importlib.resources import files
from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.code_resources import FirstFile, Token
from mlops_components.local.documents import hashed
from mlops_components.local.ports import HOST
from mlops_components.local.resources import Directory, File, Port, Program

PROGRAM = "jupyterlab"
"""Its name under the supervisor, and the key of its port."""
_NOTEBOOK = "start-here.ipynb"


class LocalWorkbenchArgs(TypedDict):
    """What a workbench on this machine consists of."""

    directory: str
    """Absolute path of the folder of notebooks, settings and token."""
    supervisor: pulumi.Input[str]
    """Folder of the supervisor, from the foundation."""
    ports: pulumi.Input[str]
    """File that keeps the ports, from the foundation."""
    environment: dict[str, pulumi.Input[str]]
    """Variables of every notebook: where runs are tracked, where features are, what is on the import path."""
    port: NotRequired[Optional[int]]
    """Port; default: a free one, chosen once and kept."""
    kernel_idle_minutes: NotRequired[Optional[int]]
    """A notebook's process that did nothing for so long is ended; default: never."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the notebooks when the stack is destroyed; default `retain`."""


class LocalWorkbench(pulumi.ComponentResource):
    """JupyterLab on this machine."""

    stage = "workbench"
    platform = "local"

    ui_url: pulumi.Output[str]
    """Where a person opens notebooks; it asks for the token."""
    token_file: pulumi.Output[str]
    """Path of the file that holds the token."""
    notebooks: pulumi.Output[str]
    """Folder of the notebooks."""
    log: pulumi.Output[str]
    """Path of its log."""

    def __init__(self, name: str, args: LocalWorkbenchArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have JupyterLab run, with a notebook to start from."""
        args = checked(args, LocalWorkbenchArgs, "LocalWorkbench")
        super().__init__("mlops-stacks:index:LocalWorkbench", name, {**args}, opts)
        directory = args["directory"]
        folder = Directory(f"{name}-folder", directory, with_contents=False, opts=pulumi.ResourceOptions(parent=self))
        child = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        kept = pulumi.ResourceOptions.merge(
            stateful(self, args.get("lifecycle", Lifecycle.RETAIN)), pulumi.ResourceOptions(depends_on=[folder])
        )
        notebooks = Directory(f"{name}-notebooks", f"{directory}/notebooks", opts=kept)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[notebooks])
        content = files(__package__).joinpath("templates", _NOTEBOOK).read_text(encoding="utf-8")
        FirstFile(f"{name}-start", f"{directory}/notebooks/{_NOTEBOOK}", content, opts=inside)
        token = Token(f"{name}-token", f"{directory}/token", opts=child)
        program = self._program(name, args, notebooks, token, child)
        self.ui_url = program.url.apply(lambda url: f"{url}/lab")
        self.token_file = token.path
        self.notebooks = notebooks.path
        self.log = program.log
        self.register_outputs(
            {
                "ui_url": self.ui_url,
                "token_file": self.token_file,
                "notebooks": self.notebooks,
                "log": self.log,
            }
        )

    def _program(
        self, name: str, args: LocalWorkbenchArgs, notebooks: Directory, token: Token, child: pulumi.ResourceOptions
    ) -> Program:
        own = Directory(f"{name}-jupyter", f"{args['directory']}/jupyter", opts=child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[own])
        content = pulumi.Output.from_input(f"{json.dumps(_settings(args), indent=2, sort_keys=True)}\n")
        path = f"{args['directory']}/jupyter/config/jupyter_server_config.json"
        settings = File(f"{name}-settings", path, content, opts=inside)
        port = Port(f"{name}-port", PROGRAM, args["ports"], preferred=args.get("port"), opts=child)
        return Program(
            f"{name}-server",
            args["supervisor"],
            PROGRAM,
            ["python", "-m", "jupyterlab", pulumi.Output.concat("--ServerApp.port=", port.number)],
            notebooks.path,
            environment={**args["environment"], **_places(args["directory"], token.path)},
            port=port.port,
            url=port.url,
            health_path="/api",
            watch=[hashed(content), token.fingerprint],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[settings]),
        )


def _places(directory: str, token: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
    """Where Jupyter keeps what it keeps: nothing is read from, or left in, the user's home folder."""
    return {
        "JUPYTER_TOKEN_FILE": token,
        "JUPYTER_CONFIG_DIR": f"{directory}/jupyter/config",
        "JUPYTER_DATA_DIR": f"{directory}/jupyter/data",
        "JUPYTER_RUNTIME_DIR": f"{directory}/jupyter/runtime",
        "IPYTHONDIR": f"{directory}/jupyter/ipython",
        # Else what is installed beside the interpreter has the last word over the settings here.
        "JUPYTER_PREFER_ENV_PATH": "0",
    }


def _settings(args: LocalWorkbenchArgs) -> dict[str, Any]:
    """The settings of the server. Language servers and the old notebook's addresses are left out: they cost memory."""
    idle = args.get("kernel_idle_minutes")
    return {
        "ServerApp": {
            "ip": HOST,
            "port_retries": 0,
            "open_browser": False,
            "quit_button": False,
            # Only this machine reaches it, and only with the token; containers have no other user.
            "allow_root": True,
            "root_dir": f"{args['directory']}/notebooks",
            "jpserver_extensions": {"jupyterlab": True, "jupyter_lsp": False, "notebook_shim": False},
        },
        "LabApp": {
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "news_url": None,
            "extension_manager": "readonly",
        },
        "MappingKernelManager": {
            "cull_idle_timeout": 0 if idle is None else idle * 60,
            "cull_interval": 60,
            "cull_connected": True,
        },
    }
