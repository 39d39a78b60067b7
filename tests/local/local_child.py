"""A run of the local platform in a process of its own, which can kill itself at a chosen event."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from test_local_components import platform

from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.events import Event
from mlops_stacks.executors.names import StackIdentity


def main(home: Path, action: str, greeting: str, kill_at: int) -> None:
    """Carry out `action` and say how many events there were; a negative `kill_at` never kills."""
    numbers = itertools.count()
    seen = 0

    def observe(_event: Event) -> None:
        nonlocal seen
        seen = next(numbers)
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    executor, identity = EmbeddedExecutor(home / "state", observe), StackIdentity("mlops-stacks", "flights-dev", home)
    if action == "destroy":
        executor.destroy(identity)
    else:
        executor.up(platform(home, greeting), identity)
    sys.stdout.write(f"{seen + 1}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
