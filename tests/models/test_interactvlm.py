"""InteractVLM as a whole, on a tiny random network."""

from __future__ import annotations

import pytest
import torch
from tests.models.interactvlm_tiny import DIM, HUMAN, IMAGE, OBJECT, SEG, conversation_ids, tiny

from interplay.body.cameras import view_set
from interplay.body.lifting import lift_points
from interplay.errors import InputError
from interplay.metrics.contact import contact_scores
from interplay.models.interactvlm.losses import ContactSample, contact_losses
from interplay.models.interactvlm.network import NO_CONTACT, expand_images, sam_pixels

pytest.importorskip("transformers")

VIEWS = list(view_set("4MV-Z_Vitru").values())
PIXELS = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(0))
RENDERS = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 255


@torch.no_grad()
def test_several_questions_at_once_are_each_alone() -> None:
    model = tiny()
    seen = model.encode_views(sam_pixels(RENDERS, 64))
    assert seen.shape == (4, DIM, 4, 4)
    questions = [conversation_ids(9, 11, SEG, 2), conversation_ids(9, 12, 13, 2), conversation_ids(SEG, 4, 2, 0)]
    together = model(torch.cat(questions), PIXELS.expand(3, -1, -1, -1), seen, VIEWS)
    assert together.logits.shape == (3, 4, 16, 16)
    assert together.found.tolist() == [True, False, True]
    assert (together.logits[1] == NO_CONTACT).all()
    for index in (0, 2):
        alone = model(questions[index], PIXELS, seen, VIEWS)
        torch.testing.assert_close(together.logits[index], alone.logits[0], atol=1e-4, rtol=1e-4)
    assert (together.logits[0] - together.logits[2]).abs().max() > 1e-2


@torch.no_grad()
def test_only_what_comes_before_the_token_counts() -> None:
    model = tiny()
    seen = model.encode_views(sam_pixels(RENDERS, 64))
    masks = [model(conversation_ids(9, SEG, last), PIXELS, seen, VIEWS).logits for last in (2, 3)]
    torch.testing.assert_close(*masks)
    other = model(conversation_ids(10, SEG, 2), PIXELS, seen, VIEWS).logits
    assert (other - masks[0]).abs().max() > 1e-2
    assert (model(conversation_ids(9, SEG, 2), -PIXELS, seen, VIEWS).logits - masks[0]).abs().max() > 1e-3


@torch.no_grad()
def test_the_joint_model_splits_people_from_objects() -> None:
    model = tiny(token_type="Gen-Hu-Obj", human_id=HUMAN, object_id=OBJECT)
    hidden = torch.randn(1, 48).expand(3, -1)
    ids = torch.tensor([SEG, HUMAN, OBJECT])
    plain, human, thing = model.prompt_tokens(hidden, ids, VIEWS, "human")
    split = model.attention_splitter(plain[None])
    torch.testing.assert_close(human, split[0][0])
    torch.testing.assert_close(thing, split[1][0])


@torch.no_grad()
@pytest.mark.parametrize("published", [False, True])
def test_one_token_for_people_and_objects_goes_by_what_is_wanted_unless_as_published(published: bool) -> None:
    model = tiny(token_type="Gen-Int", human_id=HUMAN, object_id=HUMAN, published_behaviour=published)
    hidden, ids = torch.randn(1, 48), torch.tensor([HUMAN])
    human, thing = (model.prompt_tokens(hidden, ids, VIEWS, kind) for kind in ("human", "object"))
    assert torch.equal(human, thing) is published


@torch.no_grad()
def test_own_decoders_for_people_and_objects() -> None:
    model = tiny(separate_decoders=True)
    seen, tokens = model.encode_views(sam_pixels(RENDERS, 64)), torch.randn(1, 4, DIM)
    drawn = {kind: model.decode(seen, tokens, kind) for kind in ("human", "object", "image")}
    torch.testing.assert_close(drawn["human"], drawn["image"])
    model.human_mask_decoder.iou_token.weight += 1
    changed = model.decode(seen, tokens, "human")
    assert (changed - drawn["human"]).abs().max() > 1e-2
    torch.testing.assert_close(model.decode(seen, tokens, "object"), drawn["object"])


@torch.no_grad()
def test_fusion_tells_sam_what_the_language_model_says() -> None:
    model = tiny(fusion=True)
    seen = model.encode_views(sam_pixels(RENDERS, 64))
    questions = torch.cat([conversation_ids(9, SEG, 2), conversation_ids(12, SEG, 2)])
    together = model(questions, PIXELS.expand(2, -1, -1, -1), seen, VIEWS)
    alone = model(questions[1:], PIXELS, seen, VIEWS).logits[0]
    torch.testing.assert_close(together.logits[1], alone, atol=1e-4, rtol=1e-4)
    model.fusion = None
    assert (together.logits - model(questions, PIXELS.expand(2, -1, -1, -1), seen, VIEWS).logits).abs().max() > 1e-2


def test_masks_and_vertices_are_learnt_together() -> None:
    """Two questions about the same picture, with contact in different places."""
    model = tiny()
    seen = model.encode_views(sam_pixels(RENDERS, 64))
    table = torch.arange(16).reshape(1, 4, 4).repeat_interleave(4, 1).repeat_interleave(4, 2).expand(4, -1, -1)
    wanted = torch.zeros(2, 16)
    wanted[0, :5] = wanted[1, 9:] = 1
    masks = wanted[:, table].to(torch.int8)
    questions = torch.cat([conversation_ids(9, SEG, 2), conversation_ids(12, SEG, 2)])

    def lift(logits: torch.Tensor) -> torch.Tensor:
        return lift_points(logits.sigmoid(), table, 16)

    parts = (model.text_hidden_fcs, model.sam.mask_decoder, model.cam_pose_encoder)
    learnt = [parameter for part in parts for parameter in part.parameters()]
    optimiser = torch.optim.Adam(learnt, 3e-3)
    losses = []
    for _ in range(60):
        drawn = model(questions, PIXELS.expand(2, -1, -1, -1), seen, VIEWS).logits
        samples = [ContactSample("a_hcontact", drawn[i], masks[i], lift, wanted[i]) for i in range(2)]
        losses.append(contact_losses(samples)["total"])
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.3 * losses[0]
    scores = torch.stack([lift(each) for each in drawn.detach()])
    assert contact_scores(scores, wanted).mean.f1 > 0.9


def test_what_learns() -> None:
    model = tiny()
    seen = model.encode_views(sam_pixels(RENDERS, 64))
    model(conversation_ids(9, SEG, 2), PIXELS, seen, VIEWS).logits.square().mean().backward()
    for part in (
        model.text_hidden_fcs,
        model.cam_pose_encoder,
        model.sam.mask_decoder.transformer,
        model.llava.lm_head,
    ):
        grown = [p for p in part.parameters() if p.grad is not None and p.grad.abs().sum() > 0]
        assert bool(grown) is (part is not model.llava.lm_head)
    assert all(p.grad is None for p in model.sam.vision_encoder.parameters())


def test_answers_are_generated() -> None:
    model = tiny()
    asked = conversation_ids()
    answered = model.generate(asked, PIXELS, max_new_tokens=5)
    torch.testing.assert_close(answered[:, : asked.shape[1]], asked)
    assert asked.shape[1] < answered.shape[1] <= asked.shape[1] + 5
    assert IMAGE not in answered[0, asked.shape[1] :]
    again = model.generate(asked, PIXELS, max_new_tokens=5)
    torch.testing.assert_close(answered, again)


def test_pixels_are_padded_to_the_right_and_below() -> None:
    white = torch.full((1, 3, 20, 40), 255.0)
    pixels = sam_pixels(white, 64)
    assert pixels.shape == (1, 3, 64, 64)
    assert (pixels[:, :, :32] > 2).all()
    assert (pixels[:, :, 32:] == 0).all()


def test_images_take_the_places_of_their_tokens() -> None:
    assert expand_images([1, IMAGE, 7], tiny().options) == [1, IMAGE, IMAGE, IMAGE, IMAGE, 7]


def test_parts_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="dim=128"):
        tiny(dim=128)
    with pytest.raises(InputError, match="resize_token_embeddings"):
        tiny(seg_id=100)
    model = tiny()
    with pytest.raises(InputError, match="a camera for each of 4 views, got 3"):
        model(conversation_ids(SEG), PIXELS, torch.zeros(4, DIM, 4, 4), VIEWS[:3])
