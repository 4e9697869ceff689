"""What a training reads: the files that its configuration names, checked before anything slow begins.

This imports no network, so that a missing file is told at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interplay.errors import InputError, MissingFileError
from interplay.files import content_digest, home_path
from interplay.training.folder import check_folder
from interplay.training.sections import FREE_DATA_FIELDS, DataConfig

if TYPE_CHECKING:
    from interplay.training.sections import TrainConfig


@dataclass(frozen=True)
class PublishedWeights:
    """Published weights.

    Attributes:
        what: in words.
        name: of the file as published.
        url: of the file, or of the page that has it.
        direct: whether `url` is the file itself.
    """

    what: str
    name: str
    url: str
    direct: bool = True


_DETR = "https://dl.fbaipublicfiles.com/detr/"
_TORCHVISION = "https://download.pytorch.org/models/"
_TF_FASTER_RCNN = "https://github.com/endernewton/tf-faster-rcnn"
_CENTERNET = "https://github.com/xingyizhou/CenterNet/blob/master/readme/MODEL_ZOO.md"
SOURCES = {
    "detr-resnet50": PublishedWeights(
        "DETR's COCO weights (ResNet-50)", "detr-r50-e632da11.pth", f"{_DETR}detr-r50-e632da11.pth"
    ),
    "detr-resnet101": PublishedWeights(
        "DETR's COCO weights (ResNet-101)", "detr-r101-2c7b67e5.pth", f"{_DETR}detr-r101-2c7b67e5.pth"
    ),
    "backbone-resnet50": PublishedWeights(
        "torchvision's ImageNet weights", "resnet50-11ad3fa6.pth", f"{_TORCHVISION}resnet50-11ad3fa6.pth"
    ),
    "backbone-resnet101": PublishedWeights(
        "torchvision's ImageNet weights", "resnet101-cd907fc2.pth", f"{_TORCHVISION}resnet101-cd907fc2.pth"
    ),
    "faster-rcnn-resnet50": PublishedWeights(
        "the COCO Faster R-CNN (ResNet-50, TensorFlow)", "res50_faster_rcnn_iter_1190000.ckpt", _TF_FASTER_RCNN, False
    ),
    "centernet-hourglass-104": PublishedWeights(
        "CenterNet's COCO weights", "ctdet_coco_hg.pth", _CENTERNET, direct=False
    ),
    "centernet-dla-34": PublishedWeights("CenterNet's COCO weights", "ctdet_coco_dla_2x.pth", _CENTERNET, direct=False),
}


def check_inputs(config: TrainConfig) -> None:
    """Whether all that a training reads is there, and its folder is its own.

    Raises:
        InputError: a configuration says not where its annotations are, or its folder holds a run with other settings.
        MissingFileError: a file or folder is not there; names the field, or says how to get the file.
    """
    check_folder(config)
    for place, data in _data_sections(config):
        check_data(data, place)
    if config.start != "scratch":
        start_file(config)


def check_data(data: DataConfig, place: str = "data") -> None:
    """Whether annotations and images are where a section of a configuration says; errors as of `check_inputs`.

    Args:
        data: the section.
        place: what the configuration calls it.
    """
    if data.root is None:
        raise InputError(f"{place}.root: expected annotations of {data.dataset}, got nothing; give --{place}.root DIR")
    for field in ("root", "validation_root", "images", "keypoints", "detections"):
        path = getattr(data, field, None)
        if path is not None and not path.exists():
            raise MissingFileError(
                f"{place}.{field}: there is no {path}; give --{place}.{field} a file or folder that exists"
            )


def data_files(config: TrainConfig) -> dict[str, str]:
    """Hashes of the files, besides annotations, that decide what is learnt, by field of the configuration."""
    found = {}
    for place, data in _data_sections(config):
        for field in type(data).model_fields:
            value = getattr(data, field)
            if field not in FREE_DATA_FIELDS and isinstance(value, (str, Path)) and Path(value).is_file():
                found[f"{place}.{field}"] = content_digest(value)
    return found


def start_file(config: TrainConfig) -> Path:
    """The file to start from: ``config.start_file``, or one that torch downloaded earlier.

    Raises:
        MissingFileError: it is not there; says how to get it.
    """
    if config.start_file is not None:
        if not config.start_file.is_file():
            raise MissingFileError(f"no file {config.start_file} to start from (start_file)")
        return config.start_file
    known = SOURCES.get(config.start_source)
    nothing = "or --start scratch to start from nothing"
    if known is None:
        raise MissingFileError(f"start={config.start} needs a weights file: give --start_file FILE, {nothing}")
    downloaded = _torch_downloads() / known.name
    if downloaded.is_file():
        return downloaded
    how = f"curl -LO {known.url}" if known.direct else f"get {known.name} from {known.url}"
    raise MissingFileError(
        f"start={config.start} needs {known.what}, which are not there. Fetch them once:\n  {how}\n"
        f"and give --start_file {known.name}, {nothing}"
    )


def _data_sections(config: TrainConfig) -> Iterator[tuple[str, DataConfig]]:
    """The sections that name data, also those in a mapping by name, with their places."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, DataConfig):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items() if isinstance(each, DataConfig))


def _torch_downloads() -> Path:
    """Where ``torch.hub`` keeps what it downloads, without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return home_path(os.environ.get("TORCH_HOME", f"{cache}/torch")) / "hub" / "checkpoints"
