"""What the parity tests of InteractVLM share: stored arrays, and reference parameters by name."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from interplay.models.interactvlm.published_names import POSITIONS, SHARED_POSITIONS, sam_name


def arrays(goldens: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of one stored file."""
    with np.load(goldens / "interactvlm" / f"{name}.npz") as stored:
        return dict(stored)


def parameters(goldens: Path, prefix: str) -> dict[str, Tensor]:
    """The reference parameters whose names begin so, without the beginning."""
    spec = importlib.util.spec_from_file_location("fill", goldens / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shapes = json.loads((goldens / "interactvlm" / "modules_params.json").read_text())
    chosen = {name: shape for name, shape in shapes.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): torch.from_numpy(value) for name, value in module.fill_state(chosen).items()}


def sam_parameters(goldens: Path) -> dict[str, Tensor]:
    """The reference parameters of SAM's prompt encoder and mask decoder, in `transformers`' names."""
    published = {
        f"{part}.{name}": value
        for part in ("prompt_encoder", "mask_decoder")
        for name, value in parameters(goldens, f"{part}.").items()
    }
    state = {sam_name(name): value for name, value in published.items()}
    return {**state, SHARED_POSITIONS: state[POSITIONS]}
