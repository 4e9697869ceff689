"""What a frozen backbone sees, computed once and kept on disk.

Where backbone and role blocks do not change, training needs of an image only the backbone's map and the appearance of
every box. Each image has a file, named after a hash of all that it depends on: the weights, the photograph and the
boxes. Changing any of them makes new files, and a run that is stopped goes on with the images that are missing.
Numbers are kept with 16 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.images import ImageError
from interplay.layers.resnet import maps_by_size
from interplay.training.processes import gather, process_count, process_rank

from .model import network_image
from .representation import PairNetwork, Role, StoredImage

_FORMAT = "1"
_MOST = 65504.0  # the largest number of 16 bits


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
        network: whose backbone and role blocks do not change.
    """

    def __init__(self, folder: Path, network: PairNetwork) -> None:
        self.folder, self.network = folder, network
        self.weights = _digest_of(network.frozen_parts)

    def file(self, photograph: Path, *further: bytes) -> Path:
        """The file for a photograph and whatever else its boxes depend on.

        Raises:
            MissingFileError: no such photograph.
        """
        try:
            pixels = hashlib.sha256(photograph.read_bytes()).digest()
        except OSError as error:
            raise MissingFileError(f"cannot read {photograph}: {error.strerror}") from None
        digest = hashlib.sha256(b"\0".join([_FORMAT.encode(), self.weights, pixels, *further])).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:34]}.safetensors"

    def fill(self, wanted: Sequence[Wanted]) -> None:
        """Compute what is missing; shows progress on a terminal. Photographs that cannot be read are left out."""
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
        device = next(self.network.parameters()).device
        heads = maps_by_size(self.network.backbone, [network_image(pixels)[0].to(device)])
        humans, things = (torch.from_numpy(boxes) for boxes in one.boxes())
        found = {"head": heads[0], "humans": humans, "objects": things}
        for role, boxes in (("human", humans), ("object", things)):
            found[f"{role}_features"] = self._appearance(heads, boxes.to(device), role)  # type: ignore[arg-type]
        stored = {name: value if name in ("humans", "objects") else _half(value) for name, value in found.items()}
        with atomic_path(one.file) as temporary:
            save_file({name: value.cpu().contiguous() for name, value in stored.items()}, temporary)

    def _appearance(self, heads: list[Tensor], boxes: Tensor, role: Role) -> Tensor:
        block = self.network.human_block if role == "human" else self.network.object_block
        numbered = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
        return torch.cat([block(self.network.crops(heads, part)).mean((2, 3)) for part in numbered.split(64)])


def read_features(file: Path) -> StoredImage:
    """What `FeatureCache.fill` wrote.

    Raises:
        MissingFileError: nothing, since the photograph could not be read.
        InputError: the file is damaged.
    """
    if not file.is_file():
        raise MissingFileError(f"no stored features {file}: the photograph could not be read")
    try:
        found = load_file(file)
        return StoredImage(**{field.name: found[field.name] for field in fields(StoredImage)})
    except (SafetensorError, KeyError) as error:
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
