"""Scores against those that the published evaluators gave on the same detections.

On distinct scores every figure must agree to 1e-6; on tied ones too, wherever the reference sorted stably. Pair NMS on
tied scores is compared with its own references only: the ones that continue to AP came from an unstable sort.
"""

from __future__ import annotations

import csv
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.parity.published_top_k import select_triplets, select_verbs

from interplay import InteractionTable, Vocabulary, write
from interplay.cli import main
from interplay.datasets.coco import official_box
from interplay.metrics import (
    PairNms,
    VcocoAnnotations,
    VcocoDetections,
    evaluate_hoi,
    evaluate_tables,
    evaluate_vcoco,
    pair_nms,
    suppress_pairs,
)
from interplay.table import offsets
from interplay.vocabulary import COCO_91_IDS

SCORES = ("score_unique", "score")


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


class Hico:
    """The references and the tables they were computed from."""

    def __init__(self, folder: Path) -> None:
        self.vocabulary = Vocabulary.load("hico-det")
        self.annotated, self.detected = load(folder / "hico_gt.npz"), load(folder / "hico_det.npz")
        self.matlab, self.python = load(folder / "hico_ref_matlab.npz"), load(folder / "hico_ref_python.npz")

    def table(self, image: Any, human: Any, target: Any, hoi: Any, score: Any) -> InteractionTable:
        """Every pair with boxes of its own."""
        pairs = self.vocabulary.interactions[hoi]
        files = self.annotated["file_name"].tolist()
        starts = offsets(np.bincount(image, minlength=len(files)))
        inside = np.arange(len(image)) - starts[:-1][image]
        return InteractionTable(
            vocabulary=self.vocabulary,
            files=files,
            sizes=self.annotated["image_size_wh"].astype(np.int32),
            box_offsets=2 * starts,
            boxes=np.stack([human, target], axis=1).reshape(-1, 4).astype(np.float32),
            labels=np.stack([np.zeros(len(pairs), np.int64), pairs[:, 1]], axis=1).reshape(-1),
            box_scores=np.ones(2 * len(pairs), np.float32),
            triplet_offsets=starts,
            human=2 * inside,
            object=2 * inside + 1,
            verb=pairs[:, 0],
            score=np.ones(len(pairs), np.float32) if score is None else score,
            scored=score is not None,
        )

    def predictions(self, score: str) -> InteractionTable:
        d = self.detected
        return self.table(d["image_index"], d["human_box"], d["object_box"], d["hoi"], d[score])

    def annotations(self, extra: bool = False) -> InteractionTable:
        g = self.annotated
        boxes = g["pair_human_box_1based"] - 1.0, g["pair_object_box_1based"] - 1.0
        table = self.table(g["pair_image_index"], *boxes, g["pair_hoi"], None)
        if extra:
            image, hoi = self.detected["extra_image_level"].T
            order = np.argsort(image, kind="stable")
            table.image_labels = self.vocabulary.interactions[hoi[order]]
            table.image_label_offsets = offsets(np.bincount(image, minlength=len(table)))
        return table


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    if not (goldens / "evaluation").is_dir():
        pytest.skip("the reference outputs have no folder 'evaluation'")
    return goldens / "evaluation"


@pytest.fixture(scope="module")
def golden_hico(folder: Path) -> Hico:
    return Hico(folder)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("setting", ["default", "known_object", "known_object_extra"])
def test_official_hico(golden_hico: Hico, setting: str, score: str) -> None:
    truth = golden_hico.annotations(extra=setting.endswith("extra"))
    name = "default" if setting == "default" else "known-object"
    scores = evaluate_hoi(golden_hico.predictions(score), truth, "official", name)
    assert_allclose(scores.ap, golden_hico.matlab[f"ap_{setting}_{score}"], atol=1e-6)
    assert_allclose(scores.max_recall, golden_hico.matlab[f"max_recall_{setting}_{score}"], atol=1e-6)


def test_official_means(golden_hico: Hico, folder: Path) -> None:
    scores = evaluate_hoi(golden_hico.predictions("score_unique"), golden_hico.annotations())
    printed = json.loads((folder / "summary.json").read_text())["matlab/default/score_unique"]
    for name, value in scores.map.items():
        assert value == pytest.approx(printed[f"mAP_{name}"], abs=1e-6)
        assert scores.mean_max_recall[name] == pytest.approx(printed[f"mRec_{name}"], abs=1e-6)


PYTHON_REFERENCES = {
    "genvlkt_triplet": "gen-vlkt",
    "qpic": "qpic",
    "cdn": "cdn",
    "ppdm": "ppdm",
    "tinpami": "tin-pami",
    "pocket_11p": "pocket-11p",
    "pocket_int": "pocket-int",
    "pocket_auc": "pocket-auc",
}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("reference", PYTHON_REFERENCES)
def test_python_evaluators(golden_hico: Hico, reference: str, score: str) -> None:
    if reference.startswith("pocket") and score == "score" and not torch_sorts_as_in_the_reference(golden_hico):
        pytest.skip("torch.argsort orders equal scores differently on this machine than where the reference was made")
    protocol = PYTHON_REFERENCES[reference]
    scores = evaluate_hoi(golden_hico.predictions(score), golden_hico.annotations(), protocol)
    assert_allclose(scores.ap, golden_hico.python[f"{reference}_ap_{score}"], atol=1e-6)
    recall = golden_hico.python.get(f"{reference}_rec_{score}")
    if recall is not None:
        assert_allclose(scores.max_recall, recall, atol=1e-6)
    means = golden_hico.python.get(f"{reference}_mean_{score}")
    if means is not None:
        assert_allclose(list(scores.map.values()), means[:3], atol=1e-6)


def torch_sorts_as_in_the_reference(golden_hico: Hico) -> bool:
    """Whether torch's unstable sort is the vectorised one here (it is where the processor has AVX-512)."""
    import torch

    return "AVX512" in torch.backends.cpu.get_cpu_capability()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("setting", ["default", "ko", "ko_extra"])
def test_ggnet(golden_hico: Hico, setting: str, score: str) -> None:
    truth = golden_hico.annotations(extra=setting.endswith("extra"))
    name = "default" if setting == "default" else "known-object"
    scores = evaluate_hoi(golden_hico.predictions(score), truth, "ggnet", name)
    assert_allclose(scores.ap, golden_hico.python[f"ggnet_ap_{setting}_{score}"], atol=1e-6)


@pytest.mark.parametrize("settings", [(0.7, 1.0, 0.5), (0.5, 1.0, 1.0), (0.9, 0.5, 0.5)])
def test_cdn_after_nms(golden_hico: Hico, settings: tuple[float, float, float]) -> None:
    key = "cdn_nms_{}_{}_{}".format(*settings)
    kept = suppress_pairs(golden_hico.predictions("score_unique"), PairNms(*settings))
    scores = evaluate_hoi(kept, golden_hico.annotations(), "cdn")
    assert len(kept.verb) == golden_hico.python[f"{key}_kept_score_unique"]
    assert_allclose(scores.ap, golden_hico.python[f"{key}_ap_score_unique"], atol=1e-6)
    assert_allclose(scores.max_recall, golden_hico.python[f"{key}_rec_score_unique"], atol=1e-6)


def test_pair_nms(folder: Path) -> None:
    z = load(folder / "pair_nms.npz")
    for k in range(len(z["threshold"])):
        for score in ("score", "score_tied"):
            rows = pair_nms(
                z["image"], z["hoi"], z["human_box"], z["object_box"], z[score],
                float(z["threshold"][k]), float(z["alpha"][k]), float(z["beta"][k]),
            )  # fmt: skip
            assert_array_equal(rows, z[f"kept_{score}_{k}"])


@pytest.fixture(scope="module")
def dense(folder: Path) -> dict[str, np.ndarray]:
    z = load(folder / "dense_topk.npz")
    untied = int(z["num_untied"])
    for kind in ("hoi", "verb"):
        z[f"{kind}_score"] = z[f"{kind}_score"].astype(np.float32)
        z[f"{kind}_score"][:untied] += z[f"{kind}_score_ramp"]
    return z


def selected(dense: dict[str, np.ndarray], rule: str, vocabulary: Vocabulary) -> tuple[np.ndarray, ...]:
    """Image row, query, class or verb, object and score of the top 100 of every image."""
    if rule == "triplet":
        objects = vocabulary.interactions[:, 1]
        query, label, score = select_triplets(dense["hoi_score"], dense["object_score"].astype(np.float32), objects)
    else:
        valid = vocabulary.interaction_lookup >= 0
        query, label, score = select_verbs(dense["verb_score"], dense["object_label_coco80"], valid)
    row = np.repeat(np.arange(len(query)), query.shape[1])
    query, label, score = query.reshape(-1), label.reshape(-1), score.reshape(-1)
    target = vocabulary.interactions[label, 1] if rule == "triplet" else dense["object_label_coco80"][row, query]
    return row, query, label, target.astype(np.int64), score


@pytest.mark.parametrize("rule", ["triplet", "verb"])
def test_dense_selection(golden_hico: Hico, dense: dict[str, np.ndarray], rule: str) -> None:
    row, query, label, _, score = selected(dense, rule, golden_hico.vocabulary)
    assert_array_equal(np.stack([row, query, query, label], axis=1), dense[f"{rule}_kept"])
    assert_allclose(score, dense[f"{rule}_kept_score"], atol=1e-9)


@pytest.mark.parametrize("nms", [False, True])
@pytest.mark.parametrize(("rule", "protocol"), [("triplet", "gen-vlkt"), ("verb", "qpic")])
def test_dense_heads_to_ap(
    golden_hico: Hico, dense: dict[str, np.ndarray], rule: str, protocol: str, nms: bool
) -> None:
    vocabulary = golden_hico.vocabulary
    row, query, label, target, score = selected(dense, rule, vocabulary)
    verb = vocabulary.interactions[label, 0] if rule == "triplet" else label
    images = dense["image_index"]
    predictions = replace(
        golden_hico.table(images[row], dense["human_box"][row, query], dense["object_box"][row, query],
                          np.zeros(len(row), np.int64), score.astype(np.float32)),
        verb=verb,
    )  # fmt: skip
    predictions.labels[1::2] = target
    suffix = ""
    if nms:
        predictions, suffix = suppress_pairs(predictions), "_nms"
        kept = dense[f"{rule}_kept_nms"]
        untied = int(np.searchsorted(predictions.image_index, images[dense["num_untied"]]))
        assert_array_equal(predictions.verb[:untied], (vocabulary.interactions[kept[:, 3], 0] if rule == "triplet"
                                                       else kept[:, 3])[:untied])  # fmt: skip
        if rule == "verb":
            return  # beyond the images without ties this reference's NMS sorted unstably
    scores = evaluate_hoi(predictions, golden_hico.annotations()[images], protocol)
    assert_allclose(scores.ap, dense[f"{rule}_ap{suffix}"], atol=1e-6)  # NaN where not annotated, in both
    assert_allclose(scores.max_recall, dense[f"{rule}_rec{suffix}"], atol=1e-6)
    assert_allclose(list(scores.map.values()), dense[f"{rule}_mean{suffix}"][:3], atol=1e-6)


class Vcoco:
    """The references, the columns they were computed from, and the same content as official files."""

    def __init__(self, folder: Path) -> None:
        self.vocabulary = Vocabulary.load("v-coco")
        self.gt, self.det = load(folder / "vcoco_gt.npz"), load(folder / "vcoco_det.npz")
        self.reference = load(folder / "vcoco_ref.npz")
        self.actions: list[str] = self.gt["action_names"].tolist()
        self.roles = [names.split("|")[1:] for names in self.gt["role_names"].tolist()]
        self.images = [str(i) for i in self.gt["image_id"]]
        self.verb = np.full((len(self.actions), 2), -1)
        for a, names in enumerate(self.roles):
            for slot, role in enumerate(names):
                self.verb[a, slot] = self.vocabulary.verb_index(f"{self.actions[a]}_{role}")

    def annotations(self, official: bool = True) -> VcocoAnnotations:
        g = self.gt
        image = np.searchsorted(g["image_id"], g["ann_image_id"])
        x, y, w, h = g["ann_bbox_xywh"].T
        boxes = np.stack([x, y, x + w - 1, y + h - 1], axis=1)
        if official:
            sizes = g["image_size"][image]
            made = [official_box(b, *s) for b, s in zip(g["ann_bbox_xywh"].tolist(), sizes.tolist(), strict=True)]
            assert None not in made
            boxes = np.array(made, np.float32)
        people = np.flatnonzero(g["ann_category"] == 1)
        position = np.full(len(boxes), -1)
        position[people] = np.arange(len(people))
        labelled = np.zeros(len(people), bool)
        actions = np.zeros((len(people), len(self.actions)), bool)
        owner = position[g["person_ann"]]
        labelled[owner], actions[owner] = True, g["action_label"] == 1
        role_box = np.full((len(people), len(self.vocabulary.verbs), 4), np.nan, boxes.dtype)
        role_object = np.full(role_box.shape[:2], -1)
        person, action, slot = np.nonzero(g["role_ann"] >= 0)
        target = g["role_ann"][person, action, slot]
        role_box[owner[person], self.verb[action, slot]] = boxes[target]
        role_object[owner[person], self.verb[action, slot]] = g["ann_category"][target] - 1
        return VcocoAnnotations(
            self.vocabulary, self.images, image[people], boxes[people], labelled, actions, role_box, role_object
        )

    def detections(self, score: str) -> VcocoDetections:
        d, suffix = self.det, score.removeprefix("score")
        agent = d[f"agent_score{suffix}"]
        person, action = np.nonzero(~np.isnan(agent))
        return VcocoDetections(
            self.vocabulary,
            self.images,
            np.searchsorted(self.gt["image_id"], d["image_id"]),
            d["person_box"],
            person,
            action,
            agent[person, action],
            d["role_det"].astype(np.int64),
            self.verb[d["role_action"], d["role_slot"]],
            d["role_box"],
            d["role_category"].astype(np.int64) - 1,
            d[f"role_score{suffix}"],
        )

    def write_annotations(self, folder: Path) -> None:
        """COCO's instances file and V-COCO's own."""
        g = self.gt
        rows = zip(g["ann_id"].tolist(), g["ann_image_id"].tolist(), g["ann_category"].tolist(),
                   g["ann_bbox_xywh"].tolist(), strict=True)  # fmt: skip
        coco = {
            "images": [
                {"id": i, "width": w, "height": h, "file_name": f"COCO_val2014_{i:012d}.jpg"}
                for i, (w, h) in zip(g["image_id"].tolist(), g["image_size"].tolist(), strict=True)
            ],
            "annotations": [
                {"id": a, "image_id": i, "category_id": COCO_91_IDS[c - 1], "bbox": b, "area": b[2] * b[3]}
                for a, i, c, b in rows
            ],
            "categories": [],
        }
        people = g["person_ann"]
        records = []
        for a, action in enumerate(self.actions):
            roles = [g["role_ann"][:, a, slot] for slot in range(len(self.roles[a]))]
            ids = [np.where(role >= 0, g["ann_id"][role], 0).tolist() for role in roles]
            records.append(
                {
                    "action_name": action,
                    "role_name": ["agent", *self.roles[a]],
                    "image_id": g["ann_image_id"][people].tolist(),
                    "ann_id": g["ann_id"][people].tolist(),
                    "label": (g["action_label"][:, a] == 1).astype(int).tolist(),
                    "role_object_id": sum(ids, g["ann_id"][people].tolist()),
                }
            )
        (folder / "instances_vcoco_all_2014.json").write_text(json.dumps(coco))
        (folder / "vcoco_test.json").write_text(json.dumps(records))

    def write_pickle(self, path: Path, score: str) -> None:
        d, suffix = self.det, score.removeprefix("score")
        agents = d[f"agent_score{suffix}"].tolist()
        rows: list[dict[str, Any]] = [
            {"image_id": i, "person_box": box, **{f"{n}_agent": s for n, s in zip(self.actions, scores, strict=True)}}
            for i, box, scores in zip(d["image_id"].tolist(), d["person_box"], agents, strict=True)
        ]
        values = np.column_stack([d["role_box"], d[f"role_score{suffix}"]])
        for person, action, slot, value in zip(
            d["role_det"].tolist(), d["role_action"].tolist(), d["role_slot"].tolist(), values, strict=True
        ):
            rows[person][f"{self.actions[action]}_{self.roles[action][slot]}"] = value
        path.write_bytes(pickle.dumps(rows, protocol=2))

    def check(self, agent: dict[str, Any], s1: dict[str, Any], s2: dict[str, Any], mean: Any, score: str) -> None:
        expected = self.reference[f"agent_ap_{score}"]
        assert_allclose([agent[a] for a in self.actions], expected, atol=1e-6)
        for name, ours in (("s1", s1), ("s2", s2)):
            expected = self.reference[f"role_ap_{name}_{score}"]
            for a, slot in np.argwhere(self.verb >= 0):
                value = ours[f"{self.actions[a]}_{self.roles[a][slot]}"]
                assert value == pytest.approx(expected[a, slot], abs=1e-6)
        printed = self.reference[f"means_{score}"] / 100
        assert_allclose([mean["agent"], mean["role_s1"], mean["role_s2"]], printed, atol=1e-6)


@pytest.fixture(scope="module")
def golden_vcoco(folder: Path) -> Vcoco:
    return Vcoco(folder)


@pytest.mark.parametrize("score", SCORES)
def test_official_vcoco(golden_vcoco: Vcoco, score: str) -> None:
    scores = evaluate_vcoco(golden_vcoco.detections(score), golden_vcoco.annotations())
    golden_vcoco.check(scores.ap_agent, scores.ap_role_s1, scores.ap_role_s2, scores.mean, score)


@pytest.mark.parametrize("score", SCORES)
def test_gen_vlkt_vcoco(golden_vcoco: Vcoco, score: str) -> None:
    scores = evaluate_vcoco(golden_vcoco.detections(score), golden_vcoco.annotations(official=False), "gen-vlkt")
    reference = golden_vcoco.reference
    assert list(scores.ap) == reference["verb_names"].tolist()
    assert_allclose(list(scores.ap.values()), reference[f"genvlkt_ap_{score}"], atol=1e-6)
    assert_array_equal(scores.hits["ap"].positives, reference["genvlkt_npos"])
    assert_allclose([scores.mean["all"], scores.mean["role_s2_24"]], reference[f"genvlkt_mean_{score}"], atol=1e-6)


@pytest.mark.parametrize("score", SCORES)
def test_official_files_through_the_command_line(golden_vcoco: Vcoco, tmp_path: Path, score: str) -> None:
    annotations = tmp_path / "vcoco"
    annotations.mkdir()
    golden_vcoco.write_annotations(annotations)
    golden_vcoco.write_pickle(tmp_path / "results.pkl", score)
    arguments = ["evaluate", "vcoco", "--predictions", str(tmp_path / "results.pkl"), "--annotations", str(annotations)]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    out = json.loads((tmp_path / "out.json").read_text())
    golden_vcoco.check(out["ap_agent"], out["ap_role_s1"], out["ap_role_s2"], out["mean"], score)


def test_annotations_as_triplets_are_the_official_ones(golden_vcoco: Vcoco, tmp_path: Path) -> None:
    from interplay import load_annotations

    golden_vcoco.write_annotations(tmp_path)
    table = load_annotations("v-coco", tmp_path)
    ours, expected = VcocoAnnotations.from_table(table), golden_vcoco.annotations()
    for name in ("person_image", "person_box", "labelled", "actions", "role_box", "role_object"):
        assert_array_equal(getattr(ours, name), getattr(expected, name), err_msg=name)
    scores = evaluate_vcoco(golden_vcoco.detections("score_unique"), table, "gen-vlkt")
    assert_allclose(list(scores.ap.values()), golden_vcoco.reference["genvlkt_ap_score_unique"], atol=1e-6)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_hico_through_files_and_the_command_line(golden_hico: Hico, tmp_path: Path, suffix: str) -> None:
    write(golden_hico.predictions("score_unique"), tmp_path / f"p{suffix}")
    write(golden_hico.annotations(extra=True), tmp_path / f"a{suffix}")
    arguments = ["evaluate", "hico-det", "--predictions", str(tmp_path / f"p{suffix}"), "--setting", "known-object"]
    outputs = ["--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv")]
    assert main([*arguments, "--annotations", str(tmp_path / f"a{suffix}"), *outputs]) == 0
    out = json.loads((tmp_path / "o.json").read_text())
    expected = golden_hico.matlab["ap_known_object_extra_score_unique"]
    assert (out["protocol"], out["setting"]) == ("official", "known-object")
    assert_allclose(out["per_class"]["ap"], expected, atol=1e-6)
    assert out["map"]["full"] == pytest.approx(expected.mean(), abs=1e-6)
    with (tmp_path / "o.csv").open() as stream:
        assert_allclose([float(row["ap"]) for row in csv.DictReader(stream)], expected, atol=1e-6)


def test_the_published_annotation_file_gives_the_official_scores(golden_hico: Hico, data: Path) -> None:
    from interplay import load_annotations

    truth = load_annotations("hico-det", data / "hico_det" / "instances_test2015.json")
    scores = evaluate_tables(golden_hico.predictions("score_unique"), truth)
    assert_allclose(scores.ap, golden_hico.matlab["ap_default_score_unique"], atol=1e-6)
