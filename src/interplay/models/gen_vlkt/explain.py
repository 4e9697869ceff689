"""Where GEN-VLKT looked to find an interaction: what its three queries attend to in the last decoder layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.explanations import Explanation, Heat, Panel
from interplay.interactions import Interactions
from interplay.layers.transformer import Attention
from interplay.models.gen_vlkt import decode
from interplay.models.gen_vlkt.network import Decoder, split_instances

if TYPE_CHECKING:
    from interplay.models.gen_vlkt.model import GenVlkt


def explain_image(
    model: GenVlkt, image: NDArray[np.uint8], min_score: float, top_k: int
) -> tuple[Interactions, list[Explanation]]:
    """The interactions of an image, and an explanation of the best ones; see `HoiModel.explain`."""
    batch, sizes = model.preprocess([image])
    network = model.network
    with _watched(network.interaction_decoder) as interaction, _watched(network.instance_decoder) as instance:
        outputs = model(batch.to(model.device), sizes, auxiliary=False)
    options, shape = model.config.decoding, torch.tensor([image.shape[:2]])
    found = decode.detections(outputs, shape, model.vocabulary, model.per_verb, options)
    if options.nms:
        found = decode.suppress(found, options)
    [interactions] = decode.to_interactions(found, shape, model.vocabulary)
    human, target = split_instances(instance[0], network.options.queries)
    looks = {"interaction": interaction[0], "person": human, "object": target}
    best = np.argsort(-found.score, kind="stable")[:top_k]
    stride = model.network.backbone.stride
    grid = -(-batch.shape[2] // stride), -(-batch.shape[3] // stride)
    scale = stride * image.shape[1] / batch.shape[3], stride * image.shape[0] / batch.shape[2]
    explanations = []
    for t in (int(t) for t in best if found.score[t] >= min_score):
        query = int(found.query[t])
        panels = [_panel(f"attention: {name}", look[0, query], grid, scale) for name, look in looks.items()]
        explanations.append(Explanation(t, (*panels, Panel("pair", pair=True))))
    return interactions, explanations


@contextmanager
def _watched(decoder: Decoder) -> Iterator[list[Tensor]]:
    """While it runs, the last layer's attention to the image, (B, Q, N), comes into the list."""
    seen: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, Attention)
        query, keys, _, mask = inputs
        seen.append(module.weights(query, keys, mask))

    hook = decoder.layers[-1].cross_attention.register_forward_pre_hook(note)  # type: ignore[union-attr]
    try:
        yield seen
    finally:
        hook.remove()


def _panel(title: str, look: Tensor, grid: tuple[int, int], scale: tuple[float, float]) -> Panel:
    """One query's attention (N,) as heat, as bright as its brightest cell.

    Args:
        grid: rows and columns of the feature map.
        scale: pixels of the image per cell of the map, in x and y.
    """
    rows, columns = grid
    values = (look / look.max().clamp(min=1e-9)).view(rows, columns).float().cpu().numpy()
    extent = (0.0, 0.0, columns * scale[0], rows * scale[1])
    return Panel(title, Heat(values, extent))
