from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def variables() -> dict[str, np.ndarray]:
    """Names and kinds of variables as a training of TIN leaves them."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {
        "resnet_v1_50/conv1/weights": rng.normal(size=(7, 7, 3, 8)).astype(np.float32),
        "fc_binary/fc9_binary/weights": rng.normal(size=(6, 4)).astype(np.float32),
        "fc_binary/fc9_binary/weights/Momentum": np.zeros((6, 4), np.float32),
        "fc_binary/fc9_binary/biases": rng.normal(size=4).astype(np.float32),
        "global_step": np.array(-(1 << 40), np.int64),
    }
    for i in range(20):
        found[f"resnet_v1_50/block1/unit_{i}/BatchNorm/gamma"] = rng.normal(size=i % 3).astype(np.float32)
    return found
