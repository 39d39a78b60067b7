"""The command that git's `update` hook runs: builds what is pushed to the branch, and refuses the push if it fails."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mlops_components.spec.delivery import CiSettings
from mlops_stacks.runtime.delivery.build import build_commit
from mlops_stacks.runtime.documents import ci_settings
from mlops_stacks.runtime.errors import RuntimeFault

_NOTHING = set("0")
"""A commit of zeros alone: the branch is being deleted."""


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """The pusher went away, or wanted to stop."""


def ci_command(settings_uri: str, ref: str, commit: str) -> int:
    """Judge `commit`, which is pushed to `ref`; returns 0 if the push is accepted, 1 if not, 130 if cancelled."""
    try:
        settings = ci_settings(settings_uri)
        return _judge(settings, ref, commit)
    except RuntimeFault as fault:
        _say(f"CI 1: refused: {fault}")
        return 1
    except Cancelled:
        _say("CI 1: cancelled; nothing was accepted.")
        return 130


def _judge(settings: CiSettings, ref: str, commit: str) -> int:
    branch = settings["branch"]
    if ref != f"refs/heads/{branch}":
        _say(f"CI 1: {ref.removeprefix('refs/heads/')} is taken as it is; only {branch} is built.")
        return 0
    if set(commit) <= _NOTHING:
        _say(f"CI 1: refused: {branch} is the branch that is built; it is not deleted.")
        return 1
    with _cancelled_by_signals():
        try:
            package = build_commit(settings, commit, sys.stdout)
        except RuntimeFault:
            _say(f"CI 1: the log is in {_latest_log(Path(settings['builds']))}")
            raise
    _say(f"CI 1: package {package.version} is ready ({package.wheel}).")
    _say(f"CI 1: next: mlops-stacks deliver {package.version}")
    return 0


def _latest_log(builds: Path) -> str:
    from mlops_stacks.runtime.delivery.records import LOG, numbers

    latest = max(numbers(builds), default=None)
    return str(builds if latest is None else builds / str(latest) / LOG)


def _say(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever pushed is gone; what there is to say is on record.
        sys.stdout = sys.stderr


@contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """Ctrl-C of the pusher, or its end, stops what runs and then the build."""

    def cancel(_number: int, _frame: FrameType | None) -> None:
        raise Cancelled

    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(number, cancel) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
