"""Text in GEN-VLKT's classifiers: the prompts, where the rows start, and new classes at inference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.gen_vlkt.open_vocabulary import all_pairs
from interplay.models.gen_vlkt.prompts import interaction_prompts, object_prompts, verb_prompts
from interplay.models.gen_vlkt.text import start_from_text, with_classes

KNOWN = Vocabulary.from_dict(
    {
        "name": "known",
        "objects": ["person", "bicycle", "umbrella"],
        "verbs": ["ride", "hold"],
        "interactions": [["ride", "bicycle"], ["hold", "umbrella"], ["hold", "bicycle"]],
    }
)
WIDTH = 16


def embed(text: str) -> Tensor:
    row = torch.randn(WIDTH, generator=torch.Generator().manual_seed(sum(map(ord, text)) * len(text)))
    return torch.nn.functional.normalize(row, dim=0)


@pytest.fixture(autouse=True)
def _encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def embeddings(encoder: str, texts: Sequence[str], folder: object = None) -> Tensor:
        return torch.stack([embed(text) for text in texts])

    monkeypatch.setattr("interplay.models.gen_vlkt.text.cached_embeddings", embeddings)


def model(vocabulary: Vocabulary = KNOWN, **network: object) -> GenVlkt:
    small = {
        "backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
        "encoder_layers": 1, "decoder_layers": 1, "queries": 2, "embedding": WIDTH,
    }  # fmt: skip
    torch.manual_seed(0)
    return GenVlkt(vocabulary, GenVlktConfig(network=small | network)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize(("dataset", "file"), [("hico-det", "hico"), ("v-coco", "vcoco")])
def test_published_prompts(goldens: Path, dataset: str, file: str) -> None:
    facts = goldens / "gen_vlkt" / "facts"
    vocabulary = Vocabulary.load(dataset)
    expected = [row["prompt"] for row in json.loads((facts / f"{file}_hoi.json").read_text())]
    assert interaction_prompts(vocabulary) == expected
    expected = [row["prompt"] for row in json.loads((facts / f"{file}_object_prompts.json").read_text())]
    assert object_prompts(vocabulary, absent=dataset == "v-coco") == expected


def test_plain_prompts_are_english() -> None:
    assert interaction_prompts(KNOWN, "plain")[1] == "a photo of a person holding an umbrella"
    assert interaction_prompts(KNOWN, "published")[1] == "a photo of a person holding a umbrella"
    assert verb_prompts(KNOWN) == ["a photo of a person riding something", "a photo of a person holding something"]
    assert verb_prompts(Vocabulary.from_names(["person", "dog"], ["walk"])) == ["a photo of a person walking something"]
    plain = interaction_prompts(Vocabulary.load("v-coco"), "plain")
    assert "a photo of a person sitting on a chair" in plain
    assert "a photo of a person walking" in plain


def test_classifiers_start_as_embeddings() -> None:
    start = model()
    start_from_text(start)
    rows = torch.stack([embed(text) for text in interaction_prompts(KNOWN)])
    torch.testing.assert_close(start.network.heads.interaction.weight.detach(), rows)
    rows = torch.stack([embed(text) for text in object_prompts(KNOWN, absent=False)])
    torch.testing.assert_close(start.network.heads.object[-1].weight.detach(), rows)
    verbs = model(classes="verb", object_text=False)
    start_from_text(verbs)
    torch.testing.assert_close(verbs.network.heads.interaction.weight[0].detach(), embed(verb_prompts(KNOWN)[0]))
    with pytest.raises(InputError, match=r"have 16 numbers.*network\.embedding=16"):
        start_from_text(model(embedding=32))


def test_new_classes_as_text() -> None:
    old = model()
    start_from_text(old)
    with torch.no_grad():
        old.network.heads.interaction.weight.add_(0.1)  # what it learnt
        old.network.heads.interaction.bias.copy_(torch.tensor([0.1, 0.2, 0.6]))
    wanted = Vocabulary.from_names(["bicycle", "horse"], ["hold", "feed"], "wanted")
    new = with_classes(old, wanted)
    assert [tuple(row) for row in new.vocabulary.interactions.tolist()] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    before, after = old.network.heads.interaction, new.network.heads.interaction
    torch.testing.assert_close(after.weight[0], before.weight[2])  # "hold bicycle" was learnt
    torch.testing.assert_close(after.weight[3].detach(), embed("a photo of a person feeding a horse"))
    torch.testing.assert_close(after.bias.detach(), torch.tensor([0.6, 0.3, 0.3, 0.3]))
    torch.testing.assert_close(new.network.heads.object[-1].weight[0], old.network.heads.object[-1].weight[1])
    images, sizes = torch.randn(1, 3, 64, 64), torch.tensor([[64, 64]])
    first, second = old(images, sizes), new(images, sizes)
    torch.testing.assert_close(first.human_boxes, second.human_boxes)
    torch.testing.assert_close(first.interaction_logits[..., 2], second.interaction_logits[..., 0])
    found = new.decode(second, sizes)[0]
    assert {t.verb for t in found.triplets()} <= {"hold", "feed"}
    assert {t.object for t in found.triplets()} <= {"bicycle", "horse"}


def test_only_text_takes_new_classes() -> None:
    with pytest.raises(InputError, match=r"network\.interaction_text"):
        with_classes(model(object_text=False), KNOWN)
    assert all_pairs(KNOWN) is KNOWN


def test_the_caption_teacher_embeds_what_is_annotated() -> None:
    from interplay.models.gen_vlkt import PairTargets

    config = GenVlktConfig(
        network=model().config.network, text={"encoder": "minilm", "teacher": "caption"}, loss={"mimic": "l1"}
    )
    learner = GenVlkt(KNOWN, config)
    start_from_text(learner)
    assert "captions" not in learner.state_dict()
    boxes = torch.full((2, 4), 0.5)
    classes = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    target = PairTargets(boxes, boxes, torch.tensor([1, 2]), classes, torch.zeros(2, 2))
    prompts = interaction_prompts(KNOWN)[:2]
    mean = torch.nn.functional.normalize(embed(prompts[0]) + embed(prompts[1]), dim=0) * WIDTH**0.5
    outputs = learner(torch.randn(1, 3, 64, 64), torch.tensor([[64, 64]]))
    expected = (outputs.features.mean(1)[0] - mean).abs().mean()
    torch.testing.assert_close(learner.loss_terms(outputs, [target])["mimic"], expected)
