"""What `mlops-stacks plan` does before it prints: load a blueprint, compose every scope, check the plan.

With `--filled` as it is once every environment runs a delivered package and serves a version of every model.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # as the console script does for this verb

    import sys
    from pathlib import Path

    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    project = open_project(Path(sys.argv[1]), Path.cwd(), releases="--filled" not in sys.argv)
    if "--filled" in sys.argv:
        from mlops_stacks.permissions.assumed import filled

        project = filled(project)
    plan(project)
