"""Trains smoke models with the code that is installed here: what CI 1 on AWS runs inside the image it has built."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from mlops_components.spec.delivery import WORK
from mlops_stacks.runtime.delivery.commands import Log
from mlops_stacks.runtime.delivery.smoke import prepare_features, train_smoke_model
from mlops_stacks.runtime.documents import ci_settings
from mlops_stacks.runtime.run_status import write_json


def try_models(settings_uri: str, out: Path) -> dict[str, dict[str, float]]:
    """Train each model on a small slice and write the metrics to `out`. Raises `BuildError`."""
    settings = ci_settings(settings_uri)
    work = Path(settings["builds"]) / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    log = Log(work / "log.txt", sys.stdout)
    log.path.touch()
    metrics: dict[str, dict[str, float]] = {}
    if settings["entry_point"] is not None:
        prepare_features(settings, work, log)
        installed = Path(sysconfig.get_path("purelib"))
        for name in settings["models"]:
            metrics[name] = train_smoke_model(name, settings, installed, work, log)
            log.say(f"The smoke model of {name}: {metrics[name]}")
    write_json(out, metrics)
    return metrics
