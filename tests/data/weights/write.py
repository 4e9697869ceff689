"""Write a small weights file of every system, in the format of the version that runs this: `python write.py FOLDER`.

The files here are named after the system and the format. They were written by the version in which that format was the
newest, and are never written again: tests read them to see that older files still load. Each tensor is filled with one
number, so that the files are small when compressed.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import torch

from interplay import Vocabulary
from interplay.models.base import HoiModel
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.tin.config import TinConfig
from interplay.models.tin.model import TinModel
from interplay.models.tin_spatial.config import SpatialConfig
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.turbo.config import TurboConfig
from interplay.models.turbo.model import Turbo
from interplay.models.weights import newest_format

TINY = {
    "backbone": "resnet-nano", "frozen_stages": 0, "width": 8, "heads": 2, "feed_forward": 8, "encoder_layers": 1,
    "decoder_layers": 1, "queries": 2, "embedding": 8,
}  # fmt: skip
WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "cup", "dog"],
        "verbs": ["hold", "wave", "walk"],
        "interactions": [["hold", "cup"], ["walk", "dog"], ["wave", None]],
    }
)


def models() -> dict[str, HoiModel]:
    """One model of every system, with settings other than the defaults."""
    text = {"zero_shot": "unseen", "encoder": "minilm", "teacher": "caption"}
    vlkt = {"network": TINY, "decoding": {"nms": False}, "text": text}
    points = {"network": {"backbone": "dla-nano", "head_width": 1}, "decoding": {"top_k": 7}}
    pairs = {"network": {"backbone": "resnet-nano"}, "decoding": {"min_human": 0.4, "suppress": False}}
    verbs = {
        "network": {"backbone": "resnet-nano", "classes": "verb", "verbs": (2, 0, 1)},
        "decoding": {"min_object": 0.1},
    }
    size = {"verbs": (2, 0), "width": 8, "layers": 1, "heads": 1, "embedding": 2, "scores": True, "members": 2}
    boxes = {"network": size, "decoding": {"suppress_below": 0.125, "plausible": False}}
    loop = {"backbone": "resnet-nano", "stages": 2, "width": 2, "pose_width": 2, "pose_layers": 1}
    stages = {"network": loop, "loss": {"pose": (0.5, 1)}, "decoding": {"sigma": 0.5, "agents": "all"}}
    return {
        "gen-vlkt": GenVlkt(WORLD, GenVlktConfig.model_validate(vlkt), seen=[0, 2]),
        "ggnet": GGNet(WORLD, GGNetConfig.model_validate(points), verbs=[2, 0]),
        "tin": TinModel(WORLD, TinConfig.model_validate(pairs)),
        "tin-verbs": TinModel(WORLD, TinConfig.model_validate(verbs)),
        "tin-spatial": TinSpatial(WORLD, SpatialConfig.model_validate(boxes)),
        "turbo": Turbo(WORLD, TurboConfig.model_validate(stages)),
    }


def main(folder: Path) -> None:
    """Write the files."""
    for name, model in models().items():
        for place, tensor in enumerate(model.state_dict().values()):
            if tensor.is_floating_point():
                tensor.fill_((place % 9 + 1) / 128)
        path = folder / f"{name}.safetensors"
        model.save(path)
        packed = folder / f"{name}-format{newest_format(type(model))}.safetensors.gz"
        with gzip.GzipFile(packed, "wb", mtime=0) as file:
            file.write(path.read_bytes())
        path.unlink()


if __name__ == "__main__":
    with torch.no_grad():
        main(Path(sys.argv[1]))
