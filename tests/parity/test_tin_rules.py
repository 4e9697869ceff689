"""TIN's rules: maps, part boxes and suppression, against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.detectors import Detections
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.metrics import evaluate_tables
from interplay.models.tin.config import TinConfig, TinDecodingOptions, TinNetworkOptions
from interplay.models.tin.maps import LINE_VALUES, SKELETON, boxes_on_grid, pair_map, pair_maps
from interplay.models.tin.model import TinModel
from interplay.models.tin.network import TinOutputs
from interplay.models.tin.part_boxes import limb_joints, part_boxes
from interplay.models.tin.published import (
    HICO_LIS,
    HICO_PAIRS,
    VCOCO_LIS,
    VCOCO_PAIRS,
    allowed_actions,
    hico_thresholds,
    published_actions,
    select_pairs,
    tpami_lis,
    tpami_thresholds,
    vcoco_thresholds,
)
from interplay.models.two_stage import PairIndex


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
        humans, objects = (np.stack([stored[f"{name}_{who}_box"] for name in names]) for who in ("human", "object"))
        maps = pair_maps(humans, objects, [stored[f"{name}_pose"] for name in names])
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


def _model(rule: str, vocabulary: Vocabulary, **network: Any) -> TinModel:
    options = TinConfig(network=TinNetworkOptions(**network), decoding=TinDecodingOptions(rule=rule))
    with torch.device("meta"):  # no weights: outputs are the published ones
        return TinModel(vocabulary, options)


def _decode(
    model: TinModel, image: np.ndarray, humans: np.ndarray, objects: np.ndarray, labels: np.ndarray,
    human_scores: np.ndarray, object_scores: np.ndarray, fused: np.ndarray, human_actions: np.ndarray,
    binary: np.ndarray, confident: np.ndarray,
) -> list[Interactions]:  # fmt: skip
    """What a model decodes from pairs of two boxes each; in every image first all people, then all other boxes."""
    keys = np.unique(image)
    detections, sizes = [], np.bincount(np.searchsorted(keys, image))
    place = np.empty(len(image), np.int64)
    for key, count in zip(keys, sizes, strict=True):
        rows = np.flatnonzero(image == key)
        place[rows] = np.arange(count)
        detections.append(Detections(
            np.concatenate([humans[rows], objects[rows]]),
            np.concatenate([np.full(count, model.vocabulary.person), labels[rows]]),
            np.concatenate([human_scores[rows], object_scores[rows]]).astype(np.float32),
        ))  # fmt: skip
    number = np.searchsorted(keys, image)
    pairs = PairIndex(number, place, place + sizes[number], confident)
    fused_name = "cls_prob_HO" if model.config.network.classes == "interaction" else "cls_prob_HO_final"
    scores = {fused_name: fused, "cls_prob_H": human_actions, "cls_prob_binary": binary}
    outputs = TinOutputs({name: torch.from_numpy(np.asarray(x, np.float32)) for name, x in scores.items()}, pairs)
    found = model.decode(outputs, torch.full((len(keys), 2), 1000), detections)
    for key, each in zip(keys, found, strict=True):
        each.file = str(key)
        assert ((each.score >= 0) & (each.score <= 1)).all()
        assert (np.diff(each.score) <= 0).all()
    return found


def test_hico_model_and_rule(folder: Path, hico: Vocabulary) -> None:
    with np.load(folder / "hico_nis.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    binary = np.zeros((len(values["d_index"]), 2))
    counted = values["d_index"] >= 0
    for column, name in enumerate(("d_inter", "d_nointer")):
        binary[counted, column] = values[name][values["d_index"][counted]]
    listed = _json(folder / "hico_nis_tables.json")["test_images_without_confident_pair"]
    confident = ~np.isin(values["image_id"], listed)
    np.testing.assert_array_equal(confident, counted)
    found = _decode(
        _model("published-hico", hico), values["image_id"], values["human_box"], values["object_box"],
        values["object_class"] - 1, values["human_score"], values["object_score"], values["scores"], values["scores"],
        binary, confident,
    )  # fmt: skip
    most = 2 * float(HICO_LIS(1.0)) ** 2
    compared = 0
    for label in values["classes"] - 1:
        own = np.flatnonzero(hico.interactions[:, 1] == label)
        rows = []
        for each in found:
            of_class = each[each.object_labels == label]
            within = np.searchsorted(own, hico.interaction_lookup[of_class.verb, label])
            boxes = of_class.boxes[of_class.human], of_class.boxes[of_class.object]
            number = np.full(len(of_class), int(each.file or 0))
            rows.append(np.column_stack([*boxes, number, within, of_class.score.astype(np.float64) * most]))
        got = np.concatenate(rows)
        got = got[np.lexsort((-got[:, 10], got[:, 9]))]
        np.testing.assert_allclose(got, values[f"det_class{label + 1:02}"], rtol=1e-6)
        compared += len(got)
    assert compared > 300


def test_thresholds_of_hico(folder: Path, hico: Vocabulary) -> None:
    published, ours = _json(folder / "hico_nis_tables.json"), hico_thresholds(hico)
    default = [published["default_inter_thresh"], published["default_no_inter_thresh"]]
    own = {int(label) - 1 for label in published["per_object_class_1based"]}
    changed = set(np.flatnonzero((ours != default).any(1)).tolist())
    assert changed <= own
    assert len(own) == 11


def test_tables_of_vcoco(folder: Path) -> None:
    published = _json(folder / "vcoco_nis_tables.json")
    vocabulary = Vocabulary.load("v-coco")
    verbs = published_actions(vocabulary)
    assert verbs == tuple(vocabulary.verb_index(name) for name in published["action_names"])
    allowed = allowed_actions(vocabulary)[:, list(verbs)]
    np.testing.assert_array_equal(allowed, published["apply_prior_allowed_81x29_row_is_class_1based"][1:])
    np.testing.assert_array_equal(vcoco_thresholds(vocabulary), published["object_inter_no_inter_thresh"])


@pytest.mark.parametrize("shuffled", [False, True])
def test_vcoco_model_and_rule(folder: Path, tmp_path: Path, shuffled: bool) -> None:
    """Agents and roles as V-COCO's evaluation reads them, in any order of the vocabulary's objects and verbs."""
    with np.load(folder / "vcoco_nis.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    np.save(tmp_path / "prior.npy", values["prior_mask"])
    own = vocabulary = Vocabulary.load("v-coco")
    if shuffled:
        content = vocabulary.to_dict()
        content = {"name": "mine", "objects": content["objects"][::-1], "verbs": content["verbs"][::-1]}
        own = Vocabulary.from_dict(content)
    relabelled = np.array([own.object_index(name) for name in vocabulary.objects])
    model = _model("published-vcoco", own, classes="verb", verbs=published_actions(own))
    people = sorted({name.split("/")[0] for name in values if "/" in name})
    most = float(VCOCO_LIS(1.0))
    for person, flag in [(person, flag) for person in people for flag in (1, 3)]:
        given = {name.split("/in_")[1]: value for name, value in values.items() if name.startswith(f"{person}/in_")}
        count = len(given["object_class"])
        model.set_decoding(prior_mask=str(tmp_path / "prior.npy") if flag == 3 else None)
        labels = relabelled[given["object_class"] - 1]
        found = Detections(
            np.concatenate([given["person_box"][None], given["object_box"]]), np.append(own.person, labels),
            np.append(given["H_det"], given["O_det"]).astype(np.float32),
        )  # fmt: skip
        pairs = PairIndex.of_image(np.column_stack([np.zeros(count, np.int64), np.arange(count) + 1]))
        actions = np.repeat(given["H_Score"], count, 0)
        scores = {"cls_prob_HO_final": given["HO_Score"], "cls_prob_H": actions, "cls_prob_binary": given["d_score"]}
        outputs = TinOutputs({name: torch.from_numpy(x) for name, x in scores.items()}, pairs)
        (decoded,) = model.decode(outputs, torch.tensor([[500, 500]]), [found])
        assert ((decoded.score >= 0) & (decoded.score <= 1)).all()
        read = VcocoDetections.from_table(InteractionTable.from_list([decoded]))
        motion = {record.action for record in own.verb_records if record.role is None}
        done = {own.actions[k]: v for k, v in zip(read.agent_action, read.agent_score, strict=True)}
        for name, expected in zip(values["agent_names"], values[f"{person}/flag{flag}_agent_scores"], strict=True):
            action = str(name).removesuffix("_agent").replace("_", " ")
            scale = most if action in motion else 2 * most**2
            assert done[action] * scale == pytest.approx(expected, rel=1e-6), action
        for name, expected in zip(values["role_names"], values[f"{person}/flag{flag}_role"], strict=True):
            verb = own.verb_index(str(name))
            if own.verb_records[verb].role is None:
                continue
            (row,) = np.flatnonzero(read.role_verb == verb)
            np.testing.assert_array_equal(read.role_box[row], expected[:4].astype(np.float32))
            assert read.role_score[row] * 2 * most**2 == pytest.approx(expected[4], rel=1e-6), name


def test_selection_of_pairs(folder: Path) -> None:
    for case in _json(folder / "pair_selection.json"):
        found = case["detections"]
        boxes = np.array([d["box"] for d in found], np.float32).reshape(-1, 4)
        given = boxes, np.array([d["score"] for d in found]), np.array([d["type"] == "Human" for d in found], bool)
        (hico, confident), (vcoco, _) = select_pairs(*given, HICO_PAIRS), select_pairs(*given, VCOCO_PAIRS)
        assert hico.tolist() == case["hico_pairs_human_object_index"], case["name"]
        assert vcoco.tolist() == case["vcoco_pairs_human_object_index"], case["name"]
        above = (given[1][hico[:, 0]] > 0.8) & (given[1][hico[:, 1]] > 0.3)
        assert above.all() or not confident, case["name"]


def test_model_and_rule_of_the_extension(folder: Path, hico: Vocabulary) -> None:
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
    found = _decode(
        _model("published-tpami", hico), values["image_key"], values["human_box"], values["object_box"], objects,
        values["human_score"], values["object_score"], scores, scores, values["binary_prob"],
        np.ones(len(objects), bool),
    )  # fmt: skip
    rows = values["gt_hoi_key_x1x2y1y2"]
    humans, objects = rows[:, [2, 4, 3, 5]] - 1, rows[:, [6, 8, 7, 9]] - 1  # the protocol counts annotations from 1
    truth = _table(rows[:, 1], humans, objects, hico, np.arange(len(rows)), rows[:, 0])
    precision = evaluate_tables(InteractionTable.from_list(found), truth, "tin-pami").ap
    np.testing.assert_allclose(precision, values["ap"], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.nansum(precision) / 600, values["map_over_600"], rtol=1e-6)


def _table(
    keys: np.ndarray, humans: np.ndarray, objects: np.ndarray, names: Vocabulary, pair: np.ndarray,
    interaction: np.ndarray, score: np.ndarray | None = None,
) -> InteractionTable:  # fmt: skip
    """Pairs of boxes of many images, of which some have interactions."""
    images = []
    for key in np.unique(keys):
        rows = np.flatnonzero(np.isin(pair, np.flatnonzero(keys == key)))
        verb, object = names.interactions[interaction[rows]].T
        count = len(rows)
        images.append(Interactions(
            np.concatenate([humans[pair[rows]], objects[pair[rows]]]), [*[names.person] * count, *object],
            np.arange(count), np.arange(count) + count, verb, names, None if score is None else score[rows],
            file=str(key), scored=score is not None,
        ))  # fmt: skip
    return InteractionTable.from_list(images, names)


def test_evaluation_of_interactiveness(folder: Path) -> None:
    with np.load(folder / "tpami_binary_eval.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    names = Vocabulary.from_dict({
        "name": "interactiveness", "objects": ["person", "object"], "verbs": ["interact"],
        "interactions": [["interact", "object"]],
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
