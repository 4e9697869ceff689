"""A small data set of people who ride, hold and look, made up so that the boxes tell the verb."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary, write


def _image(rng: np.random.Generator, number: int, vocabulary: Vocabulary) -> Interactions:
    horse, cup = vocabulary.object_index("horse"), vocabulary.object_index("cup")
    x, y = rng.uniform(100, 400, 2)
    person = [x, y - 100, x + 60, y + 60]
    boxes, labels = [person], [0]
    human, object, verb = [], [], []
    if rng.random() < 0.6:  # a horse under the person is ridden, one beside is looked at
        ridden = rng.random() < 0.5
        left = x - 40 if ridden else x + 120
        boxes.append([left, y, left + 140, y + 110])
        labels.append(horse)
        human.append(0)
        object.append(len(boxes) - 1)
        verb.append(vocabulary.verb_index("ride" if ridden else "look"))
    held = rng.random() < 0.5
    boxes.append([x + 45, y - 60, x + 65, y - 35] if held else [x + 250, y + 150, x + 270, y + 175])
    labels.append(cup)
    if held or not human:
        human.append(0)
        object.append(len(boxes) - 1)
        verb.append(vocabulary.verb_index("hold" if held else "look"))
    return Interactions(
        boxes=np.array(boxes, np.float32), labels=np.array(labels), human=np.array(human), object=np.array(object),
        verb=np.array(verb), vocabulary=vocabulary, file=f"{number:04d}.jpg", width=640, height=480, scored=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def riders() -> InteractionTable:
    rng = np.random.default_rng(0)
    vocabulary = Vocabulary.load("v-coco")
    return InteractionTable.from_list([_image(rng, i, vocabulary) for i in range(240)])


@pytest.fixture(scope="session")
def riders_file(riders: InteractionTable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("riders") / "riders.jsonl"
    write(riders, path)
    return path
