"""The folder that a run writes to: new, or of an earlier run with the same settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.files import is_temporary
from interplay.locks import LOCK_FILE

from .files import write_bytes


def check_is_ours(folder: Path, settings_file: str, what: str) -> None:
    """Raise InputError where a folder holds something else; what a killed run left of its beginning is no content.

    Args:
        folder: that may be there.
        settings_file: whose presence says that it is ours.
        what: it then holds: ``"generated data set"``.
    """
    if not folder.is_dir() or (folder / settings_file).is_file():
        return
    left = f".{Path(settings_file).stem}.*.json"
    for path in folder.iterdir():
        if path.name != LOCK_FILE and not (is_temporary(path.name) or path.match(left)):
            raise InputError(f"{folder} is not empty and holds no {what}; give another folder")


def claim(folder: Path, settings_file: str, fingerprint: Mapping[str, Any], what: str) -> None:
    """Make sure that the folder is empty or holds a run of the same settings, and note these.

    Args:
        folder: which is locked.
        settings_file: for them.
        fingerprint: all that must agree.
        what: the folder holds.

    Raises:
        InputError: it holds something else, or was made with other settings; says which.
    """
    mine = json.loads(json.dumps(fingerprint))
    described = folder / settings_file
    if not described.is_file():
        check_is_ours(folder, settings_file, what)
        write_bytes(described, (json.dumps(mine, indent=1) + "\n").encode())
        return
    content = read_json(described, f"the settings of a {what}")
    if not isinstance(content, dict):
        raise InputError(f"{described}: expected the settings of a {what}")
    differing = sorted(k for k in mine.keys() | content.keys() if mine.get(k) != content.get(k))
    if differing:
        listing = ", ".join(f"{k} {content.get(k)!r} there, {mine.get(k)!r} wanted" for k in differing)
        raise InputError(f"{folder} holds a {what} with other settings ({listing}); give another folder")


def prepare_body(console: Console) -> None:
    """Let the body model be computed once, before several processes want it."""
    from interplay.body.model import body_model_is_cached, load_body_model

    if not body_model_is_cached():
        with console.status("computing the body model"):
            load_body_model()
