"""Embeddings on disk, by the content that they were computed from."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from interplay.containers.tensors import read_safetensors
from interplay.errors import InputError
from interplay.files import atomic_path, cache_folder
from interplay.text.encoders import encoder_identity, load_text_encoder


def cached_embeddings(encoder: str, texts: Sequence[str], folder: str | os.PathLike[str] | None = None) -> Tensor:
    """Embeddings of texts, computed only if these texts were not embedded by this encoder before.

    Args:
        encoder: its name, see `load_text_encoder`; loaded only if there is something to compute.
        texts: N texts, in order.
        folder: where to keep them; by default in the user's cache.

    Returns:
        (N, E) float32, each of length 1.

    Warns:
        UserWarning: they cannot be kept.
    """
    from safetensors.torch import save_file

    content = json.dumps([encoder_identity(encoder), list(texts)])
    path = Path(folder or cache_folder("text")) / f"{hashlib.sha256(content.encode()).hexdigest()}.safetensors"
    if path.is_file():
        try:
            return read_safetensors(path)["embeddings"]
        except (InputError, KeyError):
            path.unlink(missing_ok=True)  # damaged: computed anew
    embeddings = load_text_encoder(encoder)(texts).contiguous()
    try:
        with atomic_path(path) as temporary:
            save_file({"embeddings": embeddings}, temporary, metadata={"encoder": encoder})
    except (OSError, InputError) as error:  # costs the time to compute them again, and nothing else
        reason = error.strerror if isinstance(error, OSError) else str(error)
        warnings.warn(f"embeddings of texts are not kept, {path.parent} cannot be written: {reason}", stacklevel=2)
    return embeddings
