"""The few calls of MLflow's REST API that the local platform needs, with nothing but the standard library.

Experiments and registered models outlive a deployment as rows of the server's database: an experiment that was
deleted is restored under its name, since MLflow never gives the name to another one.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from mlops_components.local.problems import LocalPlatformError

_TIMEOUT_SECONDS = 30.0
_LOCAL_ONLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class UnansweredError(LocalPlatformError):
    """No MLflow server answers at the address."""


def ensure_experiment(server: str, name: str, tags: Mapping[str, str], artifact_location: str | None) -> str:
    """Have the experiment `name` with `tags`; returns its identifier."""
    found = find_experiment(server, name)
    if found is None:
        body: dict[str, Any] = {"name": name}
        if artifact_location is not None:
            body["artifact_location"] = artifact_location
        identifier = str(_call(server, "POST", "experiments/create", body)["experiment_id"])
    else:
        identifier = str(found["experiment_id"])
        if found["lifecycle_stage"] == "deleted":
            _call(server, "POST", "experiments/restore", {"experiment_id": identifier})
    for key, value in tags.items():
        body = {"experiment_id": identifier, "key": key, "value": value}
        _call(server, "POST", "experiments/set-experiment-tag", body)
    return identifier


def find_experiment(server: str, name: str) -> dict[str, Any] | None:
    """The experiment `name`, deleted or not; None if there never was one."""
    answer = _call_if_there(server, "GET", "experiments/get-by-name", {"experiment_name": name})
    return None if answer is None else answer["experiment"]


def delete_experiment(server: str, name: str) -> None:
    """Mark the experiment `name` as deleted; its runs stay in the database until MLflow's own clean-up."""
    found = find_experiment(server, name)
    if found is not None and found["lifecycle_stage"] != "deleted":
        _call(server, "POST", "experiments/delete", {"experiment_id": found["experiment_id"]})


def ensure_model(server: str, name: str, description: str, tags: Mapping[str, str]) -> None:
    """Have the registered model `name` with `description` and `tags`."""
    if find_model(server, name) is None:
        _call(server, "POST", "registered-models/create", {"name": name, "description": description})
    _call(server, "PATCH", "registered-models/update", {"name": name, "description": description})
    for key, value in tags.items():
        _call(server, "POST", "registered-models/set-tag", {"name": name, "key": key, "value": value})


def find_model(server: str, name: str) -> dict[str, Any] | None:
    """The registered model `name`, if there is one."""
    answer = _call_if_there(server, "GET", "registered-models/get", {"name": name})
    return None if answer is None else answer["registered_model"]


def delete_model(server: str, name: str) -> None:
    """Remove the registered model `name` with its versions, if it is there."""
    _call_if_there(server, "DELETE", "registered-models/delete", {"name": name})


def tags_of(entity: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an experiment or registered model as MLflow answers them."""
    return {tag["key"]: tag.get("value", "") for tag in entity.get("tags", [])}


def _call_if_there(server: str, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        return _call(server, method, path, body)
    except _MissingError:
        return None


class _MissingError(LocalPlatformError):
    """MLflow knows no such thing."""


def _call(server: str, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    url = f"{server.rstrip('/')}/api/2.0/mlflow/{path}"
    data = None
    if method == "GET":
        url = f"{url}?{urllib.parse.urlencode(body)}"
    else:
        data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with _LOCAL_ONLY.open(request, timeout=_TIMEOUT_SECONDS) as response:
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
            return answer
    except urllib.error.HTTPError as error:
        raise _refusal(server, path, error) from error
    except (OSError, HTTPException, ValueError) as error:
        raise UnansweredError(f"No MLflow server answers at {server} ({error}); run `up` again.") from error


def _refusal(server: str, path: str, error: urllib.error.HTTPError) -> LocalPlatformError:
    try:
        answer = json.loads(error.read())
        code, message = str(answer.get("error_code")), str(answer.get("message"))
    except (OSError, ValueError, AttributeError):
        code, message = f"HTTP {error.code}", error.reason
    if code == "RESOURCE_DOES_NOT_EXIST":
        return _MissingError(message)
    return LocalPlatformError(f"The MLflow server at {server} refused {path}: {message} ({code}).")
