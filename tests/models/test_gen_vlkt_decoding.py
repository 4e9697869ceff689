"""GEN-VLKT's choice of triplets where scores are equal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.parity.published_top_k import select_triplets

from interplay import Vocabulary
from interplay.models.gen_vlkt import GenVlktOutputs
from interplay.models.gen_vlkt.config import GenVlktDecodingOptions
from interplay.models.gen_vlkt.decode import detections


@pytest.fixture
def outputs(hico: Vocabulary) -> GenVlktOutputs:
    """Three images: all scores equal, on a coarse grid, all different."""
    noise = torch.Generator().manual_seed(0)
    interaction = torch.randn(3, 64, 600, generator=noise)
    interaction[0], interaction[1] = 0.5, (2 * interaction[1]).round() / 2
    objects = torch.zeros(3, 64, 81)
    objects[2] = torch.randn(64, 81, generator=noise)
    boxes = torch.full((3, 64, 4), 0.5)
    return GenVlktOutputs(boxes, boxes, objects, interaction, torch.zeros(3, 64, 1))


@pytest.mark.parametrize("ties", ["all", "first"])
def test_equal_scores(hico: Vocabulary, outputs: GenVlktOutputs, ties: str) -> None:
    sizes = torch.tensor([[100, 100]] * 3)
    options = GenVlktDecodingOptions.model_validate({"ties": ties})
    found = detections(outputs, sizes, hico, False, options)
    interaction = hico.interaction_lookup[found.verb, found.object].reshape(3, 100)
    hoi, objects = outputs.interaction_logits.sigmoid(), outputs.object_logits.sigmoid()
    if ties == "first":
        query, label, score = select_triplets(hoi.numpy(), objects.numpy(), hico.interactions[:, 1])
        assert (query[0] == query[0, 0]).all()
    else:  # each once, earlier queries first and then earlier classes
        flat = (hoi + objects[..., torch.from_numpy(hico.interactions[:, 1])] ** 2).flatten(1)
        ranked = flat.sort(descending=True, stable=True)
        query, label = np.divmod(ranked.indices[:, :100].numpy(), 600)
        score = ranked.values[:, :100].numpy()
    np.testing.assert_array_equal(found.query.reshape(3, 100), query)
    np.testing.assert_array_equal(interaction, label)
    np.testing.assert_array_equal(found.score.reshape(3, 100), score)
