"""The server's routes: Open Inference Protocol version 2, a plain JSON route, health, metrics, OpenAPI page."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from mlops_stacks.runtime.features.online import LookupFaultError
from mlops_stacks.runtime.serving.batching import Columns
from mlops_stacks.runtime.serving.counting import Counting
from mlops_stacks.runtime.serving.invocations import invocation_routes
from mlops_stacks.runtime.serving.messages import InferRequest, PredictRequest
from mlops_stacks.runtime.serving.service import PredictionService
from mlops_stacks.runtime.serving.tensors import DATATYPES, InputError

_MANY = 500
"""Values (or rows) from which on a request is checked in a thread: others do not wait for it."""


def make_app(service: PredictionService) -> FastAPI:
    """The application that serves one model."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    settings = service.settings
    app = FastAPI(
        title=f"{settings['model']} version {settings['version']}",
        description=f"Serves the blueprint {settings['blueprint']} in {settings['environment']}.",
        version=settings["version"],
        lifespan=lifespan,
    )
    app.add_middleware(Counting, answered=service.metrics.answered)
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(LookupFaultError, _lookup_error)
    app.add_exception_handler(RequestValidationError, _body_error)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(Exception, _model_error)
    app.include_router(_plain_routes(service))
    app.include_router(_health_routes(service))
    app.include_router(_model_routes(service))
    app.include_router(invocation_routes(service, _checked))
    return app


async def _input_error(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=422)


async def _lookup_error(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=503)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, StarletteHTTPException):
        raise error
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code)


async def _model_error(_request: Request, error: Exception) -> JSONResponse:
    """Whatever else went wrong is the server's fault; the traceback is in its log."""
    return JSONResponse({"error": f"the model failed on this request: {type(error).__name__}."}, status_code=500)


async def _body_error(_request: Request, error: Exception) -> JSONResponse:
    """A body that is not JSON, or not of the right shape: the first fault, in a sentence."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "it cannot be parsed")
        return JSONResponse({"error": f"the request's body is not JSON: {reason}."}, status_code=400)
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return JSONResponse({"error": f"the request is wrong at `{place}`: {first['msg'].lower()}."}, status_code=422)


def _plain_routes(service: PredictionService) -> APIRouter:
    router, settings = APIRouter(tags=["plain JSON"]), service.settings
    name = service.model.prediction.name

    @router.post("/predict", openapi_extra=_example(service), response_model=dict[str, Any])
    async def predict(body: PredictRequest) -> JSONResponse:
        """Predict rows given as objects."""
        columns = await _checked(service.columns_of_instances, body.instances, len(body.instances))
        answer = await service.predict(columns)
        return JSONResponse(
            {
                "predictions": answer.values,
                "prediction": name,
                "model": settings["model"],
                "version": settings["version"],
                "request_id": answer.request_id,
            }
        )

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        content, kind = service.metrics.text()
        return Response(content, media_type=kind)

    return router


async def _checked(
    check: Callable[[Sequence[Any]], Columns],
    given: Sequence[Any],
    size: int,
) -> Columns:
    """The columns of a request. Raises `InputError`."""
    if size < _MANY:
        return check(given)
    return await asyncio.to_thread(check, given)


def _health_routes(service: PredictionService) -> APIRouter:
    """The application exists only once its model is loaded, so whoever gets an answer has a server that is ready."""
    router, settings = APIRouter(prefix="/v2", tags=["Open Inference Protocol"]), service.settings

    @router.get("")
    def server() -> dict[str, Any]:
        """What this server is."""
        return {"name": "mlops-stacks", "version": metadata.version("mlops-stacks"), "extensions": []}

    @router.get("/health/live")
    def live() -> dict[str, Any]:
        """Whether the server runs."""
        return {"live": True}

    @router.get("/health/ready")
    def ready() -> dict[str, Any]:
        """Whether the server can predict."""
        return {"ready": True, "model": settings["model"], "version": settings["version"]}

    return router


def _model_routes(service: PredictionService) -> APIRouter:
    router, model = APIRouter(prefix="/v2/models", tags=["Open Inference Protocol"]), service.settings["model"]

    def refuse_others(name: str, version: str | None) -> None:
        ours = service.settings["version"]
        if name != model or version not in (None, ours):
            asked = f"`{name}`" if version is None else f"`{name}` version {version}"
            raise HTTPException(404, f"this server has no model {asked}: it serves `{model}` version {ours}.")

    @router.get("/{name}")
    @router.get("/{name}/versions/{version}")
    def model_metadata(name: str, version: str | None = None) -> dict[str, Any]:
        """The model's inputs and output."""
        refuse_others(name, version)
        return _model_metadata(service)

    @router.get("/{name}/ready")
    @router.get("/{name}/versions/{version}/ready")
    def model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        """Whether the model can predict."""
        refuse_others(name, version)
        return {"name": model, "ready": True}

    @router.post("/{name}/infer", response_model=dict[str, Any])
    @router.post("/{name}/versions/{version}/infer", response_model=dict[str, Any])
    async def infer(body: InferRequest, name: str, version: str | None = None) -> JSONResponse:
        """Predict rows given as one tensor per column."""
        refuse_others(name, version)
        tensors = [vars(tensor) for tensor in body.inputs]
        rows = max((len(tensor.data) for tensor in body.inputs), default=0)
        columns = await _checked(service.columns_of_tensors, tensors, rows)
        answer = await service.predict(columns, body.id)
        output = {
            "name": service.model.prediction.name,
            "shape": [len(answer.values)],
            "datatype": answer.datatype,
            "data": answer.values,
        }
        return JSONResponse(
            {
                "model_name": model,
                "model_version": service.settings["version"],
                "id": answer.request_id,
                "outputs": [output],
            }
        )

    return router


def _model_metadata(service: PredictionService) -> dict[str, Any]:
    inputs = [
        {
            "name": column.name,
            "datatype": DATATYPES[column.kind],
            "shape": [-1],
            "parameters": {
                "nullable": column.nullable,
                "description": service.model.descriptions.get(column.name, ""),
            },
        }
        for column in service.model.inputs
    ]
    return {
        "name": service.settings["model"],
        "versions": [service.settings["version"]],
        "platform": "mlflow",
        "inputs": inputs,
        "outputs": [{"name": service.model.prediction.name, "datatype": service.model.output_datatype, "shape": [-1]}],
    }


def _example(service: PredictionService) -> dict[str, Any]:
    """The row with which the model was saved, for the OpenAPI page to try."""
    rows = [
        {name: None if value != value else value for name, value in row.items()} for row in service.model.example[:1]
    ]
    if not rows:
        return {}
    return {"requestBody": {"content": {"application/json": {"example": {"instances": rows}}}}}
