"""The server's routes: Open Inference Protocol version 2, a plain JSON route, health, metrics, OpenAPI page."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from mlops_stacks.runtime.serving.messages import InferRequest, PredictRequest
from mlops_stacks.runtime.serving.service import PredictionService
from mlops_stacks.runtime.serving.tensors import DATATYPES, InputError, frame_of_instances, frame_of_tensors

_COUNTED = ("/predict", "/infer")
"""Ends of the paths that predict."""


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
    app.middleware("http")(_counting(service))
    app.add_exception_handler(InputError, _input_error)
    app.add_exception_handler(RequestValidationError, _body_error)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(Exception, _model_error)
    app.include_router(_plain_routes(service))
    app.include_router(_health_routes(service))
    app.include_router(_model_routes(service))
    return app


def _counting(service: PredictionService) -> Callable[..., Awaitable[Response]]:
    async def count(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        path = request.url.path
        if not path.endswith(_COUNTED):
            return await call_next(request)
        route, started = "predict" if path == "/predict" else "infer", time.perf_counter()
        code = 500
        try:
            response = await call_next(request)
            code = response.status_code
        finally:
            service.metrics.answered(route, code, time.perf_counter() - started)
        return response

    return count


async def _input_error(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=422)


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

    @router.post("/predict", openapi_extra=_example(service))
    def predict(body: PredictRequest) -> dict[str, Any]:
        """Predict rows given as objects."""
        answer = service.predict(frame_of_instances(body.instances, service.model.inputs))
        return {
            "predictions": answer.values,
            "prediction": name,
            "model": settings["model"],
            "version": settings["version"],
            "request_id": answer.request_id,
        }

    @router.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        content, kind = service.metrics.text()
        return Response(content, media_type=kind)

    return router


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

    @router.post("/{name}/infer")
    @router.post("/{name}/versions/{version}/infer")
    def infer(body: InferRequest, name: str, version: str | None = None) -> dict[str, Any]:
        """Predict rows given as one tensor per column."""
        refuse_others(name, version)
        tensors = [tensor.model_dump() for tensor in body.inputs]
        answer = service.predict(frame_of_tensors(tensors, service.model.inputs), body.id)
        output = {
            "name": service.model.prediction.name,
            "shape": [len(answer.values)],
            "datatype": answer.datatype,
            "data": answer.values,
        }
        return {
            "model_name": model,
            "model_version": service.settings["version"],
            "id": answer.request_id,
            "outputs": [output],
        }

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
