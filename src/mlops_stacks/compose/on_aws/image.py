"""The image in which the user's code runs on AWS: every step, every server."""

from __future__ import annotations

import pulumi

from mlops_stacks.compose.context import Context


def image(context: Context) -> pulumi.Output[str] | str | None:
    """The image of an environment: one of the user's own, else the delivered one, else None.

    None means that nothing was delivered yet. What would need an image is then left out, so that the first `up` of an
    empty account succeeds; `mlops-stacks deliver` brings the image, and the next `up` the rest.
    """
    workload = context.settings.workload
    if workload is not None and workload.image is not None:
        return workload.image
    delivered: str | None = getattr(context.delivery, "image", None)
    return delivered
