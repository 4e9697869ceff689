"""Where GGNet looked to find an interaction (paper, Figure 4): its point, the gaze steps' ActPoints, the pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.explanations import Explanation, Heat, Panel
from interplay.interactions import Interactions
from interplay.models.ggnet.decode import Matched, to_interactions
from interplay.models.ggnet.network import StackMaps
from interplay.models.ggnet.transforms import Array, transform_points

if TYPE_CHECKING:
    from interplay.detectors import Detections
    from interplay.models.ggnet.model import GGNet

_TITLES = {"hm_rel": "glance", "hm_rel_refine": "interaction points"}


def explain_image(
    model: GGNet, image: NDArray[np.uint8], detections: Detections | None, min_score: float, top_k: int
) -> tuple[Interactions, list[Explanation]]:
    """The interactions of an image, and an explanation of the best ones; see `HoiModel.explain`."""
    if model.config.decoding.flip:
        raise InputError("only one look at the image can be explained: set the decoding option flip=false")
    batch, sizes = model.preprocess([image])
    outputs = model(batch.to(model.device), sizes)
    maps = outputs.heads
    assert isinstance(maps, StackMaps)  # without the flip test
    found = model.match(outputs, sizes, None if detections is None else [detections])[0]
    height, width = image.shape[:2]
    interactions = to_interactions(found, model.channels.verb, model.vocabulary, (height, width))
    rows, columns = maps[model.config.network.final_heatmap].shape[2:]
    view = model.view(width, height, columns * model.backbone.stride, rows * model.backbone.stride)
    to_image = view.inverse(columns, rows)
    best = np.argsort(-found.score, kind="stable")[:top_k]
    chosen = [int(t) for t in best if found.score[t] >= min_score]
    return interactions, [Explanation(t, _panels(model, maps, found, t, to_image)) for t in chosen]


def _panels(model: GGNet, maps: StackMaps, found: Matched, triplet: int, to_image: Array) -> tuple[Panel, ...]:
    """The steps to one triplet."""
    point = int(found.point[triplet])
    channel, x, y = (int(values[point]) for values in (found.points.channel, found.points.x, found.points.y))

    def place(centres: Array) -> NDArray[np.float32]:
        """Pixels of the output map, at their middles -> pixels of the image."""
        return transform_points(np.asarray(centres, np.float32) + np.float32(0.5), to_image).astype(np.float32)

    options = model.config.network
    name = "hm_rel" if "hm_rel" in options.head_names else options.final_heatmap
    heat = maps[name][0, channel].sigmoid().float().cpu().numpy()
    corners = transform_points(np.array([[0, 0], heat.shape[::-1]], np.float32), to_image).ravel()
    x1, y1, x2, y2 = (float(v) for v in corners)
    here = place(np.array([[x, y]]))
    shown = (heat / max(float(heat.max()), 1e-6)).astype(np.float32)
    panels = [Panel(_TITLES[name], Heat(shown, (x1, y1, x2, y2)), here, np.ones(1, np.float32))]
    for step, look in enumerate(maps.gaze, 1):
        positions = look.positions()[0, :, :, y, x].float().cpu().numpy()  # (n, 2)
        weights = look.weight[0, :, y, x].float().cpu().numpy()
        panels.append(Panel(f"gaze step {step}: ActPoints", points=place(positions), weights=weights))
    centres = place(found.centres[:, point])
    arrows = np.concatenate([np.repeat(here, 2, 0), centres], 1)
    panels.append(Panel("matched pair", points=here, weights=np.ones(1, np.float32), arrows=arrows, pair=True))
    return tuple(panels)
