"""Reading the reference data of GGNet: its conventions in terms of this library."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interplay import Vocabulary
from interplay.models.ggnet import AnnotatedView, GGNetConfig, GGNetNetworkOptions, GGNetTargets, TargetOptions, View
from interplay.models.ggnet.channels import meaningful_pairs
from interplay.models.ggnet.convert import VCOCO_VERBS
from interplay.models.ggnet.targets import encode
from interplay.models.ggnet.transforms import view
from interplay.vocabulary import coco_80_index

VCOCO_IDS = (0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 23, 24, 25, 26, 28)
"""Published verb id of each of the 25 channels."""


def filled(folder: Path, case: str, gain: float = 1.0) -> dict[str, torch.Tensor]:
    """The reference parameters, which are a function of their names and shapes."""
    spec = importlib.util.spec_from_file_location("fill", folder.parent / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = {}
    shapes = json.loads((folder / case / "params.json").read_text())
    for name, value in module.fill_state(shapes).items():
        value = value * np.float32(gain) if value.ndim >= 2 else value
        state[name] = torch.from_numpy(np.asarray(value))
    return state


def load_case(folder: Path, case: str) -> tuple[dict[str, Any], Any, dict[str, torch.Tensor]]:
    """Configuration, arrays and parameters of a case."""
    config = json.loads((folder / case / "config.json").read_text())
    return config, np.load(folder / case / "data.npz"), filled(folder, case, config["weight_gain_ndim_ge_2"])


def on_grid(tensor: torch.Tensor, grid: dict[str, int]) -> np.ndarray:
    """The pixels of (B, C, h, w) maps that are stored."""
    rows = slice(grid["row_start"], None, grid["row_step"])
    return tensor[:, :, rows, grid["col_start"] :: grid["col_step"]].detach().numpy()


def classes(dataset: str) -> tuple[Vocabulary, list[int]]:
    """Vocabulary and the verbs of the channels."""
    if dataset == "hico":
        return Vocabulary.load("hico-det"), list(range(117))
    vocabulary = Vocabulary.load("v-coco")
    return vocabulary, [vocabulary.verb_index(name) for name in VCOCO_VERBS]


def pairs_of(folder: Path, dataset: str) -> np.ndarray:
    """(verbs, objects) table of meaningful pairs."""
    if dataset == "hico":
        return meaningful_pairs(Vocabulary.load("hico-det"))
    return np.load(folder / "targets" / "vcoco_object_to_verb.npz")["object_to_verb"].T > 0


def scenes(
    folder: Path, annotations: str, samples: list[int], augmentation: list[dict[str, Any]] | None = None
) -> list[AnnotatedView]:
    """Annotated samples as scenes."""
    everything = json.loads((folder / "targets" / "annotations.json").read_text())[annotations]
    images = np.load(folder / "targets" / "images.npz")
    found = []
    for i in samples:
        height, width = images[f"image{i}"].shape[:2]
        seen = View.whole(width, height)
        if augmentation:
            drawn = augmentation[i]
            side = max(width, height) * drawn["scale_factor"]
            seen = view(width, side, tuple(drawn["centre_xy"]), drawn["flipped"])
        hois = everything[i]["hoi_annotation"]
        ids = np.array([h["category_id"] for h in hois])
        found.append(
            AnnotatedView(
                boxes=np.array([a["bbox"] for a in everything[i]["annotations"]]),
                labels=coco_80_index(a["category_id"] for a in everything[i]["annotations"]),
                human=np.array([h["subject_id"] for h in hois]),
                object=np.array([h["object_id"] for h in hois]),
                verb=ids - 1 if annotations.startswith("hico") else np.searchsorted(VCOCO_IDS, ids),
                view=seen,
            )
        )
    return found


def options(config: dict[str, Any], per_verb: bool, gaze_steps: int = 0) -> GGNetConfig:
    """Our configuration for one of theirs; the networks' backbone does not matter here."""
    return GGNetConfig(
        network=GGNetNetworkOptions(
            backbone="dla-nano", gaze_steps=gaze_steps, matching="per-verb" if per_verb else "shared"
        ),
        targets=TargetOptions(hard_negatives=config["hard_negative"], soft_gaussian=config["soft_gaussian"]),
    )


def targets_of(
    folder: Path, config: dict[str, Any], found: list[AnnotatedView], size: int, ours: GGNetConfig
) -> GGNetTargets:
    """Our encoding of scenes for an input of `size` pixels."""
    pairs = pairs_of(folder, config["dataset"])
    return encode(found, size // 4, size // 4, pairs, ours.targets, ours.network)
