"""The readers against the annotations that the published evaluators were given."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from interplay import Vocabulary, load_annotations
from interplay.table import InteractionTable


@pytest.fixture(scope="module")
def hico_test(data: Path) -> InteractionTable:
    return load_annotations("hico-det", data / "hico_det" / "instances_test2015.json")


def test_hico_test_split_is_the_evaluators_ground_truth(goldens: Path, hico_test: InteractionTable) -> None:
    truth = dict(np.load(goldens / "evaluation" / "hico_gt.npz"))
    assert hico_test.files == truth["file_name"].tolist()
    np.testing.assert_array_equal(hico_test.sizes, truth["image_size_wh"])
    np.testing.assert_array_equal(hico_test.image_index, truth["pair_image_index"])
    np.testing.assert_array_equal(hico_test.human_boxes + 1, truth["pair_human_box_1based"])
    np.testing.assert_array_equal(hico_test.object_boxes + 1, truth["pair_object_box_1based"])
    lookup = hico_test.vocabulary.interaction_lookup
    np.testing.assert_array_equal(lookup[hico_test.verb, hico_test.object_labels], truth["pair_hoi"])


def test_a_repeated_box_is_one_box(hico_test: InteractionTable) -> None:
    image_of_box = hico_test.box_image_index
    distinct = np.unique(np.column_stack([image_of_box, hico_test.boxes, hico_test.labels]).astype(np.float64), axis=0)
    assert len(distinct) == len(hico_test.boxes) < 2 * len(hico_test.verb)


def _write_official(folder: Path, goldens: Path, data: Path) -> None:
    """V-COCO's own file and a COCO instances file made of the evaluator's ground truth."""
    truth = dict(np.load(goldens / "evaluation" / "vcoco_gt.npz"))
    ids = Vocabulary.load("coco").objects
    category_ids = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
    images = [
        {"id": int(i), "file_name": f"COCO_val2014_{i:012d}.jpg", "width": int(w), "height": int(h)}
        for i, (w, h) in zip(truth["image_id"], truth["image_size"], strict=True)
    ]
    annotations = [
        {
            "id": int(i),
            "image_id": int(image),
            "category_id": category_ids[category - 1],
            "bbox": box.tolist(),
            "area": float(box[2] * box[3]),
            "iscrowd": 0,
        }
        for i, image, category, box in zip(
            truth["ann_id"], truth["ann_image_id"], truth["ann_category"], truth["ann_bbox_xywh"], strict=True
        )
    ]
    categories = [{"id": c, "name": n} for c, n in zip(category_ids, ids, strict=True)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances_vcoco_all_2014.json").write_text(json.dumps(content))
    (folder / "vcoco_val.json").write_bytes((data / "vcoco" / "vcoco_val.json").read_bytes())


@pytest.fixture(scope="module")
def vcoco_folder(goldens: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vcoco")
    _write_official(folder, goldens, data)
    return folder


def test_vcoco_labels_are_the_evaluators_ground_truth(goldens: Path, vcoco_folder: Path) -> None:
    truth = dict(np.load(goldens / "evaluation" / "vcoco_gt.npz"))
    table = load_annotations("v-coco", vcoco_folder, split="val")
    assert [int(f[-16:-4]) for f in table.files] == truth["image_id"].tolist()
    np.testing.assert_array_equal(table.sizes, truth["image_size"])
    assert table.unlabelled is not None

    # Which instance of COCO each box of the table is: both are grouped by image, in order of the ids.
    w, h = truth["image_size"][np.searchsorted(truth["image_id"], truth["ann_image_id"])].T
    x, y = truth["ann_bbox_xywh"][:, 0], truth["ann_bbox_xywh"][:, 1]
    x2, y2 = x + np.maximum(0, truth["ann_bbox_xywh"][:, 2] - 1), y + np.maximum(0, truth["ann_bbox_xywh"][:, 3] - 1)
    corners = np.column_stack(
        [np.clip(x, 0, w - 1), np.clip(y, 0, h - 1), np.clip(x2, 0, w - 1), np.clip(y2, 0, h - 1)]
    )
    usable = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    row_of_annotation = np.full(len(usable), -1)
    order = np.lexsort([truth["ann_id"], truth["ann_image_id"]])
    row_of_annotation[order[usable[order]]] = np.arange(usable.sum())
    np.testing.assert_array_equal(table.boxes, corners[order[usable[order]]].astype(np.float32))
    np.testing.assert_array_equal(table.labels, truth["ann_category"][order[usable[order]]] - 1)

    actions = table.vocabulary.actions
    assert list(actions) == [name.replace("_", " ") for name in truth["action_names"]]
    rows = row_of_annotation[truth["person_ann"]]
    labels = np.zeros((len(table.boxes), len(actions)), int)
    labels[table.human_rows, table.vocabulary.verb_actions[table.verb]] = 1
    np.testing.assert_array_equal(labels[rows], truth["action_label"])

    people = table.labels == 0
    assert not table.unlabelled[rows].any()
    assert table.unlabelled.sum() == people.sum() - len(rows)

    found = Counter(zip(table.human_rows.tolist(), table.verb.tolist(), table.object_rows.tolist(), strict=True))
    expected: Counter[tuple[int, int, int]] = Counter()
    for person, action, role in zip(*np.nonzero(np.ones_like(truth["role_ann"])), strict=True):
        names = str(truth["role_names"][action]).split("|")[1:]
        verbs = [f"{truth['action_names'][action]}_{n}" for n in names] or [str(truth["action_names"][action])]
        if truth["action_label"][person, action] and role < len(verbs):
            target = truth["role_ann"][person, action, role]
            object_row = row_of_annotation[target] if target >= 0 else -1
            expected[int(rows[person]), table.vocabulary.verb_index(verbs[role]), int(object_row)] += 1
    assert found == expected


def test_vcoco_forms_hold_the_same_pairs(data: Path, vcoco_folder: Path) -> None:
    """The pairs of the pair lists are the role labels with an object, less the action `point`."""
    pairs = load_annotations("v-coco", data / "vcoco" / "instances_vcoco_trainval.json")
    official = load_annotations("v-coco", vcoco_folder, split="val")
    names = official.vocabulary.verbs
    count = Counter(names[v] for v in official.verb[official.object >= 0])
    listed = set(official.files)
    chosen = [i for i, f in enumerate(pairs.files) if f.replace("train2014", "val2014") in listed]
    assert len(chosen) == 2867
    subset = pairs.select(np.array(chosen))
    del count["point"]
    assert Counter(names[v] for v in subset.verb) == count


def test_published_counts(data: Path) -> None:
    """The pair lists hold as many pairs as are published, and HICO-DET's rare classes have few of them."""
    hico = load_annotations("hico-det", data / "hico_det")
    assert (len(hico), len(hico.verb)) == (9658, 33405)
    trainval, test = (load_annotations("v-coco", data / "vcoco", split=split) for split in ("trainval", "test"))
    assert (len(trainval), len(trainval.verb)) == (5400, 13817)
    assert (len(test), len(test.verb)) == (4946, 12402)
    assert len(load_annotations("v-coco", data / "vcoco", split="train")) == 2533
    assert len(load_annotations("v-coco", data / "vcoco", split="val")) == 2867


def test_a_published_extract_of_the_query_detectors_form(data: Path) -> None:
    """Its objects are numbered 1..80; `hoi_category_id` says so."""
    with pytest.warns(UserWarning, match="without gaps"):
        table = load_annotations("hico-det", data / "hico_det" / "trainval_hico_sample.json")
    names = table.vocabulary
    assert {(names.verbs[v], names.objects[o]) for v, o in zip(table.verb, table.object_labels, strict=True)} == {
        ("hold", "backpack")
    }
    np.testing.assert_allclose(table.human_boxes[0], [503.4615, 377.5385, 761.1538, 1635.2308], atol=1e-3)
