"""Grounding DINO, made small and at random, from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay.detectors.grounding import GroundingDino
from interplay.errors import InputError, MissingExtraError, MissingFileError

transformers = pytest.importorskip("transformers", reason="needs the extra transformers")

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 80, 3)).astype(np.uint8)
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "person", "tennis", "racket", "frisbee")


@pytest.fixture(scope="module")
def grounding_dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("grounding")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    one = [1, 1, 1, 1]
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=32, patch_size=4, embed_dim=8, depths=one, num_heads=one, window_size=2, out_indices=[2, 3, 4]
        ),
        text_config=transformers.BertConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        ),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,  # with one, transformers finds no weights to share
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_queries=6,
        encoder_n_points=2,
        decoder_n_points=2,
        max_text_len=32,
    )
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    images = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 256})
    transformers.GroundingDinoProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def test_boxes_lie_in_the_image_and_have_the_names_that_were_asked_for(grounding_dino: Path) -> None:
    find = GroundingDino(grounding_dino, ["person", " Tennis racket", "person"], min_score=0.0)
    assert find.objects == ("person", "tennis racket")
    [found, same] = find([IMAGE, IMAGE])
    assert found.objects == find.objects
    assert 0 < len(found) <= 6
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] <= [80, 48]).all()
    assert set(found.labels.tolist()) <= {0, 1}
    np.testing.assert_allclose(found.boxes, same.boxes)


def test_a_box_has_the_name_whose_words_it_answers_to(grounding_dino: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logits over the tokens [CLS] person . tennis racket . frisbee . [SEP]: one box each, and one of nothing."""
    find = GroundingDino(grounding_dino, ["person", "tennis racket", "frisbee"])
    logits = torch.full((1, 4, 32), -torch.inf)  # as of the places after the text
    logits[..., :9] = -9.0
    logits[0, 0, 1], logits[0, 1, 4], logits[0, 2, 6] = 2.0, 3.0, 4.0
    logits[0, 1, 3] = 1.0
    boxes = torch.tensor([0.5, 0.5, 0.25, 0.5]).expand(1, 4, 4)
    original = find.model.forward

    def forward(**inputs: Any) -> Any:
        answer = original(**inputs)
        answer.logits, answer.pred_boxes = logits, boxes
        return answer

    monkeypatch.setattr(find.model, "forward", forward)
    [found] = find([IMAGE])
    by_score = {round(float(score), 2): found.objects[label] for score, label in zip(found.scores, found.labels)}  # noqa: B905
    assert by_score == {0.88: "person", 0.95: "tennis racket", 0.98: "frisbee"}
    np.testing.assert_allclose(found.boxes[0], [30, 12, 50, 36], atol=0.01)


def test_names_that_its_text_cannot_hold_and_none_are_refused(grounding_dino: Path) -> None:
    with pytest.raises(InputError, match="expected names of objects"):
        GroundingDino(grounding_dino, ["", " "])
    many = GroundingDino(grounding_dino, [f"{'person ' * 3}{'racket ' * k}" for k in range(1, 30)])
    with pytest.raises(InputError, match="29 names are more than its text can hold"):
        many([IMAGE])


def test_folders_of_something_else_are_refused(grounding_dino: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="not a complete model: expected a Grounding DINO model"):
        GroundingDino(tmp_path, ["person"])
    transformers.GroundingDinoProcessor.from_pretrained(grounding_dino).save_pretrained(tmp_path)
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="not a Grounding DINO model"):
        GroundingDino(tmp_path, ["person"])


def test_without_transformers_the_error_says_the_command(without, tmp_path: Path) -> None:
    without("transformers")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        GroundingDino(tmp_path, ["person"])
