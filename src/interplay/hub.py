"""Models of `transformers` from a folder, the hub's cache or the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def load_pretrained(kind: Any, source: str) -> Any:
    """``kind.from_pretrained(source)``, which asks the network only for what is not on this machine, and asks once.

    Without a network, transformers itself would retry every file for half a minute. Code that comes with a model is
    never run, nor asked for.

    Args:
        kind: a class of transformers, such as ``AutoModel``.
        source: a folder, or a name on the hub.

    Raises:
        OSError: neither here nor to be had from the hub.
        ValueError, RuntimeError: of transformers, for what is not such a model.
    """
    if Path(source).is_dir():
        return kind.from_pretrained(source, trust_remote_code=False)
    try:
        return kind.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    except OSError:
        _check_hub(source)
    return kind.from_pretrained(source, trust_remote_code=False)


def fetch_command(source: str) -> str:
    """The command that brings a model of the hub into a folder."""
    return f"hf download {source} --local-dir {Path(source).name}"


def _check_hub(name: str) -> None:
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:  # of the HTTP library, which differs between versions of the hub's client
        raise OSError(str(error).strip() or type(error).__name__) from error
