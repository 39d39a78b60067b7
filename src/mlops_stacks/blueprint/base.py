"""What every blueprint model has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Model(BaseModel):
    """Frozen, and refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, defer_build=True)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$")]
"""A blueprint or an environment: lower case, digits and hyphens, at most 24 characters, so that it fits into physical
names on every platform (the tightest: an Azure storage account, 24)."""

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A model, a feature group, a secret: a legal Python identifier in lower case of at most 40 characters."""
