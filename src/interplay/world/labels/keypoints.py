"""The 17 COCO keypoints of generated people, with visibility."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array
from interplay.world.scene import Scene

DEPTHS = np.array([5, 3.5, 3.5, 7, 7, 13, 13, 11, 11, 8, 8, 17, 17, 12, 12, 10, 10]) / 100
"""(17,) metres: how deep a keypoint lies under the skin at most, seen from the side on which it shows, in a person of
1.7 m. What is hit further in front of it hides it. The hips' joints lie deepest, nose and eyes nearly on the skin: an
eye 6 cm behind it is seen through the temple."""


def keypoints_in_view(scene: Scene, person: int) -> Array:
    """(17, 3) x, y in pixels and COCO's visibility of a person's keypoints.

    Visibility is 2 where nothing else is in front of the keypoint, 1 where it is hidden by an object, by another person
    or by the person's own body, 0 outside the picture or behind the camera (x and y are then 0, as in COCO).
    """
    camera = scene.camera
    points = scene.people[person].body.model.keypoints @ scene.posed[person]
    pixels, depth = camera.project(points)
    inside = (depth > 0) & (pixels >= 0).all(1) & (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
    toward = points - camera.position
    away = np.linalg.norm(toward, axis=1)
    hits = scene.rays.cast(camera.position, toward / away[:, None])
    tolerance = DEPTHS * (scene.people[person].rest.height / 1.7)
    own = (hits.mesh == person) & (hits.distance > away - tolerance)
    seen = own | (hits.distance >= away)
    visibility = np.where(inside, np.where(seen, 2.0, 1.0), 0.0)
    return np.column_stack([np.where(inside[:, None], pixels, 0.0), visibility])
