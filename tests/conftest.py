"""Fixtures shared by all tests."""

from __future__ import annotations

import os

# Before torch is loaded, and for the processes that tests start: small networks gain nothing from threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
import pytest
import torch

from interplay import Interactions, Vocabulary


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"set {variable} to the folder of {what} to run this test")
    return Path(value).resolve()


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Reference inputs and outputs computed with the published implementations."""
    return _folder("INTERPLAY_GOLDENS", "reference outputs")


@pytest.fixture(scope="session")
def data() -> Path:
    """Real annotations and photographs."""
    return _folder("INTERPLAY_DATA", "real annotations and photographs")


@pytest.fixture(autouse=True)
def _seed() -> None:
    """What a test draws does not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture
def hico() -> Vocabulary:
    return Vocabulary.load("hico-det")


@pytest.fixture
def ride(hico: Vocabulary) -> Interactions:
    """A person who rides and holds a bicycle, and looks on beside a bench without object."""
    return Interactions(
        boxes=np.array([[10, 10, 60, 120], [5, 60, 90, 140], [100.5, 50, 180, 90]], np.float32),
        labels=np.array([0, 1, 13]),
        box_scores=np.array([0.9, 0.8, 0.7]),
        human=np.array([0, 0, 0]),
        object=np.array([1, 1, -1]),
        verb=np.array([hico.verb_index(v) for v in ("ride", "hold", "no interaction")]),
        score=np.array([0.83, 0.4, 0.1]),
        vocabulary=hico,
        file="a.jpg",
        width=200,
        height=150,
    )
