"""What a run says while it runs: a line per event, for people or, as JSON lines, for programs."""

from __future__ import annotations

import json
from typing import Any, TextIO

from mlops_stacks.runtime.run_status import RunStatus, State, StepStatus


class Progress:
    """Writes events to a stream, each at once."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        """Say it to `stream`, as JSON lines or in words."""
        self._stream = stream
        self._as_json = as_json

    def refused(self, sentence: str) -> None:
        """No run was begun."""
        self._say(f"error: {sentence}", event="refused", error=sentence)

    def run_started(self, status: RunStatus) -> None:
        """A run was begun."""
        self._say(
            f"run {status.run_id} of {status.pipeline} in {status.folder}",
            event="run_started",
            run_id=status.run_id,
            pipeline=status.pipeline,
            folder=status.folder,
            steps=[step.name for step in status.steps],
        )

    def step_started(self, step: StepStatus) -> None:
        """A step was begun, or begun again."""
        again = f" (attempt {step.attempts})" if step.attempts > 1 else ""
        self._say(f"  {step.name} …{again}", event="step_started", step=step.name, attempt=step.attempts)

    def step_ended(self, step: StepStatus, *, will_retry: bool) -> None:
        """A step ended, well or not."""
        words = f"  {step.name} {step.state} after {step.seconds:.1f} s"
        if step.error:
            words += f": {step.error}" + (" It is tried again." if will_retry else "")
        self._say(
            words,
            event="step_ended",
            step=step.name,
            state=step.state,
            seconds=step.seconds,
            exit_code=step.exit_code,
            error=step.error,
            will_retry=will_retry,
            log=step.log,
        )

    def run_ended(self, status: RunStatus) -> None:
        """The run ended, well or not."""
        words = f"run {status.run_id} {status.state}"
        if status.error:
            words += f": {status.error}"
        elif status.state is State.SUCCEEDED and status.result.get("version"):
            words += f": registered {status.result['model']} version {status.result['version']}"
        self._say(
            words, event="run_ended", run_id=status.run_id, state=status.state, error=status.error, result=status.result
        )

    def _say(self, words: str, **event: Any) -> None:
        line = json.dumps(event, default=str) if self._as_json else words
        self._stream.write(f"{line}\n")
        self._stream.flush()
