"""Choosing the people of a photograph, and their bodies: from a file, or fitted to keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.ops.boxes import box_iou
from interplay.reconstruct.inputs import GivenBody
from interplay.reconstruct.person import fit_body
from interplay.reconstruct.stature import description_of_height, in_words

from .masks import body_mask, box_of
from .options import ReconstructOptions
from .result import Known, Person, Reconstruction, rounded, rounded_values

if TYPE_CHECKING:
    from interplay.interactions import Interactions

_LEAST_SCORE = 0.3  # of a person's box
_SAME_PERSON = 0.3  # IoU of a person's box and the box around a given body


def people_of(found: Interactions) -> list[int]:
    """Boxes of people, the largest first."""
    boxes, person = found.boxes, found.vocabulary.person
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    people = [k for k in range(len(boxes)) if found.labels[k] == person and found.box_scores[k] >= _LEAST_SCORE]
    return sorted(people, key=lambda k: -float(area[k]))


def given_person(given: GivenBody, path: Path | None) -> Person:
    """The person of a body's file."""
    report = {"body": f"given: {path} ({given.form})", "warnings": []}
    return Person(given.vertices, given.faces, report)


def box_of_body(found: Interactions, people: Sequence[int], result: Reconstruction) -> int | None:
    """The box of the person whose body is given: the one that is most like the body's, if any is."""
    if not people:
        return None
    shown = body_mask(result.people[0], result.camera, result.size)
    if not shown.any():
        return None
    overlap = box_iou(box_of(shown)[None], found.boxes[list(people)])[0]
    return people[int(overlap.argmax())] if overlap.max() >= _SAME_PERSON else None


def track_of(found: Interactions, box: int) -> int:
    """The number of a box's track; -1 where there is none."""
    return -1 if found.track is None or box < 0 else int(found.track[box])


def fit_people(
    result: Reconstruction,
    found: Interactions,
    order: Sequence[int],
    options: ReconstructOptions,
    known: Known | None,
) -> list[int]:
    """Add the bodies of people to a reconstruction; those without a pose get none, and a warning.

    Args:
        result: where they are added.
        found: in the photograph.
        order: boxes of people.
        options: name the pose estimator.
        known: of the frames before.

    Returns:
        The boxes of those that were added.
    """
    fitted: list[int] = []
    for k in order:
        keypoints = None if found.keypoints is None else found.keypoints[k]
        if keypoints is None or not np.isfinite(keypoints).any():
            result.warnings.append(f"a person at {_in_words(found.boxes[k])} has no pose and is left out")
            continue
        track = track_of(found, k)
        start = None if known is None else known.people.get(track)
        try:
            height = options.height_of(len(fitted))
            body = fit_body(
                keypoints,
                result.camera,
                box=found.boxes[k],
                size=result.size,
                description=None if height is None else description_of_height(height),
                start=start,
            )
        except InputError as error:
            result.warnings.append(f"a person at {_in_words(found.boxes[k])} is left out: {error}")
            continue
        report = {
            "box": rounded(found.boxes[k]),
            "body": f"Anny, {in_words(height)}, fitted to keypoints",
            "pose": options.pose,
            "residuals": rounded_values(body.residuals),
            "up": rounded(body.up, 4),
            "ground": round(body.ground, 4),
            "pelvis": rounded(body.keypoints[[11, 12]].mean(0), 4),
            "pose_vector": rounded(body.pose, 4),
            "warnings": list(body.warnings),
        }
        result.people.append(Person(body.vertices, body.faces, report, body, track, height is not None))
        fitted.append(k)
    return fitted


def _in_words(box: NDArray[np.floating]) -> str:
    return f"({', '.join(f'{v:.0f}' for v in box)})"
