"""Drift, data quality, latency and errors of what is served; may start a retraining."""

from typing import Protocol

import pulumi


class Monitoring(Protocol):
    """What monitoring offers to the other stages and to people."""

    reports: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> where its reports are (on a laptop a folder). Only watched models."""
    metrics_url: pulumi.Output[str]
    """Where Prometheus collects what was found; empty where nothing is watched."""
