"""What HTML pages that need no other file are made of."""

from __future__ import annotations

import base64
import io
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from jinja2 import Template

_QUALITY = 80


def page_template(package: str, name: str) -> Template:
    """A package's page; whatever is filled in is escaped, once. ``head(title)`` is what all pages begin with."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    text, head = (
        (resources.files(where) / file).read_text(encoding="utf-8")
        for where, file in ((package, name), ("interplay.visual", "head.html"))
    )
    pages = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    pages.globals["head"] = lambda title: Markup(pages.from_string(head).render(title=title))
    return pages.from_string(text)


def picture_address(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W, 3) as a ``data:`` address, for the ``src`` of an image."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
