"""How tests of the command line call it: through `run`, which is all that the console script does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from mlops_stacks.cli.main import run

MINIMAL = """\
schema_version: 1
name: shop
platform: local
environments: {dev: {}, prod: {}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, serving]
workload: {entry_point: shop.workload:workload, path: code}
models:
  demand: {release: latest_approved}
"""


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err


class Cli:
    """The program in a folder of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        """Work in `folder`."""
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> Answer:
        """Run a command line; whatever it does, no traceback may reach the user."""
        self._capture.readouterr()
        code = run(arguments)
        out, err = self._capture.readouterr()
        answer = Answer(code, out, err)
        assert "Traceback (most recent call last)" not in answer.text, answer.text
        return answer

    def write(self, text: str = MINIMAL, name: str = "blueprint.yaml") -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path
