from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations, load_model
from interplay.detectors import Detections
from interplay.errors import InputError, MissingFileError
from interplay.models.tin_spatial.augmentation import MEASURED, DetectorNoise, flip, imitate_detector, object_scores
from interplay.models.tin_spatial.batch import PairBatch
from interplay.models.tin_spatial.config import SpatialConfig
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.geometry import NUM_FEATURES, pair_geometry, scale_boxes
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.network import PairOutputs
from interplay.models.tin_spatial.plausibility import objects_at_once, one_at_a_time, seen_pairs
from interplay.models.tin_spatial.task import score_pairs
from interplay.ops.boxes import box_iou
from interplay.samples import sample_path
from interplay.zoo import get_card, list_models


@pytest.fixture(scope="module")
def model() -> TinSpatial:
    loaded = load_model("tin-spatial-vcoco", device="cpu")
    assert isinstance(loaded, TinSpatial)
    return loaded


@pytest.fixture
def player() -> Detections:
    """A person with a racket in the hand, a ball in front, and a chair far away."""
    boxes = [[359, 12, 756, 606], [216, 6, 375, 182], [145, 184, 165, 203], [10, 560, 60, 630]]
    return Detections(np.array(boxes, np.float32), np.array([0, 38, 32, 56]), np.array([0.99, 0.92, 0.95, 0.9]))


BLANK = np.zeros((640, 960, 3), np.uint8)


def test_embedded_model_on_vcoco_test(model: TinSpatial, data: Path) -> None:
    """Annotated boxes of all of V-COCO test: the figure on the card, well above the class prior's 0.50."""
    testing = PairSet(load_annotations("v-coco", data / "vcoco", "test"), model.config.network.verbs)
    scored = score_pairs(model, testing)
    card = get_card("tin-spatial-vcoco").measured
    assert scored.mean_ap >= 0.87
    assert scored.mean_ap == pytest.approx(
        card["test: mean AP over 24 role-actions, annotated boxes"]["value"], abs=2e-3
    )
    assert scored.interactiveness_ap >= 0.98
    noisy = score_pairs(model, testing, DetectorNoise()).mean_ap
    assert noisy == pytest.approx(
        card["test: mean AP over 24 role-actions, imitated detections (boxes missing, imprecise, false)"]["value"],
        abs=1e-2,
    )
    metrics = scored.suppression(model.config.decoding.suppress_below)
    assert metrics["nis_removed_non_interacting"] > 0.4
    assert metrics["nis_removed_interacting"] < 0.02


def test_who_plays_tennis(model: TinSpatial, player: Detections) -> None:
    found = model.predict(BLANK, detections=player, min_score=0)
    best = [(t.verb, t.object) for t in found.triplets(0.3)]
    assert ("hit with", "tennis racket") in best
    assert ("hold", "tennis racket") in best
    assert ("hit", "sports ball") in best
    assert not any(thing == "chair" for _, thing in best)
    assert (found.width, found.height) == (960, 640)


def test_the_order_of_boxes_does_not_matter(model: TinSpatial, player: Detections) -> None:
    mixed = player[[2, 3, 0, 1]]
    names = [
        {(t.phrase, round(t.score, 4)) for t in model.predict(BLANK, detections=d, min_score=0).triplets()}
        for d in (player, mixed)
    ]
    assert names[0] == names[1]


def test_size_of_the_image_does_not_matter(model: TinSpatial, player: Detections) -> None:
    double = Detections(player.boxes * 2, player.labels, player.scores)
    large = model.predict(np.zeros((1280, 1920, 3), np.uint8), detections=double, min_score=0)
    np.testing.assert_allclose(large.score, model.predict(BLANK, detections=player, min_score=0).score, atol=1e-5)


def test_batches_give_what_single_images_give(model: TinSpatial, player: Detections) -> None:
    together = model.predict(
        [BLANK, BLANK, BLANK], detections=[player, player[[0, 1]], Detections.empty()], min_score=0
    )
    assert len(together[2]) == 0
    np.testing.assert_allclose(together[0].score, model.predict(BLANK, detections=player, min_score=0).score, atol=1e-5)
    np.testing.assert_allclose(
        together[1].score, model.predict(BLANK, detections=player[[0, 1]], min_score=0).score, atol=1e-5
    )


def test_suppression_removes_pairs(model: TinSpatial, player: Detections) -> None:
    found = model.predict(BLANK, detections=player, min_score=0)
    assert found.interactiveness is not None
    assert (found.interactiveness >= model.config.decoding.suppress_below).all()
    assert (found.human != found.object).all()
    assert (found.score <= found.interactiveness + 1e-6).all()


def test_crowds_are_limited_to_the_most_confident(model: TinSpatial) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 400, (300, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 200, (300, 2))], 1).astype(np.float32)
    crowd = Detections(boxes, rng.integers(0, 2, 300), rng.random(300).astype(np.float32))
    assert len(model.predict(BLANK, detections=crowd, min_score=0).boxes) <= 64


def test_tracks_reach_the_result(model: TinSpatial, player: Detections) -> None:
    tracked = replace(player, track=[3, 1, -1, 0])
    found = model.predict(BLANK, detections=tracked, min_score=0)
    by_box = {tuple(box): track for box, track in zip(player.boxes.tolist(), [3, 1, -1, 0], strict=True)}
    assert [by_box[tuple(box)] for box in found.boxes.tolist()] == found.track.tolist()


def test_from_files_with_the_offline_detector(model: TinSpatial, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    found = model.predict(sample_path(), min_score=0)
    assert found.file == str(sample_path())
    assert found.triplets()[0].object == "tennis racket"
    Image.fromarray(BLANK).save(tmp_path / "a.png")
    assert len(model.predict([str(tmp_path / "a.png"), BLANK], min_score=0)) == 2


def test_one_detections_per_image(model: TinSpatial, player: Detections) -> None:
    with pytest.raises(InputError, match=r"one Detections per image \(2\), got 1"):
        model.predict([BLANK, BLANK], detections=[player], min_score=0)


def test_geometry_is_mirrored_by_a_flip() -> None:
    boxes = torch.rand(1, 5, 4).sort(-1).values[..., [0, 1, 2, 3]] * 300
    features = pair_geometry(boxes[:, :2], boxes)
    assert features.shape == (1, 2, 5, NUM_FEATURES)
    assert features.abs().max() <= 6
    assert torch.allclose(scale_boxes(boxes, 320, 100), boxes * 2)


def test_flip_twice_is_nothing(data: Path) -> None:
    pairs = PairSet(load_annotations("v-coco", data / "photos" / "annotations.json"), tuple(range(29)))
    batch = pairs.batch(torch.arange(4))
    everyone = torch.ones(4, dtype=torch.bool)
    assert torch.allclose(flip(flip(batch, everyone), everyone).boxes, batch.boxes, atol=1e-3)


def test_imitated_detections_keep_targets_with_their_boxes(data: Path) -> None:
    pairs = PairSet(load_annotations("v-coco", data / "photos" / "annotations.json"), tuple(range(29)))
    batch = pairs.batch(torch.arange(len(pairs)))
    everyone, generator = torch.ones(len(pairs), dtype=torch.bool), torch.Generator().manual_seed(0)
    same = imitate_detector(batch, everyone, DetectorNoise(0.0, 0.0, 0), pairs.pool, generator)
    assert torch.equal(same.verbs, batch.verbs)
    assert torch.equal(same.labels, batch.labels)
    noisy = imitate_detector(batch, everyone, DetectorNoise(0.3, 0.1, 5), pairs.pool, generator)
    assert noisy.verbs.sum() < batch.verbs.sum()
    image, human, thing, _ = noisy.verbs.nonzero().T
    assert (noisy.labels[image, human] == 0).all()
    assert (noisy.labels[image, thing] >= 0).all()
    assert (noisy.boxes[..., 2:] > noisy.boxes[..., :2])[noisy.labels >= 0].all()


def test_cards_keep_published_and_measured_apart() -> None:
    for card in list_models():
        assert all("command" in entry for entry in card.measured.values())
        assert not set(card.published) & set(card.measured)


def test_names_and_files_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown model 'tin'"):
        load_model("tin")
    with pytest.raises(MissingFileError, match="no weights"):
        load_model(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"something")
    with pytest.raises(InputError, match="not a readable safetensors"):
        load_model("tin-spatial-vcoco", weights=tmp_path / "bad.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not a weights file of interplay's"):
        load_model(tmp_path / "other.safetensors")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_images_without_pairs_give_none(count: int) -> None:
    """No box at all, a person alone, and two people."""
    model = load_model("tin-spatial-vcoco", device="cpu")
    labels, scores = torch.zeros(1, count, dtype=torch.long), torch.ones(1, count)
    outputs = model(torch.zeros(1, count, 4), labels, torch.tensor([False]), scores)
    assert outputs.valid.sum() == (2 if count == 2 else 0)
    assert outputs.verb_logits.isfinite().all()


WORLD = Vocabulary.from_names(["person", "horse", "cup"], ["ride", "hold"])


def small(scores: bool = True, plausible: bool = True, members: int = 1) -> TinSpatial:
    torch.manual_seed(0)
    size = {"width": 8, "layers": 1, "heads": 1, "embedding": 2}
    content = {
        "network": {"verbs": (0, 1), "scores": scores, "members": members, **size},
        "decoding": {"plausible": plausible},
    }
    return TinSpatial(WORLD, SpatialConfig.model_validate(content)).eval()


def riders() -> Detections:
    """Two people, two horses, a cup."""
    boxes = [[10, 10, 60, 120], [200, 10, 260, 120], [5, 60, 90, 140], [190, 60, 280, 150], [60, 40, 70, 50]]
    return Detections(
        np.array(boxes, np.float32),
        np.array([0, 0, 1, 1, 2]),
        np.array([0.9, 0.8, 0.7, 0.6, 0.5]),
        objects=WORLD.objects,
    )


def test_implausible_triplets_are_never_listed() -> None:
    model = small()
    seen = np.array([[False, True], [True, True], [False, True]])  # object x verb: nobody rides a person or a cup
    model.set_plausible(seen, np.array([True, False]))
    found = model.predict(BLANK, detections=riders(), min_score=0)
    rides = found.verb == 0
    assert set(found.labels[found.object[rides]]) == {1}
    assert len(found.human[rides]) == len(set(found.human[rides].tolist())) == 2  # each person one horse
    assert (~rides).sum() == 2 * 4  # everybody may hold everything
    everything = small(plausible=False)
    everything.set_plausible(seen, np.array([True, False]))
    assert len(everything.predict(BLANK, detections=riders(), min_score=0)) == 2 * 2 * 4


def test_of_several_objects_the_best_is_kept() -> None:
    model = small()
    free = model.predict(BLANK, detections=riders(), min_score=0)
    model.set_plausible(np.ones((3, 2), bool), np.array([True, False]))
    for t in model.predict(BLANK, detections=riders(), min_score=0).triplets():
        if t.verb == "ride":
            others = [o.score for o in free.triplets() if o.verb == "ride" and np.array_equal(o.human_box, t.human_box)]
            assert t.score == pytest.approx(max(others))


def test_a_part_does_not_do_what_the_whole_does() -> None:
    half = np.array([[300, 20, 400, 200], [310, 30, 390, 110], [250, 150, 420, 320], [255, 160, 360, 300]], np.float32)
    found = Detections(half, np.array([0, 0, 1, 1]), np.array([0.9, 0.5, 0.9, 0.5]), objects=WORLD.objects)
    kept = small().predict(BLANK, detections=found, min_score=0)
    every = small(plausible=False).predict(BLANK, detections=found, min_score=0)
    for verb in (0, 1):
        chosen = (kept.verb == verb) & (kept.labels[kept.object] == 1)
        wanted = (every.verb == verb) & (every.labels[every.object] == 1)
        assert wanted.sum() == 4
        assert kept.score[chosen].max() == every.score[wanted].max()
        assert len(set(kept.human[chosen])) == len(set(kept.object[chosen])) == chosen.sum() < 4


def test_scores_of_the_detector_are_known_or_multiplied() -> None:
    sure, unsure = riders(), replace(riders(), scores=np.full(5, 0.1, np.float32))
    blind = small(scores=False)
    ratio = [blind.predict(BLANK, detections=given, min_score=0).score.max() for given in (unsure, sure)]
    assert ratio[0] < 0.02 * 1.1 + ratio[1]
    model = small()
    with torch.no_grad():
        model.members[0].confidence.weight.normal_()
    best = [np.sort(model.predict(BLANK, detections=given, min_score=0).score) for given in (sure, unsure)]
    assert not np.allclose(*best)
    assert (best[1] > 0.1 * 0.1).any()  # not multiplied


def test_members_are_one_model_whose_logits_are_their_mean_and_each_learns_alone(
    riders_table: InteractionTable,
) -> None:
    pairs = PairSet(riders_table, (0, 1))
    batch = pairs.batch(torch.arange(len(pairs)))

    def run(model: TinSpatial) -> tuple[PairOutputs, dict[str, torch.Tensor]]:
        outputs = model(batch.boxes, batch.labels, batch.detected, batch.scores)
        return outputs, model.loss(outputs, batch.targets)

    both = small(members=2).eval()
    alone = []
    for i in range(2):
        one = small().eval()
        state = {name.replace(f"members.{i}", "members.0"): value for name, value in both.state_dict().items()}
        one.load_state_dict({name: state[name] for name in one.state_dict()})
        alone.append(run(one))
    outputs, loss = run(both)
    assert not torch.allclose(alone[0][0].verb_logits, alone[1][0].verb_logits)
    for name in ("verb_logits", "interactive_logits"):
        mean = sum(getattr(each, name) for each, _ in alone) / 2
        torch.testing.assert_close(getattr(outputs, name), mean)
    for name, value in loss.items():
        torch.testing.assert_close(value, (alone[0][1][name] + alone[1][1][name]) / 2)


def test_counted_from_annotations() -> None:
    def rider(objects: int, verb: int) -> Interactions:
        boxes = [[0, 0, 50, 100], *([60 * k, 50, 60 * k + 50, 100] for k in range(objects))]
        return Interactions(
            boxes=np.array(boxes, np.float32), labels=np.array([0] + [1] * objects), human=[0] * objects,
            object=list(range(1, objects + 1)), verb=[verb] * objects, vocabulary=WORLD, scored=False,
        )  # fmt: skip

    table = InteractionTable.from_list([*([rider(1, 0)] * 30), *([rider(1, 1)] * 20), *([rider(2, 1)] * 10)])
    assert objects_at_once(table) == {"ride": (30, 0.0), "hold": (30, pytest.approx(1 / 3))}
    assert one_at_a_time(table, (0, 1)).tolist() == [True, False]
    assert seen_pairs(table, (1, 0)).tolist() == [[False, False], [True, True], [False, False]]
    assert one_at_a_time(table[:5], (0, 1)).tolist() == [False, False]  # too few to tell


def test_imitated_detections_have_scores_and_do_nothing_new(riders_table: InteractionTable) -> None:
    pairs = PairSet(riders_table, (0, 1))
    batch = pairs.batch(torch.arange(len(pairs)))
    generator = torch.Generator().manual_seed(0)
    noise = DetectorNoise(miss=0, jitter=0, most_false=3, copies=0.5, confused=0.5, plausible=1)
    made = imitate_detector(batch, torch.ones(len(pairs), dtype=torch.bool), noise, pairs.pool, generator)
    assert made.verbs.sum() == batch.verbs.sum()
    assert (made.labels >= 0).sum() > (batch.labels >= 0).sum()
    there = made.labels >= 0
    assert ((made.scores[there] >= 0.1) & (made.scores[there] <= 1)).all()
    plain = imitate_detector(batch, torch.zeros(len(pairs), dtype=torch.bool), noise, pairs.pool, generator)
    assert (plain.scores[plain.labels >= 0] == 1).all()


def test_measured_noise_misses_small_objects_and_doubts_those_that_it_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = (object_scores(torch.full((4000,), side), generator) for side in (0.04, 0.4))
    assert (small < 0.1).float().mean() > 0.25 > 0.05 > (large < 0.1).float().mean()
    assert small[small >= 0.1].median() + 0.3 < large[large >= 0.1].median()


def test_measured_noise_keeps_large_objects_and_copies_are_parts(riders_table: InteractionTable) -> None:
    pairs = PairSet(riders_table, (0, 1))
    batch = pairs.batch(torch.arange(16).repeat(40))
    everyone, generator = torch.ones(640, dtype=torch.bool), torch.Generator().manual_seed(0)

    def made(**changes: float) -> PairBatch:
        nothing = {"jitter": 0.0, "most_false": 0, "copies": 0.0, "object_copies": 0.0, "confused": 0.0}
        noise = replace(MEASURED, **{**nothing, "plausible": 0.0, **changes})
        return imitate_detector(batch, everyone, noise, pairs.pool, generator)

    people = (batch.labels == 0).sum()
    assert 0.9 * people < (made().labels == 0).sum() < people
    found = made(miss=0.0)
    assert ((found.scores >= 0.1) & (found.scores <= 1))[found.labels >= 0].all()
    assert found.verbs.sum() < batch.verbs.sum()  # of missed objects
    twice = made(miss=0.0, copies=1.0)
    for i in range(len(twice.labels)):
        boxes = twice.boxes[i, twice.labels[i] == 0].numpy()
        assert len(boxes) == 2
        assert box_iou(boxes, boxes)[0, 1] <= 0.5  # a detector leaves no two boxes of a class that overlap more
    crowded = made(most_false=16)
    sides = (crowded.boxes[..., 2:] - crowded.boxes[..., :2]).prod(-1).sqrt()[crowded.labels >= 0] / 640
    assert sides.min() < 0.05
    assert (crowded.labels >= 0).sum() > (found.labels >= 0).sum()


@pytest.fixture
def riders_table() -> InteractionTable:
    """Images of a person who rides a horse, and of one who holds a cup."""

    def image(label: int, verb: int) -> Interactions:
        return Interactions(
            boxes=np.array([[10, 10, 60, 120], [5, 60, 90, 140]], np.float32), labels=np.array([0, label]), human=[0],
            object=[1], verb=[verb], vocabulary=WORLD, scored=False,
        )  # fmt: skip

    return InteractionTable.from_list([image(1, 0), image(2, 1)] * 8)
