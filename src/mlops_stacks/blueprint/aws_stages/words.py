"""Shapes of names that several stages on AWS take."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$")]
