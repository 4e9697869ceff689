"""A hook of mkdocs: writes the tables of `training_options.md` from the classes of the configurations."""

from __future__ import annotations

from typing import Any

from interplay.systems import CONTACT_SYSTEMS, SYSTEMS
from interplay.training.fields import markdown_options

_PLACE = "<!-- options -->"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with a section for each system in place of the mark."""
    if page.file.src_uri != "training_options.md":
        return markdown
    systems = [
        f"## {name}\n\n{markdown_options(system.recipe_class())}"
        for name, system in {**SYSTEMS, **CONTACT_SYSTEMS}.items()
    ]
    return markdown.replace(_PLACE, "\n\n".join(systems))
