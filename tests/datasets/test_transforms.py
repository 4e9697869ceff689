"""Changing photographs for training: boxes follow the pixels, and the same seed gives the same picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from interplay import Interactions, Vocabulary
from interplay.datasets import Sample
from interplay.datasets.transforms import (
    Augmentation,
    Randomness,
    change_colours,
    clip,
    crop,
    mirror,
    output_size,
    resize,
    to_clip_tensor,
    to_tensor,
)
from interplay.errors import InputError
from interplay.models.gen_vlkt import GenVlktConfig
from interplay.models.gen_vlkt.data import GenVlktTrainingImages, collate
from interplay.table import InteractionTable


@pytest.fixture
def sample(ride: Interactions) -> Sample:
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    return Sample(image, replace(ride, scored=False), Path("a.jpg"))


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 1000), st.one_of(st.none(), st.integers(100, 2000)))
def test_sizes_keep_the_shape(width: int, height: int, short: int, long: int | None) -> None:
    new = output_size(width, height, short, long)
    assert min(new) >= 1
    assert (new[0] <= new[1]) == (width <= height) or new[0] == new[1]
    if long is None:
        assert min(new) == short
    else:
        assert min(new) <= max(short, 1)
        assert max(new) <= long + max(width, height) / min(width, height)  # rounding of the shorter side, magnified


def test_boxes_follow_the_pixels(sample: Sample) -> None:
    marked = sample.image.copy()
    x1, y1, x2, y2 = sample.interactions.boxes[1].astype(int)
    marked[:], marked[y1:y2, x1:x2] = 0, 255
    sample = replace(sample, image=marked)
    for change in (
        mirror,
        lambda s: resize(s, 300),
        lambda s: crop(s, 20, 30, 110, 160),
        lambda s: mirror(resize(s, 75)),
    ):
        changed = change(sample)
        rows, columns = np.nonzero(changed.image[..., 0] > 127)
        position = changed.interactions.labels.tolist().index(1)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(changed.interactions.boxes[position], expected, atol=1)
        height, width = changed.image.shape[:2]
        assert (changed.interactions.width, changed.interactions.height) == (width, height)


def test_mirroring_twice_changes_nothing(sample: Sample) -> None:
    twice = mirror(mirror(sample))
    np.testing.assert_array_equal(twice.image, sample.image)
    np.testing.assert_allclose(twice.interactions.boxes, sample.interactions.boxes, atol=1e-4)


def test_a_crop_takes_boxes_and_their_interactions_along(sample: Sample) -> None:
    right = crop(sample, 0, 100, 150, 100)
    assert right.interactions.labels.tolist() == [13]
    assert len(right.interactions) == 0
    left = crop(sample, 0, 0, 150, 80)
    assert left.interactions.labels.tolist() == [0, 1]
    assert [t.object for t in left.interactions.triplets()] == ["bicycle", "bicycle", None]
    outside = replace(sample.interactions, boxes=sample.interactions.boxes - 60)
    clipped = clip(replace(sample, interactions=outside))
    assert clipped.interactions.boxes.min() >= 0
    assert clipped.interactions.labels.tolist() == [1, 13]  # nothing is left of the person


def test_the_same_seed_gives_the_same_picture(sample: Sample) -> None:
    small = Augmentation(short_sides=(60, 80, 100), short_sides_before_crop=(90,), crop_min=40, crop_max=70)
    first, again, other = (small(sample, Randomness.seeded(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.interactions == again.interactions
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


def test_nothing_at_random_is_nothing(sample: Sample) -> None:
    still = Augmentation(flip=0, colour=0, crop=0, short_sides=(150,))
    np.testing.assert_array_equal(still(sample, Randomness.seeded(0)).image, sample.image)


def test_colours_change_like_torchvisions(sample: Sample) -> None:
    from torchvision.transforms import ColorJitter

    torch.manual_seed(5)
    expected = np.asarray(ColorJitter(0.4, 0.4, 0.4)(Image.fromarray(sample.image)))
    np.testing.assert_array_equal(change_colours(sample.image, 0.4, Randomness.seeded(5)), expected)


def test_tensors(sample: Sample) -> None:
    tensor = to_tensor(sample.image)
    assert tensor.shape == (3, 150, 200)
    assert tensor[1, 3, 4].item() == pytest.approx((sample.image[3, 4, 1] / 255 - 0.456) / 0.224, abs=1e-5)
    assert to_clip_tensor(sample.image).shape == (3, 224, 224)


def test_training_images_by_epoch_and_index(sample: Sample, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(sample.image).save(tmp_path / name)
    table = InteractionTable.from_list([sample.interactions, replace(sample.interactions, file="b.jpg")])
    config = GenVlktConfig()
    images = GenVlktTrainingImages(table, tmp_path, config, Augmentation(short_sides=(64, 96), crop=0))
    first, again = images[3, 1], images[3, 1]
    assert torch.equal(first.image, again.image)
    assert first.targets.teacher_image is not None
    assert any(not torch.equal(images[e, 1].image, first.image) for e in range(3))
    batch = collate([images[0, 0], images[0, 1], images[1, 0]])
    assert len(images) == 2
    assert len(batch) == 3
    assert batch.images.shape[-2:] == tuple(batch.sizes.amax(0).tolist())
    for image, (height, width) in zip(batch.images, batch.sizes.tolist(), strict=True):
        assert not image[:, height:].any()
        assert not image[:, :, width:].any()


def test_zero_shot_training_leaves_out_what_is_unseen(sample: Sample, tmp_path: Path, hico: Vocabulary) -> None:
    Image.fromarray(sample.image).save(tmp_path / "a.jpg")
    index = hico.interaction_index("ride", "bicycle")
    own = replace(hico, groups={"hidden": (index,)}, name="own")
    table = InteractionTable.from_list([replace(sample.interactions, vocabulary=own)])
    with pytest.raises(InputError, match="no annotated image is left"):
        GenVlktTrainingImages(table[:0], tmp_path, GenVlktConfig())
    config = GenVlktConfig(text={"zero_shot": "hidden"})
    images = GenVlktTrainingImages(table, tmp_path, config)
    assert len(images[0, 0].targets) == 0  # the pair that rides goes, and what it holds; the rest is not listed
