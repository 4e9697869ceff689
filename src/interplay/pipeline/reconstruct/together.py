"""All people and objects of a photograph in one scene, after each pair was fitted alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.reconstruct import SceneBody, SceneObject, ScenePair, fit_scene
from interplay.reconstruct.together import BODY_SPREAD

from .place import placement
from .result import Person, Reconstruction, rounded

KNOWN_SPREAD = 0.02
"""Standard deviation of the logarithm of a height that the user gives: shoes, and how the body's fit bends it."""


def put_together(result: Reconstruction, bodies_stay: bool = False) -> None:
    """Move the people and objects of a reconstruction so that they fit each other, where there are more than a pair.

    Args:
        result: is changed.
        bodies_stay: bodies keep their size and place: those of a file, and in a clip, where sizes would
            change from frame to frame.
    """
    people, objects = result.people, result.objects
    if not objects or len(people) + len(objects) < 3:
        return
    pairs = [
        ScenePair(touch.person, k, touch.body_contact, touch.object_contact, touch.fit)
        for k, each in enumerate(objects)
        for touch in each.touches
    ]
    found = fit_scene(
        [SceneBody(each.vertices, each.faces) for each in people],
        [
            SceneObject(
                c.vertices, c.faces, each.mask, 0.0 if c.size else c.scale_spread, c.size, **vars(each.evidence)
            )
            for each in objects
            for c in [each.candidate]
        ],
        pairs,
        result.camera,
        body_spread=[0.0 if bodies_stay else KNOWN_SPREAD if p.height_known else BODY_SPREAD for p in people],
    )
    result.people = [_scaled(*each) for each in zip(people, found.body_scales, strict=True)]
    distances = iter(found.contact_distances)
    for k, (placed, fit) in enumerate(zip(objects, found.objects, strict=True)):
        kept = [text for text in placed.report["warnings"] if text not in placed.fit.warnings]
        report = {**placed.report, **placement(fit), "warnings": [*fit.warnings, *kept]}
        touches = tuple(
            replace(touch, report={**touch.report, "distance": round(next(distances), 4)}) for touch in placed.touches
        )
        result.objects[k] = replace(placed, fit=fit, report=report, touches=touches)
    result.warnings += found.warnings


def _scaled(person: Person, scale: float) -> Person:
    """Larger and as much farther away, so that it looks the same."""
    report = {**person.report, "scale": round(scale, 4)}
    report |= {name: rounded(scale * np.array(report[name]), 4) for name in ("pelvis", "ground") if name in report}
    return replace(person, vertices=scale * person.vertices, report=report)
