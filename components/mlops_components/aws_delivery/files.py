"""Files that are rendered from templates: the workload's Dockerfile, and the workflows of GitHub and GitLab."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mlops_components.aws_delivery.pins import BASE_IMAGE


@cache
def _templates() -> Environment:
    # What is rendered is read by Docker and CI services: escaping it as HTML would break it.
    return Environment(
        loader=PackageLoader("mlops_components.aws_delivery"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # GitHub's own expressions are written with braces.
        variable_start_string="<<",
        variable_end_string=">>",
    )


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """Return a template of this package, filled in. A value that is missing is an error."""
    return _templates().get_template(template).render(values)


def dockerfile(base_image: str | None = None, system_packages: Sequence[str] = ()) -> str:
    """Return the Dockerfile of the workload's image."""
    values = {"base_image": base_image or BASE_IMAGE, "system_packages": sorted(system_packages)}
    return rendered("Dockerfile.j2", values)
