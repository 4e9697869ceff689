"""Whatever is wrong in a file, reading it ends in an error that says so, never in another exception."""

from __future__ import annotations

import copy
import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interplay import load_annotations
from interplay.errors import InterplayError

JUNK: list[Any] = [None, -1, 0, 10**9, 1e400, 1.5, float("nan"), "x", "", [], {}, [1], [[1, 2]], {"a": 1}, True]
HICO = ["pairs/instances_test2015.json", "hoia/test_hico.json", "hoia/trainval_hico.json",
        "hake/hico-det-training-set-instance-level.json"]  # fmt: skip
VCOCO = ["official/vcoco/vcoco_test.json", "official/instances_vcoco_all_2014.json", "hoia/test_vcoco.json",
         "pairs/instances_vcoco_test.json"]  # fmt: skip


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def damage(path: Path, draw: random.Random, original: Any) -> None:
    content = copy.deepcopy(original)
    *keys, last = draw.choice(list(places(original)))
    inner = content
    for key in keys:
        inner = inner[key]
    if draw.random() < 0.2:
        del inner[last]
    else:
        inner[last] = draw.choice(JUNK)
    path.write_text(json.dumps(content))


def check(dataset: str, path: Path, read: Path) -> None:
    original = json.loads(path.read_text())
    draw = random.Random(path.name)
    refused = 0
    for _ in range(120):
        damage(path, draw, original)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                load_annotations(dataset, read)
            except InterplayError:
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("name", HICO)
def test_damaged_hico(hico_folder: Path, name: str) -> None:
    check("hico-det", hico_folder / name, hico_folder / name)


@pytest.mark.parametrize("name", VCOCO)
def test_damaged_vcoco(vcoco_folder: Path, name: str) -> None:
    read = "official/vcoco/vcoco_test.json" if name.startswith("official") else name
    check("v-coco", vcoco_folder / name, vcoco_folder / read)
