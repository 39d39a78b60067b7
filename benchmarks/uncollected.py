"""Runs a script without a garbage collector: to compare two programs of which only one pauses it by itself."""

from __future__ import annotations

import gc
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    gc.disable()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
