"""From a photograph and names of objects to contact of a mesh, on a tiny random network."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.models.interactvlm_tiny import SEG, tiny

from interplay.errors import InputError
from interplay.models.interactvlm.predict import ContactPredictor, contact_in_image
from interplay.models.interactvlm.prompts import answer

pytest.importorskip("transformers")
pytest.importorskip("embreex")

OCTAHEDRON = (
    np.array([[0.5, 0, 0], [-0.5, 0, 0], [0, 0.5, 0], [0, -0.5, 0], [0, 0, 0.5], [0, 0, -0.5]]),
    np.array([[2, 4, 0], [2, 0, 5], [2, 5, 1], [2, 1, 4], [3, 0, 4], [3, 5, 0], [3, 1, 5], [3, 4, 1]]),
)
IMAGE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)


class Words:
    """A tokenizer with a number for each word."""

    bos_token_id, eos_token_id, pad_token_id = 1, 2, 0

    def __call__(self, text: str) -> SimpleNamespace:
        words = text.replace(".", " . ").replace("[SEG]", " [SEG] ").split()
        return SimpleNamespace(input_ids=[1, *(SEG if w == "[SEG]" else 3 + sum(map(ord, w)) % 50 for w in words)])

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return " ".join(map(str, ids))


@pytest.fixture(scope="module", params=["human", "object"])
def predictor(request: pytest.FixtureRequest) -> ContactPredictor:
    return ContactPredictor(tiny(), Words(), *OCTAHEDRON, kind=request.param)


def test_given_answers_give_scores_of_every_vertex(predictor: ContactPredictor) -> None:
    template = "hcontact" if predictor.kind == "human" else "oafford"
    said = [answer(template), "There is none.", answer(template, 1)]
    together = predictor.predict(IMAGE, ["cup", "baseball_bat", "tv"], template, said)
    assert [each.object for each in together] == ["cup", "baseball_bat", "tv"]
    assert [each.found for each in together] == [True, False, True]
    for each in together:
        assert each.scores.shape == (6,)
        assert ((each.scores >= 0) & (each.scores <= 1)).all()
    assert not together[1].scores.any()
    assert not len(together[1].vertices())
    alone = predictor.predict(IMAGE, ["tv"], template, said[2:])[0]
    np.testing.assert_allclose(alone.scores, together[2].scores, atol=1e-4)


def test_questions_of_different_lengths_are_answered_as_alone(predictor: ContactPredictor) -> None:
    objects = ["cup", "very old and heavy wooden dining table"]
    together = predictor.predict(IMAGE, objects, max_new_tokens=4)
    for index, name in enumerate(objects):
        alone = predictor.predict(IMAGE, [name], max_new_tokens=4)[0]
        assert together[index].answer.split()[:1] == alone.answer.split()[:1]


def test_the_mask_reaches_the_vertices(predictor: ContactPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    for logit, wanted in ((30.0, 1.0), (-30.0, 0.0)):
        monkeypatch.setattr(
            predictor.model, "decode", lambda seen, tokens, kind, logit=logit: torch.full((1, 4, 16, 16), logit)
        )
        scores = predictor.predict(IMAGE, ["cup"], answers=["[SEG]"])[0].scores
        np.testing.assert_allclose(scores, wanted, atol=1e-6)


def test_several_people_are_looked_at_apart(predictor: ContactPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    from interplay.models.contact import ContactPair
    from interplay.models.interactvlm import predict

    seen: list[int] = []
    lift = ContactPredictor._found

    def counted(self: ContactPredictor, images: list, *rest: object, poses: object) -> list:
        seen.extend(image.shape[0] for image in images)
        return lift(self, images, rest[0], answers=["[SEG]"] * len(images))

    monkeypatch.setattr(ContactPredictor, "_found", counted)
    monkeypatch.setattr(predict, "MOST_TOGETHER", 2)
    left, right = np.array([0, 0, 20, 40]), np.array([40, 10, 60, 40])
    pairs = [ContactPair("cup", left), ContactPair("cup", right), ContactPair("tv", right)]
    found = predictor.predict_pairs(IMAGE, pairs)
    assert [each.object for each in found] == ["cup", "cup", "tv"]
    assert seen == [48, 36, 36], "squares about each person"
    assert not np.array_equal(found[0].scores, found[1].scores)
    seen.clear()
    alone = predictor.predict_pairs(IMAGE, [pairs[1], pairs[2]])
    assert seen == [50, 50], "one person: the whole photograph, as published"
    assert len(alone) == 2
    assert predictor.predict_pairs(IMAGE, []) == []


def test_what_is_refused(predictor: ContactPredictor) -> None:
    with pytest.raises(InputError, match="expected objects"):
        predictor.predict(IMAGE, [])
    for name in ("", " ", "cup [SEG]", "<image>"):
        with pytest.raises(InputError, match="expected the name of an object"):
            predictor.predict(IMAGE, [name])
    with pytest.raises(InputError, match="an answer for each"):
        predictor.predict(IMAGE, ["cup"], answers=["a", "b"])
    with pytest.raises(InputError, match="human or object"):
        ContactPredictor(predictor.model, Words(), *OCTAHEDRON, kind="scene")


def test_contact_in_the_photograph_itself() -> None:
    model = tiny()
    objects, said = ["cup", "tv", "cup"], ["It is [SEG].", "There is none.", "Sure, [SEG]."]
    found = contact_in_image(model, Words(), IMAGE, objects, answers=said)
    assert [each.found for each in found] == [True, False, True]
    assert all(each.logits.shape == IMAGE.shape[:2] for each in found)
    assert not found[1].mask().any()
    alone = contact_in_image(model, Words(), IMAGE, ["cup"], answers=said[2:])[0]
    np.testing.assert_allclose(alone.logits, found[2].logits, atol=1e-3)
    assert contact_in_image(model, Words(), IMAGE, ["cup"], max_new_tokens=2)[0].answer
