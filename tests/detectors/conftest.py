from __future__ import annotations

import builtins

import pytest


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Call it with package names: importing them fails from then on."""
    original = builtins.__import__

    def hide(*packages: str) -> None:
        def fail(name: str, *args: object, **kwargs: object) -> object:
            if name.split(".")[0] in packages:
                raise ImportError(f"No module named {name!r}", name=name)
            return original(name, *args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(builtins, "__import__", fail)

    return hide
