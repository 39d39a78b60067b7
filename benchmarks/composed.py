"""What `mlops-stacks plan` does before it prints: load a blueprint, compose every scope, check the plan."""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # as the console script does for this verb

    import sys
    from pathlib import Path

    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    plan(open_project(Path(sys.argv[1]), Path.cwd()))
