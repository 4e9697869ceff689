"""How Turbo learning came to an interaction (paper, Figures 4 and 5): masks, poses and expected targets by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError
from interplay.explanations import Explanation, Heat, Panel
from interplay.interactions import Interactions
from interplay.keypoints import BONES

from .decode import keypoints_of, target_density
from .network import Stage
from .places import placed_boxes

if TYPE_CHECKING:
    from interplay.detectors import Detections

    from .model import Turbo

_GRID = 48
"""Places along the longer side of an image where the target's density is computed."""


def explain_image(
    model: Turbo, image: NDArray[np.uint8], detections: Detections, min_score: float, top_k: int
) -> tuple[Interactions, list[Explanation]]:
    """The interactions of an image, and an explanation of the best ones; see `HoiModel.explain`.

    Raises:
        InputError: the network recognises no interactions.
    """
    if not model.config.network.hoi:
        raise InputError("this network estimates poses alone: there is no interaction to explain")
    height, width = image.shape[:2]
    if not len(model.used(detections).humans):
        return Interactions.empty(model.vocabulary), []
    outputs, used = model.look(image, detections)
    found = model.decode(outputs, torch.tensor([[height, width]]), [detections])[0]
    row = {int(human): place for place, human in enumerate(used.humans)}
    best = np.argsort(-found.score, kind="stable")[:top_k]
    explained = []
    for triplet in (int(t) for t in best if found.score[t] >= min_score):
        human, verb = int(found.human[triplet]), int(found.verb[triplet])
        place, box = row[human], found.boxes[human]
        stages = list(enumerate(outputs.stages, 1))
        poses = [_pose_panel(stage, number, place, box) for number, stage in stages]
        targets = [_target_panel(stage, number, place, verb, box, (height, width), model) for number, stage in stages]
        shown = [panel for panel in poses if panel is not None]
        panels = *shown, *([] if shown else targets), Panel("interaction", pair=True), *(targets if shown else [])
        explained.append(Explanation(triplet, panels, columns=len(stages) + 1))
    return found, explained


def _pose_panel(stage: Stage, number: int, place: int, box: NDArray[np.float32]) -> Panel | None:
    """A stage's attention mask as it is, with the pose that came of it; None where it has neither."""
    if stage.pose is None:
        return None
    keypoints = keypoints_of(stage.pose[place : place + 1], box[None])[0]
    title, heat = f"stage {number}: pose", None
    if stage.attention is not None:
        mask = stage.attention[place].mean(0).float().cpu().numpy()
        title, heat = f"stage {number}: attention mask, pose", Heat(mask, _extent(box))
    return Panel(title, heat, keypoints[:, :2], keypoints[:, 2], BONES)


def _target_panel(
    stage: Stage, number: int, place: int, verb: int, box: NDArray[np.float32], size: tuple[int, int], model: Turbo
) -> Panel:
    """Where a stage expects the target of a verb."""
    assert stage.places is not None
    target = stage.places[place, verb].float().cpu()
    density = expected_target(target, box, size, model.config.decoding.sigma)
    centre = placed_boxes(target, torch.tensor(box))
    middle = ((centre[:2] + centre[2:]) / 2).numpy()[None].astype(np.float32)
    whole = Heat(density, (0.0, 0.0, float(size[1]), float(size[0])))
    title = f"stage {number}: target of {model.vocabulary.verbs[verb]!r}"
    return Panel(title, whole, middle, np.ones(1, np.float32))


def _extent(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2


def expected_target(
    target: Tensor, box: NDArray[np.float32], size: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """(h, w) how well an object of the expected size would fit at each place of an image of `size` (height, width).

    Args:
        target: (4,) as `relative_places` has it.
        box: (4,) the person's.
        size: height and width of the image in pixels.
        sigma: of Equation 3.
    """
    height, width = size
    step = max(height, width) / _GRID
    rows, columns = max(round(height / step), 1), max(round(width / step), 1)
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) * height / rows, (np.arange(columns) + 0.5) * width / columns, indexing="ij"
    )
    human = torch.tensor(box)
    half = (placed_boxes(target, human)[2:] - placed_boxes(target, human)[:2]) / 2
    centre = torch.from_numpy(np.stack([x, y], -1).reshape(-1, 2).astype(np.float32))
    boxes = torch.cat([centre - half, centre + half], 1)
    fit = target_density(target[None, None], boxes, human[None], sigma)
    return fit.view(rows, columns).numpy()
