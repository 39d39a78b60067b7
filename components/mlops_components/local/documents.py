"""JSON documents that the local runtime reads, made of values of which some are known only after deployment."""

from collections.abc import Mapping
from typing import Any

import pulumi

from mlops_components.local.folders import sha256


def json_document(content: Mapping[str, Any]) -> pulumi.Output[str]:
    """`content`, outputs at any depth included, as readable JSON that is the same for the same content."""
    return pulumi.Output.json_dumps(dict(content), indent=2, sort_keys=True).apply(lambda text: f"{text}\n")


def hashed(content: pulumi.Output[str]) -> pulumi.Output[str]:
    """The hash of a document, known as soon as the document is: a plan shows that it changes."""
    return content.apply(sha256)


def by_name(values: Mapping[str, Any]) -> pulumi.Output[dict[str, str]]:
    """Outputs under their names as one output; `Output.all` of nothing would be a list."""
    return pulumi.Output.all(**values) if values else pulumi.Output.from_input({})
