"""A stand-in for SageMaker's online feature store, which the emulator lacks: over HTTP, by AWS's documentation.

A record is taken only if it is later than the one that is there; a deletion has to be later than what it deletes;
identifiers, names, types and event times are checked against the group that the emulator knows.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

_EVENT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_MOST_AT_ONCE = 100


class RefusedError(Exception):
    """What AWS would answer with a ValidationException."""


class OnlineFeatures:
    """The online store: group -> identifier -> record; and the calls that were made."""

    def __init__(self, region: str) -> None:
        self.records: dict[str, dict[str, dict[str, str]]] = {}
        self.calls: list[str] = []
        self.address = ""
        self._region = region
        self._groups: dict[str, Any] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if path == "/BatchGetRecord":
                self.calls.append("BatchGetRecord")
                return self._batch(body)
            group = self._group(unquote(path.removeprefix("/FeatureGroup/")))
            operation = {"PUT": "PutRecord", "GET": "GetRecord", "DELETE": "DeleteRecord"}[method]
            self.calls.append(operation)
            if operation == "PutRecord":
                return self._put(group, body)
            (entity,) = query["RecordIdentifierValueAsString"]
            return self._get(group, entity, query) if operation == "GetRecord" else self._delete(group, entity, query)

    def _group(self, name: str) -> Any:
        if name not in self._groups:
            sagemaker = boto3.client("sagemaker", region_name=self._region)
            try:
                self._groups[name] = sagemaker.describe_feature_group(FeatureGroupName=name)
            except ClientError as error:
                raise RefusedError(f"there is no feature group {name}") from error
        return self._groups[name]

    def _put(self, group: Any, body: dict[str, Any]) -> dict[str, Any]:
        record = {value["FeatureName"]: value["ValueAsString"] for value in body["Record"]}
        self._check(group, record)
        there = self.records.setdefault(group["FeatureGroupName"], {})
        entity, at = record[group["RecordIdentifierFeatureName"]], group["EventTimeFeatureName"]
        if "OnlineStore" in body.get("TargetStores", ["OnlineStore"]) and (
            entity not in there or _time(record[at]) > _time(there[entity][at])
        ):
            there[entity] = record
        return {}

    def _check(self, group: Any, record: dict[str, str]) -> None:
        types = {column["FeatureName"]: column["FeatureType"] for column in group["FeatureDefinitions"]}
        for name in (group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]):
            if name not in record:
                raise RefusedError(f"{name} is missing")
        for name, text in record.items():
            if name not in types:
                raise RefusedError(f"there is no feature {name}")
            try:
                {"Integral": int, "Fractional": float, "String": str}[types[name]](text)
            except ValueError as error:
                raise RefusedError(f"{name}: {error}") from error
        _time(record[group["EventTimeFeatureName"]])

    def _get(self, group: Any, entity: str, query: dict[str, list[str]]) -> dict[str, Any]:
        record = self.records.get(group["FeatureGroupName"], {}).get(entity)
        wanted = query.get("FeatureName")
        return {"Record": _values(record, wanted)} if record else {}

    def _delete(self, group: Any, entity: str, query: dict[str, list[str]]) -> dict[str, Any]:
        there = self.records.get(group["FeatureGroupName"], {})
        if entity in there:
            if _time(query["EventTime"][0]) <= _time(there[entity][group["EventTimeFeatureName"]]):
                raise RefusedError("EventTime is not later than that of the record")
            del there[entity]
        return {}

    def _batch(self, body: dict[str, Any]) -> dict[str, Any]:
        found = []
        for asked in body["Identifiers"]:
            entities = asked["RecordIdentifiersValueAsString"]
            if len(entities) > _MOST_AT_ONCE:
                raise RefusedError("too many identifiers")
            name = asked["FeatureGroupName"]
            there = self.records.get(name, {})
            found += [
                {"FeatureGroupName": name, "RecordIdentifierValueAsString": e, "Record": _values(there[e], None)}
                for e in entities
                if e in there
            ]
        return {"Records": found, "Errors": [], "UnprocessedIdentifiers": []}


def _values(record: dict[str, str], wanted: list[str] | None) -> list[dict[str, str]]:
    return [
        {"FeatureName": name, "ValueAsString": text}
        for name, text in record.items()
        if wanted is None or name in wanted
    ]


def _time(text: str) -> datetime:
    if not _EVENT_TIME.fullmatch(text):
        raise RefusedError(f"the event time {text} is in no format that SageMaker reads")
    return datetime.fromisoformat(text)


def _handler(store: OnlineFeatures) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = 200, {}
            try:
                body = json.loads(content) if content else {}
                answer = store.answer(self.command, parts.path, parse_qs(parts.query), body)
            except RefusedError as error:
                status, answer = 400, {"Message": str(error)}
            encoded = json.dumps(answer).encode()
            self.send_response(status)
            if status != 200:
                self.send_header("x-amzn-ErrorType", "ValidationError")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_PUT = do_DELETE = do_POST = _handle  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
            """Say nothing."""

    return Handler


@pytest.fixture
def online_features(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnlineFeatures]:
    """An online feature store beside the emulator, which whatever asks for SageMaker's meets in this test."""
    store = OnlineFeatures("eu-central-1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    store.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_FEATURESTORE_RUNTIME", store.address)
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
