"""The body model."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

pytest.importorskip("anny")

import anny
from anny.paths import get_anny_cache_path, set_anny_cache_path

from interplay.body.model import load_body_model


class Computed(Exception):
    """Stands for the minute of computing."""


def test_what_the_first_use_writes_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(**options: object) -> NoReturn:
        raise Computed

    monkeypatch.setattr(anny, "Anny", compute)
    usual = get_anny_cache_path()
    set_anny_cache_path(tmp_path)
    try:
        with pytest.warns(UserWarning, match=rf"1 GB in {tmp_path}.*ANNY_CACHE_DIR.*removed"), pytest.raises(Computed):
            load_body_model.__wrapped__()
    finally:
        set_anny_cache_path(usual)
