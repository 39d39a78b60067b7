"""The bodies of requests, as the OpenAPI page shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class PredictRequest(BaseModel):
    """Rows to predict, in plain JSON."""

    model_config = ConfigDict(extra="forbid")

    instances: list[Any] = Field(description="One object per row: column name and value.")


class InferTensor(BaseModel):
    """One column of the rows to predict."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="Name of the column.")
    shape: list[int] = Field(description="[n] or [n, 1].")
    datatype: str = Field(description="FP64, INT64, BYTES or BOOL.")
    data: list[Any] = Field(description="The column's values, one per row.")
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferRequest(BaseModel):
    """Rows to predict, by the Open Inference Protocol."""

    id: str | None = None
    inputs: list[InferTensor]
    outputs: list[dict[str, Any]] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
