"""What a frozen backbone sees, computed once and kept on disk.

Where backbone and role blocks of a two-stage network do not change, training needs of an image only the backbone's map
and the appearance of every box. Each image has a file, named after a hash of all that it depends on: the weights, the
image and the boxes. Changing any of them makes new files, and a run that is stopped goes on with the images that are
missing. Numbers are kept with 16 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from interplay.containers.tensors import read_safetensors
from interplay.datasets.pair_source import PairSource
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.images import ImageError
from interplay.training.processes import gather, process_count, process_rank

_FORMAT = "1"
_MOST = 65504.0  # the largest number of 16 bits

Role = Literal["human", "object"]
DistinctBoxes = tuple[NDArray[np.float32], NDArray[np.float32]]
"""People's and objects' boxes, (., 4) each."""


@dataclass(frozen=True)
class StoredImage:
    """What a frozen backbone made of an image.

    Attributes:
        head: (C, H, W) its map.
        humans, objects: (D, 4) boxes.
        human_features, object_features: (D, F) their appearance.
    """

    head: Tensor
    humans: Tensor
    objects: Tensor
    human_features: Tensor
    object_features: Tensor

    def appearance(self, boxes: Tensor, role: Role) -> Tensor:
        """(N, F) of boxes (N, 4) that are among the stored ones.

        Raises:
            InputError: they are not.
        """
        known = self.humans if role == "human" else self.objects
        features = self.human_features if role == "human" else self.object_features
        same = (boxes[:, None] == known).all(2)
        if not same.any(1).all():
            raise InputError("the stored features lack these boxes: remove their folder, and they are made again")
        return features[same.int().argmax(1)].float()


@dataclass(frozen=True)
class Wanted:
    """Features that are needed.

    Attributes:
        file: where they are, or will be.
        pixels: reads the RGB image (H, W, 3), made smaller where the training asks for that.
        boxes: gives the people's and the objects' boxes, (., 4) float32 each.
    """

    file: Path
    pixels: Callable[[], NDArray[np.uint8]]
    boxes: Callable[[], tuple[NDArray[np.float32], NDArray[np.float32]]]


class FeatureCache:
    """A folder of features of one network.

    Args:
        folder: made if needed; several networks may share it.
        network: its ``frozen_parts`` do not change, and ``stored_image(pixels, humans, objects)`` gives what they see.
    """

    def __init__(self, folder: Path, network: Any) -> None:
        self.folder, self.network = folder, network
        self.weights = _digest_of(network.frozen_parts)

    def file(self, image: Path, *further: bytes) -> Path:
        """The file for a image and whatever else its boxes depend on.

        Raises:
            MissingFileError: no such image.
        """
        try:
            pixels = hashlib.sha256(image.read_bytes()).digest()
        except OSError as error:
            raise MissingFileError(f"cannot read {image}: {error.strerror}") from None
        digest = hashlib.sha256(b"\0".join([_FORMAT.encode(), self.weights, pixels, *further])).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:34]}.safetensors"

    def fill(self, wanted: Sequence[Wanted]) -> None:
        """Compute what is missing; shows progress on a terminal. Images that cannot be read are left out."""
        from rich.console import Console
        from rich.progress import track

        own = wanted[process_rank() :: process_count()]
        missing = [one for one in own if not one.file.is_file()]
        if missing:
            console = Console(stderr=True)
            shown = console.is_terminal and process_rank() == 0
            training = self.network.training
            self.network.eval()
            for one in track(missing, "features of frozen layers", console=console, disable=not shown):
                self._compute(one)
            self.network.train(training)
        gather([0])  # everybody waits for everybody's files

    @torch.inference_mode()
    def _compute(self, one: Wanted) -> None:
        try:
            pixels = one.pixels()
        except (ImageError, MissingFileError):
            return
        found = vars(self.network.stored_image(pixels, *map(torch.from_numpy, one.boxes())))
        stored = {name: value if name in ("humans", "objects") else _half(value) for name, value in found.items()}
        with atomic_path(one.file) as temporary:
            save_file({name: value.cpu().contiguous() for name, value in stored.items()}, temporary)


def store_features(
    source: PairSource,
    cache: FeatureCache,
    images: Iterable[int],
    boxes: Callable[[int], DistinctBoxes],
    settings: str,
) -> dict[int, Path]:
    """Files with the features of images, made where they are missing.

    Args:
        source: of the images.
        cache: where they are.
        images: which.
        boxes: of which people and objects, by image.
        settings: what these depend on besides the annotated and detected pairs.

    Raises:
        MissingFileError: none of the images is there.
    """
    files, wanted = {}, []
    for image in images:
        name = source.name(image)
        path = source.images.images.find(name)
        if path is None:
            continue
        found = [boxes_of for pairs in source.pairs(image) for boxes_of in (pairs.humans, pairs.objects)]
        content = b"".join(np.ascontiguousarray(x).tobytes() for x in found)
        files[image] = cache.file(path, name.encode(), content, f"{settings} {source.longer_side}".encode())
        wanted.append(Wanted(files[image], partial(source.pixels, image), partial(boxes, image)))
    if not wanted:
        raise MissingFileError(f"none of the images is below {source.images.images.root}")
    cache.fill(wanted)
    return files


def stored_features(files: Mapping[int, Path], source: PairSource, index: int) -> StoredImage:
    """The features of an image.

    Raises:
        MissingFileError: there was no such image.
    """
    if index not in files:
        raise MissingFileError(f"no image {source.name(index)!r}")
    return read_features(files[index])


def distinct(boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    """(D, 4) each box once."""
    return np.unique(np.concatenate(boxes).astype(np.float32), axis=0)


def read_features(file: Path) -> StoredImage:
    """What `FeatureCache.fill` wrote.

    Raises:
        MissingFileError: nothing, since the image could not be read.
        InputError: the file is damaged.
    """
    if not file.is_file():
        raise MissingFileError(f"no stored features {file}: the image could not be read")
    try:
        found = read_safetensors(file)
        return StoredImage(**{field.name: found[field.name] for field in fields(StoredImage)})
    except (InputError, KeyError) as error:
        raise InputError(f"{file}: damaged features ({error}); remove the file, and it is made again") from None


def _half(value: Tensor) -> Tensor:
    return value.clamp(-_MOST, _MOST).half()


def _digest_of(modules: Sequence[nn.Module]) -> bytes:
    content = hashlib.sha256()
    for number, module in enumerate(modules):
        for name, value in module.state_dict().items():
            content.update(f"{number} {name} {tuple(value.shape)}".encode())
            content.update(value.detach().cpu().contiguous().numpy().tobytes())
    return content.digest()
