"""The spatial stream learns from annotations in other words what they tell, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay import Interactions, InteractionTable, Vocabulary, write
from interplay.errors import InputError
from interplay.models.tin_spatial.config import SpatialConfig
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.further import translated
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import TinSpatialTask
from interplay.training.config import resolve_config

HICO, VCOCO = Vocabulary.load("hico-det"), Vocabulary.load("v-coco")
VERBS = tuple(VCOCO.verb_index(name) for name in ("hold", "sit", "ride", "look", "jump", "surf"))
HOLD, SIT, RIDE, LOOK, JUMP, SURF = range(6)


def image(boxes: list[list[float]], names: list[str], interactions: list[tuple[int, str, int]]) -> Interactions:
    """An image of HICO-DET."""
    return Interactions(
        boxes=boxes,
        labels=[HICO.object_index(name) for name in names],
        human=[human for human, _, _ in interactions],
        object=[other for _, _, other in interactions],
        verb=[HICO.verb_index(verb) for _, verb, _ in interactions],
        vocabulary=HICO,
        file="a.jpg",
        width=640,
        height=480,
        scored=False,
    )


@pytest.fixture
def street() -> InteractionTable:
    """A rider, drawn once for riding and once for straddling, somebody who walks a horse, one who does nothing with it,
    one of whom nothing is told, and somebody who surfs."""
    boxes = [[10, 10, 60, 120], [11, 10, 60, 121], [5, 60, 90, 140], [6, 60, 90, 140], [150, 10, 200, 130]]
    boxes += [[210, 10, 260, 130], [300, 10, 350, 120]]
    names = ["person", "person", "horse", "horse", "person", "person", "person"]
    riders = image(boxes, names, [(0, "ride", 2), (1, "straddle", 3), (4, "walk", 2), (5, "no interaction", 2)])
    surfer = image([[0, 0, 50, 90], [0, 80, 60, 100]], ["person", "surfboard"], [(0, "ride", 1), (0, "watch", 1)])
    return InteractionTable.from_list([riders, surfer])


def test_annotations_are_told_in_the_networks_words(street: InteractionTable) -> None:
    table, told = translated(street, VCOCO, VERBS, ["look"])
    riders, surfer = table
    assert table.vocabulary == VCOCO
    assert [VCOCO.objects[label] for label in riders.labels] == ["person", "horse", "person", "person", "person"]
    assert [(t.verb, t.object) for t in riders.triplets()] == [("ride", "horse")]
    assert riders.unlabelled is not None
    assert riders.unlabelled.tolist() == [False, False, False, False, True]
    assert [(t.verb, t.object) for t in surfer.triplets()] == [("surf", "surfboard")]
    horse, board, bench = (told[VCOCO.object_index(name)] for name in ("horse", "surfboard", "bench"))
    np.testing.assert_array_equal(np.flatnonzero(horse), [HOLD, RIDE, JUMP])
    np.testing.assert_array_equal(np.flatnonzero(board), [HOLD, SIT, JUMP, SURF])
    np.testing.assert_array_equal(np.flatnonzero(bench), [SIT])
    assert translated(street, VCOCO, VERBS)[1][VCOCO.object_index("bird"), LOOK]
    assert not told[:, LOOK].any()


def test_verbs_that_are_wrong(street: InteractionTable) -> None:
    with pytest.raises(InputError, match="unknown verb 'lok'"):
        translated(street, VCOCO, VERBS, ["lok"])
    with pytest.raises(
        InputError, match="none of the verbs of 'hico-det', such as 'adjust', is one that is learnt here"
    ):
        translated(street, VCOCO, (VCOCO.verb_index("eat with"),))


def test_joined_sets_give_what_each_gives(street: InteractionTable) -> None:
    table, told = translated(street, VCOCO, VERBS)
    first, second = PairSet(table.select(np.array([1])), VERBS), PairSet(table, VERBS, told)
    joined = first.joined(second).joined(first)
    assert len(joined) == 4
    for part, images in ((first, [0]), (second, [1, 2]), (first, [3])):
        expected, found = part.batch(torch.arange(len(part))), joined.batch(torch.tensor(images))
        for name, value in vars(expected).items():
            torch.testing.assert_close(getattr(found, name), value, msg=name)
    for name in ("boxes", "labels", "places", "objects"):
        assert len(getattr(joined.pool, name)) == 2 * len(getattr(first.pool, name)) + len(getattr(second.pool, name))


def small_model() -> TinSpatial:
    torch.manual_seed(0)
    content = {"network": {"verbs": VERBS, "width": 8, "layers": 1, "heads": 1, "embedding": 2}}
    return TinSpatial(VCOCO, SpatialConfig.model_validate(content)).eval()


def test_nothing_is_learnt_of_what_is_not_told(street: InteractionTable) -> None:
    table, told = translated(street, VCOCO, VERBS, ["look"])
    model, batch = small_model(), PairSet(table, VERBS, told).batch(torch.arange(2))
    losses = model.loss(model(batch.boxes, batch.labels, batch.detected, batch.scores), batch.targets)
    sum(losses.values()).backward()  # type: ignore[union-attr]
    gradient = model.members[0].get_parameter("classifier.bias").grad
    assert gradient is not None
    assert gradient[LOOK] == 0
    assert (gradient[[HOLD, SIT, RIDE, JUMP, SURF]] != 0).all()


def test_a_pair_without_a_told_verb_has_none_of_them(street: InteractionTable) -> None:
    """Its loss is that of C x D for the verbs that are told; whether it interacts is not known."""
    table, told = translated(street, VCOCO, VERBS)
    pairs = PairSet(table.select(np.array([0])), VERBS, told)
    model, batch = small_model(), pairs.batch(torch.tensor([0]))
    outputs = model(batch.boxes, batch.labels, batch.detected, batch.scores)
    losses = model.loss(outputs, batch.targets)
    known = model.learnt_pairs(batch.labels, batch.targets)[0]
    both = outputs.verb_probabilities()[0].double()
    c, d = outputs.verb_logits[0].double().sigmoid(), outputs.interactive_logits[0].double().sigmoid()
    sure, verbs = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for human, other in known.nonzero().tolist():
        tells, does = batch.told[0, other], batch.verbs[0, human, other]
        if does.any():
            sure -= d[human, other].log()
            verbs -= torch.where(does, c[human, other], 1 - c[human, other])[tells].log().sum()
        else:
            verbs -= (1 - both[human, other][tells]).log().sum()
    count = known.sum()
    torch.testing.assert_close(losses["interactiveness"].double(), sure / count, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses["verbs"].double(), 0.25 * verbs / count, rtol=1e-4, atol=1e-6)


@pytest.fixture
def folder(street: InteractionTable, tmp_path: Path) -> Path:
    table, _ = translated(street, VCOCO, VERBS)
    write(table, tmp_path / "vcoco.jsonl")
    write(street, tmp_path / "hico.jsonl")
    return tmp_path


def config(folder: Path, **further: Any) -> Any:
    data = {"dataset": "v-coco", "root": folder / "vcoco.jsonl", "holdout": 0}
    more = {"dataset": "hico-det", "root": folder / "hico.jsonl", **further}
    fields = {"data": data, "further": {"hico": more}, "model": {"width": 8, "heads": 1, "members": 1}}
    return resolve_config({"name": "more", "system": "tin-spatial", "output": str(folder), **fields})


def test_further_annotations_are_trained_on_and_not_validated_on(folder: Path) -> None:
    task = TinSpatialTask(config(folder, untold=("look",)))
    assert len(task.data) == 4
    assert len(task.validation) == 2
    assert [each["images"] for each in task.record["training"]] == [2, 2]
    assert task.record["validation"]["images"] == 2
    batch = task.data.batch(torch.arange(4), torch.Generator().manual_seed(0))
    outputs = task.model(batch.boxes, batch.labels, batch.detected, batch.scores)
    assert sum(task.model.loss(outputs, batch.targets).values()).isfinite()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"holdout": 0.1}, r"further\.hico: .*only trained on, all of them, got holdout=0\.1: leave it out"),
        ({"untold": "look"}, r"further\.hico\.untold"),
    ],
)
def test_what_further_data_cannot_be(further: dict[str, Any], message: str, folder: Path) -> None:
    with pytest.raises(InputError, match=message):
        config(folder, **further)
