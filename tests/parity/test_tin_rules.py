"""TIN's rules: maps, part boxes and suppression, against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.metrics import evaluate_tables
from interplay.models.tin.maps import LINE_VALUES, SKELETON, boxes_on_grid, pair_map, pair_maps
from interplay.models.tin.pair_selection import HICO_PAIRS, VCOCO_PAIRS, select_pairs
from interplay.models.tin.part_boxes import limb_joints, part_boxes
from interplay.models.tin.suppression import (
    HICO_LIS,
    VCOCO_LIS,
    ScoredPairs,
    suppress_hico,
    suppress_tpami,
    tables,
    tpami_lis,
    tpami_thresholds,
)
from interplay.models.tin.vcoco_suppression import (
    PersonPairs,
    actions,
    allowed_actions,
    suppress_vcoco,
    vcoco_thresholds,
)


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "tin"


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_skeleton_has_the_published_lines(folder: Path) -> None:
    lines = _json(folder / "pose_lines.json")["lines_in_drawing_order"]
    assert [tuple(line[:2]) for line in lines] == list(SKELETON)
    np.testing.assert_array_equal(LINE_VALUES, np.array([line[2] for line in lines], np.float32))


def test_maps_of_pairs(folder: Path) -> None:
    with np.load(folder / "spatial_pose.npz") as stored:
        for case in _json(folder / "spatial_pose_cases.json"):
            values = {name: stored[f"{case['case']:02}_{name}"] for name in ("human_box", "object_box", "pose", "map")}
            pose = values["pose"] if len(values["pose"]) else None
            drawn = pair_map(values["human_box"], values["object_box"], pose)
            np.testing.assert_array_equal(drawn.transpose(1, 2, 0), values["map"], err_msg=case["name"])
            grids = boxes_on_grid(values["human_box"][None], values["object_box"][None])
            for who, grid in zip(("human", "object"), grids, strict=True):
                expected = stored[f"{case['case']:02}_{who}_box_64"]
                np.testing.assert_array_equal(grid[0], expected, err_msg=case["name"])


def test_maps_of_many_pairs_are_those_of_each(folder: Path) -> None:
    with np.load(folder / "spatial_pose.npz") as stored:
        names = [f"{k:02}" for k in range(22) if stored[f"{k:02}_human_box"].dtype == np.float64]
        humans, things = (np.stack([stored[f"{name}_{who}_box"] for name in names]) for who in ("human", "object"))
        maps = pair_maps(humans, things, [stored[f"{name}_pose"] for name in names])
        expected = np.stack([stored[f"{name}_map"] for name in names])
    np.testing.assert_array_equal(maps.transpose(0, 2, 3, 1), expected)


def test_boxes_of_body_parts(folder: Path) -> None:
    with np.load(folder / "part_boxes.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    np.testing.assert_array_equal(limb_joints(values["keypoints17"]), values["joints16"])
    parts = part_boxes(values["keypoints17"], values["human_box"])
    np.testing.assert_array_equal(parts, values["part_boxes"][..., 1:])


def test_people_without_keypoints_have_their_box_for_every_part() -> None:
    parts = part_boxes(np.full((1, 17, 3), np.nan), [[1, 2, 30, 40]])
    np.testing.assert_array_equal(parts, np.broadcast_to(np.float32([1, 2, 30, 40]), (1, 10, 4)))


def test_low_grade_instance_suppression(folder: Path) -> None:
    with np.load(folder / "lis.npz") as stored:
        np.testing.assert_allclose(HICO_LIS(stored["x"]), stored["hico_master"], rtol=1e-12)
        np.testing.assert_allclose(VCOCO_LIS(stored["x"]), stored["vcoco_master"], rtol=1e-12)
        np.testing.assert_allclose(VCOCO_LIS(stored["x"]), stored["vcoco_master_f32"], rtol=1e-6)
        np.testing.assert_allclose(tpami_lis(stored["x"]), stored["hico_tpami"], rtol=1e-12)
        assert tpami_lis(stored["x"], published_behaviour=False).max() / 3 > 2


def test_non_interaction_suppression_of_hico(folder: Path, hico: Vocabulary) -> None:
    with np.load(folder / "hico_nis.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    binary = np.zeros((len(values["d_index"]), 2))
    counted = values["d_index"] >= 0
    for column, name in enumerate(("d_inter", "d_nointer")):
        binary[counted, column] = values[name][values["d_index"][counted]]
    exempt = np.isin(values["image_id"], tables()["hico"]["images_without_confident_pair"])
    np.testing.assert_array_equal(exempt, ~counted)
    objects = values["object_class"] - 1
    pairs = ScoredPairs(objects, values["human_score"], values["object_score"], values["scores"], binary, exempt)
    ranked = list(suppress_hico(pairs, hico))
    for label in values["classes"] - 1:
        within = [r for r in ranked if hico.interactions[r.interaction, 1] == label]
        rows = np.concatenate([
            np.column_stack([
                values["human_box"][r.pair], values["object_box"][r.pair], values["image_id"][r.pair],
                np.full(len(r.pair), k), r.score,
            ]) for k, r in enumerate(within)
        ])  # fmt: skip
        np.testing.assert_allclose(rows, values[f"det_class{label + 1:02}"], rtol=1e-6)


def test_thresholds_of_hico(folder: Path) -> None:
    published, ours = _json(folder / "hico_nis_tables.json"), tables()["hico"]
    assert ours["images_without_confident_pair"] == published["test_images_without_confident_pair"]
    assert ours["default"] == [published["default_inter_thresh"], published["default_no_inter_thresh"]]
    assert len(ours["objects"]) == len(published["per_object_class_1based"])


def test_tables_of_vcoco(folder: Path) -> None:
    published = _json(folder / "vcoco_nis_tables.json")
    vocabulary = Vocabulary.load("v-coco")
    assert [vocabulary.verbs[vocabulary.verb_index(name)] for name in published["action_names"]] == list(actions())
    np.testing.assert_array_equal(allowed_actions(), published["apply_prior_allowed_81x29_row_is_class_1based"][1:])
    np.testing.assert_array_equal(vcoco_thresholds(), published["object_inter_no_inter_thresh"])


def test_non_interaction_suppression_of_vcoco(folder: Path) -> None:
    with np.load(folder / "vcoco_nis.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    people = sorted({name.split("/")[0] for name in values if "/" in name})
    assert len(people) > 5
    for person in people:
        given = {name: values[f"{person}/in_{name}"] for name in (
            "H_det", "H_Score", "object_box", "object_class", "O_det", "HO_Score", "d_score")}  # fmt: skip
        pairs = PersonPairs(
            float(given["H_det"]), given["H_Score"][0], given["object_box"], given["object_class"] - 1,
            given["O_det"], given["HO_Score"], given["d_score"],
        )  # fmt: skip
        for flag in (0, 1, 2, 3):
            done = suppress_vcoco(pairs, values["prior_mask"], flag)
            agents = [done.agents[str(name).removesuffix("_agent").replace("_", " ")] for name in values["agent_names"]]
            np.testing.assert_allclose(agents, values[f"{person}/flag{flag}_agent_scores"], rtol=1e-6)
            rows = np.column_stack([done.boxes, done.scores])
            np.testing.assert_allclose(rows, values[f"{person}/flag{flag}_role"], rtol=1e-6)


def test_selection_of_pairs(folder: Path) -> None:
    for case in _json(folder / "pair_selection.json"):
        found = case["detections"]
        boxes = np.array([d["box"] for d in found], np.float32).reshape(-1, 4)
        given = boxes, np.array([d["score"] for d in found]), np.array([d["type"] == "Human" for d in found], bool)
        hico, vcoco = select_pairs(*given, HICO_PAIRS, published_behaviour=True), select_pairs(*given, VCOCO_PAIRS)
        assert hico.tolist() == case["hico_pairs_human_object_index"], case["name"]
        assert vcoco.tolist() == case["vcoco_pairs_human_object_index"], case["name"]
        clean = {tuple(pair) for pair in select_pairs(*given, HICO_PAIRS).tolist()}
        if case["name"] in ("one_human_no_object", "only_objects"):
            assert not clean
        else:
            assert clean <= {tuple(pair) for pair in hico.tolist()}
            assert all(given[2][human] for human, _ in clean)


def test_evaluation_of_the_extension(folder: Path, hico: Vocabulary) -> None:
    published = _json(folder / "tpami_thresholds.json")
    expected = [published[f"{name}_thresh"] for name in ("human", "object", "interactiveness")]
    np.testing.assert_allclose(tpami_thresholds().T, expected, rtol=1e-12)
    with np.load(folder / "tpami_eval.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    objects = values["object_class"] - 1
    scores = np.zeros((len(objects), 600))
    for row, label in enumerate(objects):
        own = np.flatnonzero(hico.interactions[:, 1] == label)
        scores[row, own] = values["scores_within_object"][row, : len(own)]
    exempt = np.zeros(len(objects), bool)
    pairs = ScoredPairs(objects, values["human_score"], values["object_score"], scores, values["binary_prob"], exempt)
    kept = list(suppress_tpami(pairs, hico))
    found = _table(
        values["image_key"], values["human_box"], values["object_box"], hico,
        np.concatenate([r.pair for r in kept]), np.repeat(range(600), [len(r.pair) for r in kept]),
        np.concatenate([r.score for r in kept]),
    )  # fmt: skip
    rows = values["gt_hoi_key_x1x2y1y2"]
    humans, things = rows[:, [2, 4, 3, 5]] - 1, rows[:, [6, 8, 7, 9]] - 1  # the protocol counts annotations from 1
    truth = _table(rows[:, 1], humans, things, hico, np.arange(len(rows)), rows[:, 0])
    precision = evaluate_tables(found, truth, "tin-pami").ap
    np.testing.assert_allclose(precision, values["ap"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.nansum(precision) / 600, values["map_over_600"], rtol=1e-6)


def _table(
    keys: np.ndarray, humans: np.ndarray, things: np.ndarray, names: Vocabulary, pair: np.ndarray,
    interaction: np.ndarray, score: np.ndarray | None = None,
) -> InteractionTable:  # fmt: skip
    """Pairs of boxes of many images, of which some have interactions."""
    images = []
    for key in np.unique(keys):
        rows = np.flatnonzero(np.isin(pair, np.flatnonzero(keys == key)))
        verb, thing = names.interactions[interaction[rows]].T
        count = len(rows)
        images.append(Interactions(
            np.concatenate([humans[pair[rows]], things[pair[rows]]]), [*[names.person] * count, *thing],
            np.arange(count), np.arange(count) + count, verb, names, None if score is None else score[rows],
            file=str(key), scored=score is not None,
        ))  # fmt: skip
    return InteractionTable.from_list(images, names)


def test_evaluation_of_interactiveness(folder: Path) -> None:
    with np.load(folder / "tpami_binary_eval.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    names = Vocabulary.from_dict({
        "name": "interactiveness", "objects": ["person", "thing"], "verbs": ["interact"],
        "interactions": [["interact", "thing"]],
    })  # fmt: skip
    found, truth = (
        _table(values[key], boxes[:, :4], boxes[:, 4:], names, np.arange(len(boxes)), np.zeros(len(boxes), int), score)
        for key, boxes, score in (
            ("image_key", values["boxes"], values["score"]), ("gt_key", values["gt_boxes_x1y1x2y2"] - 1, None)
        )
    )  # fmt: skip
    scores = evaluate_tables(found, truth, "tin-pami")
    np.testing.assert_allclose(scores.ap[0], values["ap"], rtol=1e-6)
    np.testing.assert_allclose(scores.max_recall[0], values["max_recall"], rtol=1e-6)
