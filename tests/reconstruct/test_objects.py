"""Which part of a body an object is used with."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interplay.body.model import PARTS, load_body_model
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.objects import candidates_of_category, guessed_body_contact

CAMERA = Intrinsics((200.0, 200.0), (60.0, 100.0))


@pytest.mark.parametrize(
    ("category", "only", "parts", "words"),
    [
        ("skis", "all", {"left foot", "right foot"}, "the feet"),
        ("skateboard", "a hand", {"left hand", "right hand"}, "the hands"),
        ("bottle", "all", {"left hand", "right hand"}, "the hands"),
        ("bench", "all", {"hips", "left thigh", "right hand", "left foot"}, "what people sit, hold and stand with"),
    ],
)
def test_what_an_object_is_used_with(category: str, only: str, parts: set[str], words: str) -> None:
    """Of everything that is before the object's box, feet stand on skis, and hands hold a skateboard that is no foot
    near."""
    pytest.importorskip("anny", reason="needs the extra body")
    body = load_body_model()
    vertices = (body.template.vertices - [0, 0, 0.9]) * [1, 1, -1] @ np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    vertices = vertices + np.array([0, 0, 3.0])
    shown = np.isin(body.part, [PARTS.index("left hand")]) if only == "a hand" else np.ones(len(vertices), bool)
    at = CAMERA.project(torch.from_numpy(vertices[shown])).numpy()
    mask = np.zeros((200, 120), bool)
    left, top, right, bottom = *np.floor(at.min(0)).astype(int), *np.ceil(at.max(0)).astype(int)
    mask[max(top, 0) : bottom, max(left, 0) : right] = True
    model = candidates_of_category(category)[0].model
    scores, said = guessed_body_contact(vertices, mask, CAMERA, model)
    touched = {PARTS[k] for k in np.unique(body.part[scores > 0.5])}
    assert said.endswith(words)
    assert parts <= touched if category == "bench" else touched <= parts
    assert touched
