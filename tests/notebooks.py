"""Running the workbench's first notebook as its JupyterLab would."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient

NOTEBOOK = "start-here.ipynb"


def run_notebook(folder: Path, server: Mapping[str, str], *more: str) -> tuple[Any, str]:
    """The notebook of a folder, executed with what a JupyterLab has in its environment, and all that it printed.

    `more` are cells that are added at its end. The file is left as it is.
    """
    told = {
        name: value
        for name, value in server.items()
        if name.startswith(("MLFLOW_", "MLOPS_STACKS_")) and "MARKER" not in name and "DIGEST" not in name
    }
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in more]
    with patch.dict(os.environ, told):
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    printed = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    return notebook, printed
