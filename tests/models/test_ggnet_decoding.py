"""From annotations to maps and back: what is encoded must be found again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interplay import Interactions, Vocabulary
from interplay.detectors import Detections
from interplay.models.ggnet import (
    GGNet,
    GGNetConfig,
    GGNetDecodingOptions,
    GGNetNetworkOptions,
    GGNetOutputs,
    GGNetTargets,
    View,
)
from interplay.models.ggnet.decode import Candidates, find_peaks, match
from interplay.models.ggnet.transforms import mirror, network_input, random_colours, random_view, resample


@pytest.fixture
def hico_model(hico: Vocabulary) -> GGNet:
    return build(hico)


def build(vocabulary: Vocabulary, offsets: str = "per-verb", **decoding: Any) -> GGNet:
    network = GGNetNetworkOptions(backbone="dla-nano", head_width=8, gaze_steps=1, matching=offsets)
    return GGNet(vocabulary, GGNetConfig(network=network, decoding=GGNetDecodingOptions(**decoding)))


@pytest.fixture
def scene(hico: Vocabulary) -> Interactions:
    """Riding and holding a bicycle, walking a dog; fractional boxes, one of them a person nobody describes."""
    return Interactions(
        boxes=[[40.5, 20, 120, 260], [30, 120.5, 190, 300], [400, 50.25, 470, 330], [300, 240, 390.5, 320],
               [520, 40, 600.5, 300]],
        labels=[0, 1, 0, 16, 0],
        human=[0, 0, 2],
        object=[1, 1, 3],
        verb=[hico.verb_index(v) for v in ("hold", "ride", "walk")],
        vocabulary=hico,
        width=640,
        height=400,
        scored=False,
    )  # fmt: skip


def perfect_outputs(targets: GGNetTargets, model: GGNet) -> GGNetOutputs:
    """Maps that say exactly what the targets say."""
    batch, _, height, width = targets.hm.shape

    def spread(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        maps = torch.zeros(batch, height * width, values.shape[2])
        for b in range(batch):
            for row, pixel in zip(values[b], index[b], strict=True):
                maps[b, pixel] += row * (maps[b, pixel] == 0)
        return maps.transpose(1, 2).reshape(batch, -1, height, width)

    maps = {
        "hm": torch.logit(targets.hm.clamp(1e-6, 1 - 1e-3)),
        model.config.network.final_heatmap: torch.logit(targets.hm_rel.clamp(1e-6, 1 - 1e-3)),
        "wh": spread(targets.wh, targets.ind),
        "reg": spread(targets.reg, targets.ind),
        "sub_offset": spread(targets.sub_offset, targets.rel_ind),
        "obj_offset": spread(targets.obj_offset, targets.rel_ind),
    }
    return GGNetOutputs([maps])


@pytest.mark.parametrize("matching", ["product", "distance"])
@pytest.mark.parametrize("heads", ["per-verb", "shared"])
@pytest.mark.parametrize("resize", ["fit", "keep"])
def test_annotations_survive_encoding_and_decoding(
    hico: Vocabulary, scene: Interactions, matching: str, heads: str, resize: str
) -> None:
    model = build(hico, heads, matching=matching, resize=resize)
    view = model.view(640, 400, 672, 416)
    targets = model.encode([scene], [view], 672, 416)
    (found,) = model.decode(perfect_outputs(targets, model), torch.tensor([[400, 640]]))
    found = found.filter(min_score=0.5)
    assert len(found) == 3
    order = np.lexsort((found.verb, found.human_boxes[:, 0]))
    np.testing.assert_array_equal(found.verb[order], scene.verb)
    np.testing.assert_array_equal(found.object_labels[order], scene.object_labels)
    np.testing.assert_allclose(found.human_boxes[order], scene.human_boxes, atol=0.05)
    np.testing.assert_allclose(found.object_boxes[order], scene.object_boxes, atol=0.05)


def test_actions_become_the_role_that_their_object_has() -> None:
    vcoco = Vocabulary.load("v-coco")
    boxes = [[30, 40, 130, 300], [300, 60, 380, 140], [200, 260, 290, 360], [450, 40, 560, 340], [560, 200, 636, 290]]
    objects = ["person", "sports ball", "tennis racket", "person", "cake"]
    wanted = Interactions(
        boxes=boxes, labels=[vcoco.object_index(object) for object in objects], human=[0, 0, 3], object=[1, 2, 4],
        verb=[vcoco.verb_index(verb) for verb in ("hit", "hit with", "cut")], vocabulary=vcoco, width=640, height=400,
        scored=False,
    )  # fmt: skip
    model = GGNet(vcoco, GGNetConfig.model_validate({"network": {"backbone": "dla-nano", "verbs": "actions"}}))
    targets = model.encode([wanted], [model.view(640, 400, 512, 512)], 512, 512)
    (found,) = model.decode(perfect_outputs(targets, model), torch.tensor([[400, 640]]))
    found = found.filter(min_score=0.5)
    assert sorted(zip(found.verb, found.object_labels, strict=True)) == sorted(
        zip(wanted.verb, wanted.object_labels, strict=True)
    )


def test_two_images_of_different_sizes(hico_model: GGNet, scene: Interactions) -> None:
    tall = Interactions(
        boxes=scene.boxes[:2] * np.float32(0.5), labels=[0, 1], human=[0], object=[1], verb=scene.verb[1:2],
        vocabulary=scene.vocabulary, width=200, height=380, scored=False,
    )  # fmt: skip
    views = [hico_model.view(640, 400, 512, 512), hico_model.view(200, 380, 512, 512)]
    targets = hico_model.encode([scene, tall], views, 512, 512)
    first, second = hico_model.decode(perfect_outputs(targets, hico_model), torch.tensor([[400, 640], [380, 200]]))
    assert (len(first.filter(min_score=0.5)), len(second.filter(min_score=0.5))) == (3, 1)
    assert (second.width, second.height) == (200, 380)
    np.testing.assert_allclose(second.filter(min_score=0.5).human_boxes[0], tall.boxes[0], atol=0.05)


def test_boxes_of_another_detector(hico_model: GGNet, scene: Interactions) -> None:
    """The network says who does what, the detector where: its boxes and scores are used as they are."""
    view = hico_model.view(640, 400, 512, 512)
    outputs = perfect_outputs(hico_model.encode([scene], [view], 512, 512), hico_model)
    detections = Detections(scene.boxes + np.float32(2), scene.labels, [0.5, 0.9, 0.8, 0.7, 0.6])
    (found,) = hico_model.decode(outputs, torch.tensor([[400, 640]]), detections=[detections])
    found = found.filter(min_score=0.3)
    np.testing.assert_allclose(sorted(found.score), sorted([0.999 * 0.45, 0.999 * 0.45, 0.999 * 0.56]), rtol=1e-3)
    assert {tuple(b) for b in found.human_boxes} == {tuple(b) for b in detections.boxes[[0, 2]]}


def test_nothing_found_is_an_empty_result(hico_model: GGNet) -> None:
    maps = {"hm": torch.full((1, 80, 8, 8), -200.0), "hm_rel_refine": torch.full((1, 117, 8, 8), -200.0)}
    maps |= {name: torch.zeros(1, 2, 8, 8) for name in ("wh", "reg")}
    maps |= {name: torch.zeros(1, 234, 8, 8) for name in ("sub_offset", "obj_offset")}
    (found,) = hico_model.decode(GGNetOutputs([maps]), torch.tensor([[30, 40]]))
    assert (len(found), len(found.boxes)) == (0, 0)


def test_meaningless_pairs_are_never_found(hico_model: GGNet, hico: Vocabulary, scene: Interactions) -> None:
    torch.manual_seed(0)
    maps = {"hm": torch.randn(1, 80, 32, 32), "hm_rel_refine": torch.randn(1, 117, 32, 32)}
    maps |= {name: torch.randn(1, 2, 32, 32) for name in ("wh", "reg")}
    maps |= {name: torch.randn(1, 234, 32, 32) for name in ("sub_offset", "obj_offset")}
    (found,) = hico_model.decode(GGNetOutputs([maps]), torch.tensor([[128, 128]]))
    assert len(found) > 20
    assert (hico.interaction_lookup[found.verb, found.object_labels] >= 0).all()
    rows = np.stack([found.human, found.object, found.verb], 1)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_matching_rules_differ_as_described() -> None:
    near_weak, far_strong = [2.0, 0.0], [3.0, 3.0]
    candidates = Candidates(
        np.array([near_weak, far_strong], np.float32), np.array([0.3, 0.95], np.float32), np.zeros(2, np.int64),
        np.zeros((2, 4)),
    )  # fmt: skip
    wanted = np.zeros((1, 2), np.float32)
    # product: 0.3 / 3 against 0.95 / 16; distance: 2 / 0.3 against 6 / 0.95
    assert match(wanted, candidates, rule="product").tolist() == [0]
    assert match(wanted, candidates, rule="distance").tolist() == [1]
    only_second = np.array([[False, True]])
    assert match(wanted, candidates, only_second, "product").tolist() == [1]


def test_peaks_are_local_maxima_best_first() -> None:
    heat = torch.zeros(1, 2, 6, 6)
    heat[0, 0, 1, 1], heat[0, 0, 1, 2], heat[0, 1, 4, 5] = 0.5, 0.4, 0.9
    (peaks,) = find_peaks(heat, 10)
    assert list(zip(peaks.channel, peaks.x, peaks.y, strict=True)) == [(1, 5, 4), (0, 1, 1)]


def test_a_mirrored_view_shows_the_mirrored_photograph() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    plain = View.whole(60, 40)
    ours = network_input(image, mirror(plain), 64, 64)
    theirs = network_input(np.ascontiguousarray(image[:, ::-1]), View((59 - 30, 20), 60, 60), 64, 64)
    np.testing.assert_array_equal(ours, theirs)
    assert mirror(mirror(plain)) == plain


def test_crops_move_pixels_and_boxes_alike() -> None:
    """A bright rectangle stays inside its transformed box, whatever view is drawn."""
    generator = np.random.default_rng(3)
    image = np.zeros((300, 400, 3), np.uint8)
    image[100:180, 150:260] = 255
    hico = Vocabulary.load("hico-det")
    scene = Interactions([[150.0, 100.0, 259.5, 179.5]], [0], [], [], [], hico)  # type: ignore[arg-type]
    model = build(hico)
    for _ in range(10):
        view = random_view(400, 300, generator)
        pixels = network_input(image, view, 128, 128)
        targets = model.encode([scene], [view], 128, 128)
        bright = np.argwhere(pixels[0] > 0.5)
        assert len(bright)
        if bright.min() > 0 and bright.max() < 127:  # not cut off
            middle = bright.mean(0)[::-1] / 4
            pixel = int(targets.ind[0, 0])
            centre = np.array([pixel % 32, pixel // 32]) + targets.reg[0, 0].numpy()
            np.testing.assert_allclose(centre, middle, atol=0.5)


def test_colours_stay_close_and_change() -> None:
    generator = np.random.default_rng(0)
    image = generator.random((8, 8, 3)).astype(np.float32)
    changed = [random_colours(generator)(image) for _ in range(5)]
    assert all(c.dtype == np.float32 and np.abs(c - image).max() < 1.5 for c in changed)
    assert len({float(c.sum()) for c in changed}) == 5


def test_resampling_interpolates_and_blackens() -> None:
    image = np.full((4, 4, 3), 200, np.uint8)
    half = resample(image, np.array([[1.0, 0, 0.5], [0, 1.0, 0]]), 6, 5)
    assert half[:4, :, 0].tolist() == [[100, 200, 200, 200, 100, 0]] * 4
    assert half[4].max() == 0


def test_preprocessing_makes_one_batch_of_many_sizes(hico: Vocabulary) -> None:
    images = [np.zeros((100, 180, 3), np.uint8), np.zeros((200, 90, 3), np.uint8)]
    batch, sizes = build(hico, input_size=256).preprocess(images)
    assert batch.shape == (2, 3, 256, 256)
    assert sizes.tolist() == [[100, 180], [200, 90]]
    kept, _ = build(hico, resize="keep").preprocess(images)
    assert kept.shape == (2, 3, 224, 192)


def test_predict_with_own_boxes_and_with_a_detector() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    detections = Detections([[10, 10, 50, 80], [40, 30, 110, 80], [60, 5, 90, 40]], [0, 1, 17], [0.9, 0.8, 0.7])
    pets = Vocabulary.from_names(["horse", "person"], ["see", "ride"])  # another order than the detector's, no bicycle
    torch.manual_seed(0)
    own = build(pets, input_size=128).predict(image, min_score=0)
    assert (own.width, own.height) == (120, 90)
    with_detector = build(pets, input_size=128, boxes="detector")
    assert with_detector.needs_detections
    found = with_detector.predict(image, detections=detections, min_score=0)
    assert {tuple(b) for b in found.boxes} <= {tuple(b) for b in detections.boxes[[0, 2]]}
    assert set(found.labels[found.human]) == {1}
    assert len(found) > 0


def test_a_described_model_can_be_built_again(hico: Vocabulary) -> None:
    model = build(hico, "shared", resize="keep")
    again = GGNet.from_description(model.description())
    assert (again.config, again.verbs, again.vocabulary) == (model.config, model.verbs, hico)
    again.load_state_dict(model.state_dict())
    assert [len(group) for group in model.parameter_groups().values()] == [
        len([p for n, p in again.named_parameters() if "glance" not in n]), 4,
    ]  # fmt: skip
