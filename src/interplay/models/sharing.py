"""Models on the hub: a weights file and a card in Markdown."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from interplay._version import __version__
from interplay.hub import WEIGHTS, publish_folder
from interplay.models.weights import save_weights

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

_MOST_NAMES = 40


def share(model: HoiModel, repository: str, private: bool, token: str | None, about: str, message: str) -> str:
    """Publish a model; see `HoiModel.push_to_hub`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        save_weights(model, model.description(), folder / WEIGHTS)
        (folder / "README.md").write_text(card_markdown(model, repository, about), encoding="utf-8")
        return publish_folder(folder, repository, private, token, message)


def card_markdown(model: HoiModel, repository: str, about: str = "") -> str:
    """A model's card as the hub has them: a header for machines, then Markdown.

    Args:
        repository: ``owner/name``, for the example.
        about: Markdown on data, figures, licence.
    """
    names, system = model.vocabulary, str(model.description()["system"])
    parameters = sum(p.numel() for p in model.parameters())
    lines = [
        "---",
        "library_name: interplay",
        "pipeline_tag: object-detection",
        "tags:",
        "- human-object-interaction",
        f"- {system}",
        "---",
        "",
        f"# {repository}",
        "",
        f"Who does what with which object: a {system} of interplay, version {__version__}.",
        "",
        "```python",
        "import interplay",
        "",
        f'model = interplay.load_model("{repository}")',
        'print(model.predict("photo.jpg"))',
        "```",
        "",
        f"- Vocabulary: {names.name}, {len(names.objects)} objects, {len(names.verbs)} verbs",
        f"- Verbs: {_some(names.verbs)}",
        f"- Parameters: {parameters:,}",
        "",
    ]
    return "\n".join([*lines, about or "Nothing was said about data, figures and licence."]) + "\n"


def _some(names: tuple[str, ...]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
