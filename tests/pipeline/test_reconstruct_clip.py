"""Clips: the pairs of the whole clip, what is known from frame to frame, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.pipeline.reconstruct import Reconstruction, ReconstructOptions, reconstruct_frames
from interplay.reconstruct import Intrinsics

HICO = Vocabulary.load("hico-det")
HOLD = HICO.verbs.index("hold")
NAMES = ("person", "cup", "bottle")
MESSAGES = Console(quiet=True)


@pytest.fixture
def clip(tmp_path: Path) -> str:
    pytest.importorskip("av", reason="needs the extra video")
    from interplay.video import write_clip

    path = tmp_path / "clip.mp4"
    write_clip(path, ((k / 5, np.full((96, 128, 3), 20 * k, np.uint8)) for k in range(6)))
    return str(path)


def _worker(rows: list[Any], calls: list[Any], **options: Any) -> Any:
    """Sees a person who holds a cup surely in all frames but the third, where the bottle is surer."""

    def interactions(image: Any, file: Path | None) -> Interactions:
        number = len(rows)
        rows.append(number)
        boxes = np.array([[10, 10, 60, 90], [60, 40, 70, 50], [20, 40, 30, 70]], float) + 2 * number
        scores = [0.5, 0.9] if number == 2 else [0.9, 0.5]
        labels = [HICO.objects.index(name) for name in NAMES]
        if number == 4:  # the cup is not found
            return Interactions(boxes[[0, 2]], [labels[0], labels[2]], [0], [1], [HOLD], HICO, score=[0.5])
        return Interactions(boxes, labels, [0, 0], [1, 2], [HOLD, HOLD], HICO, score=scores)

    def in_frame(image: Any, found: Interactions, pairs: Any, known: Any) -> Reconstruction:
        calls.append([(NAMES.index(HICO.objects[found.labels[box]])) for _, box in pairs])
        return Reconstruction(Intrinsics((100.0, 100.0), (64.0, 48.0)), "given", (128, 96))

    networks = SimpleNamespace(interactions=interactions)
    return SimpleNamespace(options=ReconstructOptions(**options), networks=networks, in_frame=in_frame)


def test_a_clip_keeps_its_pair_in_all_frames(clip: str) -> None:
    calls: list[Any] = []
    found = reconstruct_frames(_worker([], calls), clip, 5, MESSAGES)
    assert len(found) == 6
    assert calls == [[1], [1], [1], [1], [], [1]]
    calls.clear()
    reconstruct_frames(_worker([], calls, pairs=2), clip, 5, MESSAGES)
    assert [sorted(each) for each in calls] == [[1, 2], [1, 2], [1, 2], [1, 2], [2], [1, 2]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": Path("m.png")}, "of one photograph"),
        ({"heights": (1.2, 1.8)}, "give one for everybody in a clip"),
        ({"category": "frisbee"}, "in no frame: no frisbee is found"),
    ],
)
def test_what_is_of_one_photograph_or_in_no_frame_is_said(clip: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        reconstruct_frames(_worker([], [], **options), clip, 5, MESSAGES)
