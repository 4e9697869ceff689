"""What all of the package's errors have in common."""

from __future__ import annotations

import pytest

from interplay.errors import InputError, MissingFileError


@pytest.mark.parametrize("kind", [InputError, MissingFileError])
def test_a_word_without_end_is_cut(kind: type[Exception]) -> None:
    message = str(kind(f"own.json: unknown system {'a' * 5000}, expected tin"))
    assert message.startswith("own.json: unknown system aaa")
    assert message.endswith("a..., expected tin")
    assert len(message) < 400
    assert str(kind("no file " + "a/" * 100)) == "no file " + "a/" * 100
