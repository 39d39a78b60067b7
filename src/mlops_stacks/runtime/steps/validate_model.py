"""Decides whether the candidate may be registered: thresholds, and no worse than what serves."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_components.spec.settings import MetricThreshold
from mlops_stacks.runtime.errors import RefusedError, SettingsError
from mlops_stacks.runtime.steps.evaluate import REPORT as EVALUATION
from mlops_stacks.runtime.steps.job import Job

REPORT = "decision.json"
DECISION_VARIABLE = "MLOPS_STACKS_DECISION"
"""Path of a file for the decision. Where it is set, a refused model is no failure of the step: the platform decides."""


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    metrics: dict[str, float] = job.folder.read_json(EVALUATION)["metrics"]
    reasons = [
        sentence
        for threshold in job.settings["acceptance"].get("thresholds", [])
        if (sentence := _below(threshold, metrics)) is not None
    ]
    serving = _serving_metrics(job)
    worse = _worse_than_serving(job, metrics, serving)
    reasons += [worse] if worse else []
    decision = {"accepted": not reasons, "reasons": reasons, "serving_version": job.settings["serving_version"]}
    report = {**decision, "serving_metrics": serving}
    job.folder.write_json(REPORT, report)
    if told := os.environ.get(DECISION_VARIABLE):
        # The platform has a condition of its own, which reads this file and ends the run in its own words.
        Path(told).parent.mkdir(parents=True, exist_ok=True)
        Path(told).write_text(json.dumps(report, indent=2, sort_keys=True))
    elif reasons:
        raise RefusedError(f"the model is refused: {'; '.join(reasons)}.")
    return decision


def _value(metrics: Mapping[str, float], name: str, asker: str) -> float:
    if name not in metrics:
        known = ", ".join(f"`{known}`" for known in sorted(metrics) if known.count(".") < 2)
        raise SettingsError(f"{asker} names the metric `{name}`, which the evaluation does not report: it has {known}.")
    return metrics[name]


def _below(threshold: MetricThreshold, metrics: Mapping[str, float]) -> str | None:
    name = threshold["metric"]
    value = _value(metrics, name, "a threshold of `acceptance`")
    minimum, maximum = threshold.get("minimum"), threshold.get("maximum")
    if math.isnan(value):
        return f"`{name}` is not a number"
    if minimum is not None and value < minimum:
        return f"`{name}` is {value:.4g}, below the minimum {minimum:g}"
    if maximum is not None and value > maximum:
        return f"`{name}` is {value:.4g}, above the maximum {maximum:g}"
    return None


def _serving_metrics(job: Job) -> dict[str, float]:
    settings = job.settings
    version, model = settings["serving_version"], settings["registered_model"]
    wanted = settings["acceptance"].get("better_than_serving")
    if version is None or model is None or wanted is None or settings["registry_uri"] is None:
        return {}
    from mlops_stacks.runtime.registry import open_registry

    return open_registry(settings["tracking_uri"], settings["registry_uri"]).metrics(model, version)


def _worse_than_serving(job: Job, metrics: Mapping[str, float], serving: Mapping[str, float]) -> str | None:
    """None where nothing serves yet, or where the serving version was registered without this metric."""
    acceptance = job.settings["acceptance"]
    name = acceptance.get("better_than_serving")
    if name is None:
        return None
    candidate = _value(metrics, name, "`better_than_serving`")
    if name not in serving:
        if job.settings["serving_version"] is not None:
            job.context.logger.warning("version %s has no metric %s", job.settings["serving_version"], name)
        return None
    higher = acceptance.get("higher_is_better", True)
    worse = candidate < serving[name] if higher else candidate > serving[name]
    if not worse:
        return None
    version = job.settings["serving_version"]
    return f"`{name}` is {candidate:.4g}, worse than the {serving[name]:.4g} of version {version}, which serves"
