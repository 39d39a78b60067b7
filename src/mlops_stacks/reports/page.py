"""What every HTML page of the project has in common: one file, no request to anybody, nothing that can break out.

Styles and scripts are put into the page, and its policy allows the scripts by their hash alone: a text that slipped
through as markup could neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render_page(
    template: str,
    *,
    styles: Iterable[str],
    scripts: Iterable[str],
    data: Mapping[str, Any],
    values: Mapping[str, Any],
    connect: str = "'none'",
) -> str:
    """Fill a template of this package.

    `styles` and `scripts` name files beside it, `data` is handed to the scripts as JSON, `values` to the template.
    `connect` is whom the scripts may ask: nobody, or `'self'`.
    """
    code = "\n".join(_text(name) for name in scripts)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_hash(code)}'; "
        f"connect-src {connect}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = _environment().get_template(template)
    return page.render(
        **values,
        policy=policy,
        # Both are files of this package, and the JSON has neither `<` nor `&`.
        style=Markup("\n".join(_text(name) for name in styles)),  # noqa: S704
        script=Markup(code),  # noqa: S704
        data=Markup(json_for_script(data)),  # noqa: S704
    )


def json_for_script(value: Any) -> str:
    """JSON that may stand inside a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return "".join(_ESCAPES.get(character, character) for character in text)


def _hash(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


@cache
def _text(name: str) -> str:
    return files("mlops_stacks.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mlops_stacks.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
