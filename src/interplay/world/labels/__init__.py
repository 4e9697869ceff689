"""What is known of a generated scene: boxes, masks, depth, keypoints, contact, camera, interactions."""

from .contact import find_contacts
from .keypoints import keypoints_in_view
from .scene_labels import MIN_PIXELS, MIN_USED_PIXELS, SceneLabels, label

__all__ = ["MIN_PIXELS", "MIN_USED_PIXELS", "SceneLabels", "find_contacts", "keypoints_in_view", "label"]
