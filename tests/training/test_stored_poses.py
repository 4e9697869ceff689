"""Poses and features that are kept on disk, and processes that share them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from torch import nn

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.models.feature_cache import FeatureCache, StoredImage, Wanted, read_features
from interplay.training.annotated_poses import with_poses


def test_poses_are_of_the_image_that_is_there_now(tmp_path: Path) -> None:
    names = Vocabulary.from_names(["person"], ["wave"])
    table = InteractionTable.from_list([Interactions([[0, 0, 50, 90]], [0], [0], [-1], [0], names, file="a.png")])
    points = [float(v) for k in range(17) for v in (10 + k, 5 * k, 0.9)]
    (tmp_path / "poses.json").write_text(json.dumps([{"image_id": "a.png", "keypoints": points}]))
    Image.new("RGB", (60, 100)).save(tmp_path / "a.png")
    kept = tmp_path / "kept"
    for seconds, files in ((1, 1), (1, 1), (2, 2)):
        os.utime(tmp_path / "a.png", (seconds, seconds))
        posed = with_poses(table, tmp_path, str(tmp_path / "poses.json"), kept)
        assert posed.keypoints is not None
        assert np.isfinite(posed.keypoints).all()
        assert len(list(kept.iterdir())) == files


def test_two_at_once_make_whole_files(tmp_path: Path) -> None:
    def stored_image(pixels: np.ndarray, humans: torch.Tensor, objects: torch.Tensor) -> StoredImage:
        return StoredImage(torch.full((4, 64, 64), 2.0), humans, objects, torch.ones(1, 8), torch.ones(1, 8))

    layer = nn.Linear(2, 2)
    network = SimpleNamespace(
        frozen_parts=[layer], stored_image=stored_image, training=False, eval=layer.eval, train=layer.train
    )
    box = np.zeros((1, 4), np.float32)
    wanted = [Wanted(tmp_path / f"{i}.safetensors", lambda: np.zeros((4, 4, 3), np.uint8), lambda: (box, box.copy()))
              for i in range(20)]  # fmt: skip
    others = [threading.Thread(target=FeatureCache(tmp_path, network).fill, args=(wanted,)) for _ in range(3)]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(one.file.name for one in wanted)
    assert all(read_features(one.file).head.eq(2).all() for one in wanted)
