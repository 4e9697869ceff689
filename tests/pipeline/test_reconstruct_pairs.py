"""Who uses what, for a reconstruction: shared objects, several of one person, and second boxes around one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.pipeline.reconstruct import ReconstructOptions
from interplay.pipeline.reconstruct.pairs import NO_BOX, NOBODY, choose_pairs, doubt, touch_scores

HICO = Vocabulary.load("hico-det")
BOXES = {
    "person": (0, 0, 60, 160),
    "another": (80, 0, 140, 160),
    "bench": (0, 90, 150, 170),
    "cup": (40, 40, 50, 52),
    "cup again": (41, 41, 50, 52),
}
NAMES = ["person", "person", "bench", "cup", "cup"]


def _found(*rows: tuple[int, str, int, float]) -> Interactions:
    human, verbs, objects, scores = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Interactions(
        list(BOXES.values()),
        [HICO.objects.index(name) for name in NAMES],
        list(human),
        list(objects),
        [HICO.verbs.index(verb) for verb in verbs],
        HICO,
        score=list(scores),
        box_scores=[0.9, 0.8, 0.9, 0.9, 0.6],
    )


def _chosen(found: Interactions, given: Any = None, **options: Any) -> list[tuple[int, int]]:
    return choose_pairs(found, [0, 1], given, ReconstructOptions(**{"pairs": 9, **options}))


def test_two_on_one_bench_of_whom_one_holds_a_cup() -> None:
    found = _found((0, "sit on", 2, 0.9), (1, "sit on", 2, 0.8), (0, "hold", 3, 0.7), (0, "hold", 4, 0.6))
    assert _chosen(found) == [(0, 2), (1, 2), (0, 3)]  # the second box around the cup is the same cup
    assert _chosen(found, pairs=2) == [(0, 2), (1, 2)]


def test_what_is_doubtful_gives_no_second_object_and_no_second_person() -> None:
    found = _found((0, "sit on", 2, 0.9), (1, "sit on", 2, 0.3), (0, "hold", 3, 0.3))
    assert _chosen(found) == [(0, 2)]


def test_looking_is_no_touching() -> None:
    found = _found((0, "watch", 3, 0.9), (0, "sit on", 2, 0.3))
    assert _chosen(found)[0] == (0, 2)


def test_a_doubtful_use_is_said() -> None:
    found = _found((0, "watch", 3, 0.9), (0, "sit on", 2, 0.3), (0, "lie on", 2, 0.2))
    scores = touch_scores(found, [0, 1])
    assert scores == {(0, 2): pytest.approx(0.3)}
    assert "score 0.30" in str(doubt("bench", scores[0, 2]))
    assert "no interaction" in str(doubt("cup", 0.0))
    assert doubt("bench", 0.8) is None


def test_a_given_mesh_is_of_one_object() -> None:
    found = _found((0, "sit on", 2, 0.9), (1, "sit on", 2, 0.8), (0, "hold", 3, 0.7))
    assert _chosen(found, object=Path("bench.obj")) == [(0, 2), (1, 2)]


def test_a_mask_may_be_shared() -> None:
    found = _found((0, "sit on", 2, 0.9), (1, "sit on", 2, 0.8))
    mask = np.zeros((200, 200), bool)
    mask[90:170, 0:150] = True
    assert _chosen(found, mask) == [(0, 2), (1, 2)]
    assert _chosen(found, np.roll(mask, 40, 1), pairs=1) == [(1, 2)]
    mask[:, 30:] = False
    assert _chosen(found, mask) == [(0, NO_BOX)]


def test_nobody_and_nothing_are_said() -> None:
    with pytest.raises(InputError, match="no person is found"):
        choose_pairs(_found(), [], None, ReconstructOptions())
    assert choose_pairs(_found(), [], None, ReconstructOptions(body=Path("b.npz")))[0][0] == NOBODY
    with pytest.raises(InputError, match="no frisbee is found in the photograph"):
        _chosen(_found(), category="frisbee")
    with pytest.raises(InputError, match="the detector knows no such object"):
        _chosen(_found(), category="throne")
