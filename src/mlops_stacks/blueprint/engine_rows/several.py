"""Engines that are the same on several platforms."""

from __future__ import annotations

from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.vocabulary import Platform, Stage

ENGINES: tuple[Engine, ...] = (
    Engine(Stage.CONTINUOUS_INTEGRATION, "gitlab_ci", (Platform.KUBERNETES, Platform.AWS), "GitLab CI"),
    Engine(
        Stage.CONTINUOUS_INTEGRATION,
        "github_actions",
        (Platform.KUBERNETES, Platform.AWS, Platform.AZURE),
        "GitHub Actions",
    ),
)
