"""The templates' environment: strict, escaping, with addresses of static files that change with their content."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from shelftide.web.charts import platform_name
from shelftide.web.i18n import LANGUAGES

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def asset(name: str) -> str:
    """The address of a file under static/. A missing file keeps its plain address, and answers 404."""
    path = STATIC / name
    if not path.is_file():
        return f"/static/{name}"
    version = hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?v={version}"


def data_block(value: Any) -> Markup:
    """JSON for a `<script type="application/json">`: no text of ours or theirs can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  # escaped in the line above


def environment() -> Environment:
    """The environment. An unknown name in a template is an error, not an empty text."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["data_block"] = data_block
    found.filters["platform_name"] = platform_name
    found.globals["asset"] = asset
    found.globals["languages"] = LANGUAGES
    found.globals["platform_name"] = platform_name
    return found
