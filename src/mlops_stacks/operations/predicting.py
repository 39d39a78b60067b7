"""Ask an endpoint for predictions, by the server's plain JSON route."""

from __future__ import annotations

from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.deploying import contracts
from mlops_stacks.operations.http import NoAnswerError, request
from mlops_stacks.project import Project


class PredictionError(Exception):
    """There is no prediction; the sentence says why."""


def endpoint_of(project: Project, executor: Executor, model: str, environment: str) -> str:
    """The address at which a model is served. Raises `PredictionError`."""
    serving = contracts(project, executor, environment).get(Stage.SERVING.value)
    if serving is None:
        raise PredictionError(f"nothing is served in {environment}: the blueprint has no stage `serving` there")
    endpoints: dict[str, str] = serving["endpoints"]
    if model not in endpoints:
        if model not in project.blueprint.scope(environment).settings.models:
            known = ", ".join(sorted(endpoints)) or "none"
            raise PredictionError(f"{environment} serves no model `{model}` (it serves {known})")
        raise PredictionError(
            f"{model} is not served in {environment}: release a version "
            f"(`mlops-stacks release {model} latest_approved --environment {environment}`), then `mlops-stacks up`"
        )
    address = endpoints[model]
    if not address.startswith(("http://", "https://")):
        raise PredictionError(f"the endpoint {address} is called with the platform's own client, not by HTTP from here")
    return address


def example_request(address: str) -> Any:
    """The request with which the model was saved, from the server's own description. Raises `PredictionError`."""
    description = _answer(f"{address}/openapi.json", None)
    try:
        content = description["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        return content["example"]
    except (KeyError, TypeError):
        raise PredictionError("the model was saved without an example: give rows with --input") from None


def predict(address: str, rows: Any) -> Any:
    """The server's answer. `rows` is one row, a list of rows, or a whole request. Raises `PredictionError`."""
    return _answer(f"{address}/predict", _as_request(rows))


def _as_request(rows: Any) -> dict[str, Any]:
    if isinstance(rows, dict):
        return rows if "instances" in rows else {"instances": [rows]}
    if isinstance(rows, list):
        return {"instances": rows}
    raise PredictionError("the input must be a JSON object (one row) or a list of them")


def _answer(url: str, body: Any) -> Any:
    try:
        answer = request(url, body, seconds=60.0)
        content = answer.json()
    except NoAnswerError as error:
        raise PredictionError(f"{error}; see `mlops-stacks status` and `mlops-stacks logs serving`") from error
    except ValueError:
        raise PredictionError(f"what answers at {url} is not the model's server: it does not speak JSON") from None
    if not answer.ok:
        reason = content.get("error", content) if isinstance(content, dict) else content
        raise PredictionError(f"the server refused the request (status {answer.status}): {reason}")
    return content
