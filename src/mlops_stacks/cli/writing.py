"""A document to stdout, or whole into a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def emit(text: str, output: Path | None) -> None:
    """Print a document, or put it into a file, which is replaced in one step."""
    text = text if text.endswith("\n") else f"{text}\n"
    if output is None:
        sys.stdout.write(text)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f"{output.name}.part-{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(output)
