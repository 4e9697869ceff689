"""The parts of InteractVLM: what they do with any input, and what they refuse."""

from __future__ import annotations

import pytest
import torch

from interplay.body.cameras import VIEW_SETS
from interplay.errors import InputError
from interplay.models.interactvlm.losses import ContactSample, contact_losses, dice_loss, focal_loss
from interplay.models.interactvlm.modules import camera_encoder, camera_vectors
from interplay.models.interactvlm.prompts import answer, question, segmentation_tokens
from interplay.models.interactvlm.tokens import segmentation_positions

LOGITS = torch.linspace(-3, 3, 2 * 4 * 5).reshape(2, 4, 5)


def test_a_view_without_contact_and_pixels_beside_the_body_do_not_count() -> None:
    masks = (LOGITS > 1).to(torch.int8)
    assert not masks[0].any()
    assert dice_loss(LOGITS, masks) == pytest.approx(dice_loss(LOGITS[1:], masks[1:]).item() / 2)
    beside = masks.clone()
    beside[:, 0] = -1
    changed = LOGITS.clone()
    changed[:, 0] += 5
    for loss in (dice_loss, focal_loss):
        assert loss(changed, beside) == loss(LOGITS, beside)
    nowhere = torch.full_like(masks, -1)
    assert focal_loss(LOGITS, nowhere) == dice_loss(LOGITS, nowhere) == 0


def test_objects_that_nobody_touches_are_left_out() -> None:
    def sample(target: float) -> ContactSample:
        return ContactSample(
            "a_ocontact",
            LOGITS,
            (LOGITS > 1).to(torch.int8),
            lambda x: x.flatten().sigmoid(),
            torch.full((40,), target),
        )

    alone = contact_losses([sample(1.0)])
    assert contact_losses([sample(1.0), sample(0.0)])["oC"] == alone["oC"]
    assert contact_losses([sample(0.0)])["oC"] == 0


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (ContactSample("a_hcontact", LOGITS, LOGITS[:1]), "one size"),
        (ContactSample("a_hcontact", LOGITS, LOGITS > 1), "needs `lift`"),
        (ContactSample("a_hcontact", LOGITS, LOGITS > 1, lambda x: x.flatten()), "needs `target`"),
    ],
)
def test_samples_that_lack_something(sample: ContactSample, message: str) -> None:
    with pytest.raises(InputError, match=message):
        contact_losses([sample])


def test_no_sample() -> None:
    with pytest.raises(InputError, match="one sample or more"):
        contact_losses([])


@pytest.mark.parametrize("kind", ["simple", "view_index", "vi_v1"])
def test_cameras_change_an_embedding_view_by_view(kind: str) -> None:
    encoder = camera_encoder(kind)
    cameras = camera_vectors([*list(VIEW_SETS["human_4MV-Z_Vitru"].values())[:3], None])
    assert not cameras[3].any()
    tokens = encoder.condition(torch.randn(3, 256), cameras)
    assert tokens.shape == (3, 4, 256)
    assert not torch.equal(tokens[:, 0], tokens[:, 1])


def test_other_numbers_of_views_and_unknown_names() -> None:
    with pytest.raises(InputError, match="expected 4 views, got 3"):
        camera_encoder("vi_v1")(torch.zeros(3, 5))
    with pytest.raises(InputError, match="view_index"):
        camera_encoder("other")
    with pytest.raises(InputError, match="hcontact-parts"):
        question("contact", "cup")
    with pytest.raises(InputError, match=r"0\.\.4"):
        answer("hcontact", 5)
    with pytest.raises(InputError, match="Gen-Int"):
        segmentation_tokens("Hu")


def test_several_tokens_and_images() -> None:
    ids = [7, -200, 9, -200, 9, 5]
    assert segmentation_positions(ids, [9], num_image_tokens=3).tolist() == [3, 7]
    assert segmentation_positions([9, 1], [9]).tolist() == []
