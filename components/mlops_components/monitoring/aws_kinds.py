"""The four kinds of monitors, and where each keeps what."""

from dataclasses import dataclass
from typing import Optional

import pulumi

from mlops_components.monitoring.sagemaker_args import AwsWatchedModel, SageMakerMonitoringArgs
from mlops_components.naming import NameRule

EVENT_RULE = NameRule(limit=64, extra="_")
"""EventBridge API, PutRule: `[.\\-_A-Za-z0-9]+`, at most 64 characters."""
STATE_MACHINE = NameRule(limit=80, extra="_")
"""Step Functions API, CreateStateMachine: at most 80 characters."""
CLOUDWATCH = NameRule(limit=255, extra="_")
"""CloudWatch API: names of alarms and of dashboards have at most 255 characters."""

FOLDER = "monitoring"
"""Folder below the artifact root; whoever monitors needs no other."""


@dataclass(frozen=True)
class MonitorKind:
    """One kind of monitor."""

    name: str
    """As in the blueprint and in paths."""
    word: str
    """As in physical names, without an underscore."""
    type: str
    """As SageMaker's monitoring schedules call it."""
    clarify: bool
    """Whether Clarify's image analyses it, and not Model Monitor's."""
    labels: bool
    """Whether it needs labels."""
    constraints: str
    """The file of its baseline that monitors compare with."""


DATA_QUALITY = MonitorKind("data_quality", "dataquality", "DataQuality", False, False, "constraints.json")
MODEL_QUALITY = MonitorKind("model_quality", "modelquality", "ModelQuality", False, True, "constraints.json")
BIAS = MonitorKind("bias", "bias", "ModelBias", True, True, "analysis.json")
EXPLAINABILITY = MonitorKind("explainability", "explainability", "ModelExplainability", True, False, "analysis.json")
KINDS = (DATA_QUALITY, MODEL_QUALITY, BIAS, EXPLAINABILITY)


def kinds_of(model: AwsWatchedModel) -> tuple[MonitorKind, ...]:
    """The monitors that a model has. They read what an endpoint of SageMaker captures, and nothing else does."""
    if model["serving"] != "sagemaker":
        return ()
    return tuple(kind for kind in KINDS if model.get(kind.name))


@dataclass(frozen=True)
class MonitorPlaces:
    """Where one model's baselines and reports are. All are `s3://` URIs."""

    args: SageMakerMonitoringArgs
    model: str

    @property
    def _watched(self) -> AwsWatchedModel:
        return self.args["models"][self.model]

    def _below(self, path: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self.args["artifact_root"], f"/{FOLDER}/{self.model}/{path}")

    @property
    def reference(self) -> pulumi.Output[str]:
        """Rows that a version was trained on, with its predictions: `inputs/`, `predictions/` and `labelled/`."""
        return self._below(f"baselines/{self._watched['version']}/reference")

    def baseline(self, kind: MonitorKind) -> pulumi.Output[str]:
        """What a report of this version is compared with."""
        return self._below(f"baselines/{self._watched['version']}/{kind.name}")

    @property
    def all_reports(self) -> pulumi.Output[str]:
        """Folder of all reports of the model."""
        return self._below("reports")

    def reports(self, kind: MonitorKind) -> pulumi.Output[str]:
        """Reports: SageMaker adds the endpoint, the schedule and the hour."""
        return self._below(f"reports/{kind.name}")

    @property
    def labels(self) -> pulumi.Output[str]:
        """Labels in SageMaker's form, in folders by the hour in which they arrived."""
        return pulumi.Output.concat(self.args["data_root"], f"/labels/{self.model}")


def object_key(uri: str) -> Optional[str]:
    """The key of an `s3://` URI that is known in full."""
    return uri.removeprefix("s3://").partition("/")[2] or None
