"""SageMaker's container contract: `GET /ping`, and `POST /invocations` with JSON, JSON lines or CSV.

A body is one flat object (a row), `{"instances": […]}`, the Open Inference Protocol's `{"inputs": […]}`, or lines.
Lines are answered by lines, so that a batch job can put its parts together again. CSV has the columns in the model's
order, or a header that names them.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from mlops_stacks.runtime.serving.batching import Columns
from mlops_stacks.runtime.serving.service import Answer, PredictionService
from mlops_stacks.runtime.serving.tensors import InputError
from mlops_stacks.runtime.workload import Column, Kind

INFERENCE_ID = "x-amzn-sagemaker-inference-id"
"""Header with the caller's own name of a request."""
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"
_CALLED = {JSON: JSON, LINES: LINES, "application/x-ndjson": LINES, CSV: CSV, "": JSON, "*/*": ""}
"""What a header may say -> what is meant; an empty text leaves it to us."""

Check = Callable[[Callable[[Sequence[Any]], Columns], Sequence[Any], int], Any]


def invocation_routes(service: PredictionService, check: Check) -> APIRouter:
    """The routes; `check` turns what was given into columns, in a thread where that is much."""
    router = APIRouter(tags=["SageMaker"])

    @router.get("/ping")
    def ping() -> dict[str, Any]:
        """Whether the server can predict: there is no application before its model is loaded."""
        return {"ready": True}

    @router.post("/invocations", response_model=None)
    async def invocations(request: Request) -> Response:
        """Predict rows, whatever form they come in."""
        content = _content(request.headers.get("content-type", ""), 415)
        body = (await request.body()).decode("utf-8-sig", "surrogateescape")
        wanted = _content(request.headers.get("accept", ""), 406) or content
        given = _parsed(body, content, service.model.inputs)
        columns = await check(_columns(service, given), given.rows, len(given.rows))
        answer = await service.predict(columns, request.headers.get(INFERENCE_ID))
        return _answer(service, given, answer, wanted)

    return router


class _Given:
    """What a body says: its rows or tensors, and in which form."""

    def __init__(self, rows: Sequence[Any], form: str) -> None:
        self.rows, self.form = rows, form


def _columns(service: PredictionService, given: _Given) -> Callable[[Sequence[Any]], Columns]:
    return service.columns_of_tensors if given.form == "inputs" else service.columns_of_instances


def _content(header: str, status: int) -> str:
    """A content type without its parameters; of several that would be accepted the first that is known."""
    for each in header.split(","):
        called = each.partition(";")[0].strip().lower()
        if called in _CALLED:
            return _CALLED[called]
    raise HTTPException(status, f"this server speaks {JSON}, {LINES} and {CSV}, not `{header}`.")


def _parsed(body: str, content: str, inputs: Sequence[Column]) -> _Given:
    if content == CSV:
        return _Given(_rows_of_csv(body, inputs), "lines")
    if content == LINES:
        lines = [line for line in body.splitlines() if line.strip()]
        return _Given([_json(line, f"line {number}") for number, line in enumerate(lines, 1)], "lines")
    value = _json(body, "the request's body")
    if isinstance(value, Mapping):
        for form in ("instances", "inputs"):
            if isinstance(value.get(form), list):
                return _Given(value[form], form)
        return _Given([value], "row")
    if isinstance(value, list):
        return _Given(value, "instances")
    raise InputError("the request's body must be an object, a list of objects, or `instances`.")


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise HTTPException(400, f"{what} is not JSON: {error}.") from error


def _rows_of_csv(body: str, inputs: Sequence[Column]) -> list[dict[str, Any]]:
    names = [column.name for column in inputs]
    kinds = {column.name: column.kind for column in inputs}
    try:
        lines = [line for line in csv.reader(io.StringIO(body), strict=True) if line]
    except csv.Error as error:
        raise HTTPException(400, f"the request's body is not CSV: {error}.") from error
    header = names
    if lines and set(lines[0]) <= set(names) and len(set(lines[0])) == len(lines[0]):
        header, lines = lines[0], lines[1:]
    for number, line in enumerate(lines, 1):
        if len(line) != len(header):
            raise InputError(
                f"line {number} has {len(line)} columns, but there are {len(header)}: {', '.join(header)}."
            )
    return [
        {name: _cell(text, kinds[name], name, number) for name, text in zip(header, line, strict=True)}
        for number, line in enumerate(lines, 1)
    ]


def _cell(text: str, kind: Kind, name: str, number: int) -> Any:
    """A cell's value: nothing is no value, which a text column may say as well."""
    if text == "":
        return None
    if kind == "string":
        return text
    if kind == "boolean":
        if text.lower() in _TRUTHS:
            return _TRUTHS[text.lower()]
        raise InputError(f"line {number} has {text!r} in the column `{name}`, which is boolean.")
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        raise InputError(f"line {number} has {text!r} in the column `{name}`, which is {kind}.") from None


_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def _answer(service: PredictionService, given: _Given, answer: Answer, wanted: str) -> Response:
    name, settings = service.model.prediction.name, service.settings
    if wanted == CSV:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["" if v is None else v] for v in answer.values])
        return Response(text.getvalue(), media_type=CSV)
    if wanted == LINES:
        lines = "".join(f"{json.dumps({name: value})}\n" for value in answer.values)
        return Response(lines, media_type=LINES)
    if given.form == "row":
        # Flat, as the row was: monitors of SageMaker read no nested JSON.
        return JSONResponse({name: answer.values[0]})
    return JSONResponse(
        {
            "predictions": answer.values,
            "prediction": name,
            "model": settings["model"],
            "version": settings["version"],
            "request_id": answer.request_id,
        }
    )
