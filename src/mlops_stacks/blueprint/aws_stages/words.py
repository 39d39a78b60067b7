"""Shapes of names that several stages on AWS take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$")]
Cidr = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$")]


def mode_of(raw: Any) -> str | None:
    """What is to be done with a resource; a mapping without `mode` means one of the platform's own."""
    mode = raw.get("mode", "create") if isinstance(raw, Mapping) else getattr(raw, "mode", None)
    return mode if isinstance(mode, str) else None
