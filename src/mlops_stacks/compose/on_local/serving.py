"""Blueprint -> serving."""

from __future__ import annotations

from typing import Any

from mlops_components.serving import local as engine
from mlops_stacks.blueprint.local_stages import LocalServing
from mlops_stacks.blueprint.model import Realtime
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common
from mlops_stacks.compose.on_local.feature_store import reference


def build(context: Context) -> Any:
    """Servers of the released models of an environment."""
    chosen: LocalServing = context.options(Stage.SERVING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    served = {
        name: (model.realtime, context.releases[name])
        for name, model in context.settings.models.items()
        if model.realtime is not None and name in context.releases
    }
    return engine.LocalServing(
        "serving",
        {
            "environment": context.scope,
            "directory": f"{common.home(context)}/{context.scope}/serving",
            "supervisor": foundation.supervisor,
            "ports": foundation.ports,
            "models": {
                name: {"settings": _server_settings(context, name, realtime, version), "port": realtime.port}
                for name, (realtime, version) in served.items()
            },
            "log_bytes": chosen.log_megabytes * 1_000_000,
        },
    )


def _server_settings(context: Context, name: str, realtime: Realtime, version: str) -> dict[str, Any]:
    """The `ServerSettings` of a release, but for host and port."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    registry: Any = context.contract(Stage.MODEL_REGISTRY)
    registered = registry.registered_models.apply(lambda names: f"models:/{names[name]}/{version}")
    capture = realtime.capture
    return {
        "blueprint": context.blueprint.name,
        "environment": context.scope,
        "model": name,
        "version": version,
        "model_uri": registered,
        "tracking_uri": registry.registry_uri,
        "registry_uri": registry.registry_uri,
        "workload": common.delivered_workload(context),
        "workers": realtime.workers,
        "capture": None
        if capture is None
        else {"uri": foundation.capture_root, "sample_percent": capture.sample_percent},
        "feature_store": reference(context),
    }
