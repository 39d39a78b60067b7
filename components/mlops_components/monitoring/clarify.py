"""The configuration files of Clarify, for baselines and for monitors.

Sources: SageMaker Developer Guide, "Analysis Configuration Files" and "Configure Parameters to Monitor Bias Drift".
A baseline says what kind of table it is given; a monitor knows that from what was captured.

Clarify reads captured requests as CSV: a model with one of these monitors is asked in CSV.
"""

import json
from typing import Any

from mlops_components.monitoring.sagemaker_args import AwsBiasWatch, AwsExplanationWatch

LABEL, PREDICTION = "label", "prediction"
"""Headers that the reference writes after the inputs."""

_CSV = "text/csv"


def bias_configuration(watch: AwsBiasWatch, *, baseline: bool) -> dict[str, Any]:
    """What is measured of groups. The baseline has labels and predictions in its rows; a monitor merges them in."""
    facet: dict[str, Any] = {"name_or_index": watch["facet"]}
    if watch.get("facet_values"):
        facet["value_or_threshold"] = [_plain(value) for value in watch["facet_values"]]
    columns = [*watch["columns"], LABEL]
    configuration: dict[str, Any] = {
        "headers": [*columns, PREDICTION] if baseline else columns,
        "label": LABEL,
        "label_values_or_threshold": [_plain(value) for value in watch["label_values"]],
        "facet": [facet],
        "methods": {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}},
    }
    if baseline:
        configuration |= {"dataset_type": _CSV, "predicted_label": PREDICTION}
    if "probability_threshold" in watch:
        configuration["probability_threshold"] = watch["probability_threshold"]
    return configuration


def explanation_configuration(watch: AwsExplanationWatch, endpoint: str, *, baseline: bool) -> dict[str, Any]:
    """How inputs are weighed. The endpoint itself is asked, so that no copy of it must be started."""
    shap: dict[str, Any] = {"agg_method": "mean_abs", "use_logit": False, "save_local_shap_values": False}
    if "samples" in watch:
        shap["num_samples"] = watch["samples"]
    kind = {"dataset_type": _CSV} if baseline else {}
    return {
        **kind,
        "headers": watch["columns"],
        "methods": {"shap": shap},
        "predictor": {"endpoint_name": endpoint, "content_type": _CSV, "accept_type": _CSV},
    }


def _plain(value: str) -> Any:
    """A number where the text is one: CSV knows no types, and Clarify compares values."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def explanation_text(watch: AwsExplanationWatch, endpoint: str, *, baseline: bool) -> str:
    """The same as text, the same bytes for the same content."""
    return json.dumps(explanation_configuration(watch, endpoint, baseline=baseline), sort_keys=True)
