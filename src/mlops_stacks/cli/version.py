"""Which release this is."""

from __future__ import annotations


def version() -> str:
    """The version of the installed distribution."""
    from importlib import metadata

    return metadata.version("mlops-stacks")
