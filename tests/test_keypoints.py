from __future__ import annotations

import numpy as np

from interplay.keypoints import KEYPOINT_NAMES, mirror_keypoints


def test_mirroring_exchanges_left_and_right_and_keeps_what_is_not_labelled() -> None:
    person = np.column_stack([np.arange(17) * 2.0 + 1, np.arange(17), np.full(17, 2)])[None]
    person[0, 16] = 0  # the right ankle
    mirrored = mirror_keypoints(person, 100)
    left, right = KEYPOINT_NAMES.index("left wrist"), KEYPOINT_NAMES.index("right wrist")
    assert mirrored[0, left].tolist() == [100 - person[0, right, 0], *person[0, right, 1:]]
    assert mirrored[0, 15].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(mirror_keypoints(mirrored, 100), person)
    assert np.isnan(mirror_keypoints(np.full((1, 17, 3), np.nan), 100)).all()
