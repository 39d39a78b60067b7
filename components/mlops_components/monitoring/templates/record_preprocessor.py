"""Makes flat records of what an endpoint captured, for the analyzer of SageMaker Model Monitor.

Runs inside that analyzer, so it uses nothing but Python. The analyzer calls `preprocess_handler` for each captured
request and takes a list of flat records.
"""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

PREDICTION = "prediction"


def preprocess_handler(inference_record: Any) -> list[dict[str, Any]]:
    """Return a record for each row of one captured request: its inputs, and the model's answer as `prediction`."""
    rows = _rows(inference_record.endpoint_input)
    answers = _answers(inference_record.endpoint_output)
    return [{**row, PREDICTION: answers[at]} if at < len(answers) else row for at, row in enumerate(rows)]


def _rows(captured: Any) -> list[dict[str, Any]]:
    if _is_csv(captured):
        names = _names()
        return [
            {names[at] if at < len(names) else f"_c{at}": value for at, value in enumerate(line)}
            for line in csv.reader(io.StringIO(captured.data))
            if line
        ]
    body = _json(captured)
    if isinstance(body, dict) and "instances" in body:
        return list(body["instances"])
    if isinstance(body, dict) and "inputs" in body:
        columns = {tensor["name"]: tensor["data"] for tensor in body["inputs"]}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return body if isinstance(body, list) else [body]


def _answers(captured: Any) -> list[Any]:
    if captured is None or captured.data is None:
        return []
    if _is_csv(captured):
        return [line[0] for line in csv.reader(io.StringIO(captured.data)) if line]
    body = _json(captured)
    if isinstance(body, dict) and "predictions" in body:
        return list(body["predictions"])
    if isinstance(body, dict) and "outputs" in body:
        return list(body["outputs"][0]["data"])
    return body if isinstance(body, list) else [body]


def _json(captured: Any) -> Any:
    return json.loads(captured.data) if isinstance(captured.data, str) else captured.data


def _is_csv(captured: Any) -> bool:
    said = (getattr(captured, name, None) for name in ("observedContentType", "encoding"))
    return any("csv" in str(one).lower() for one in said)


def _names() -> list[str]:
    """The names of the inputs, which a request in CSV does not bring: those of the baseline, in its order."""
    path = Path(os.environ.get("baseline_constraints", ""))  # noqa: SIM112 - spelt so by the analyzer
    if not path.is_file():
        return []
    features = json.loads(path.read_text(encoding="utf-8")).get("features", [])
    return [feature["name"] for feature in features if feature["name"] != PREDICTION]
