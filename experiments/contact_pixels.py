"""What pixels tell of the body parts that touch an object, beside the object's name and beside poses.

    interplay synthesize TRAIN --scenes 3600 --seed 2201 --size 256
    python experiments/contact_pixels.py TRAIN

InteractVLM's small network sees a part of the picture of 112 pixels and hardly looks at it. This script leaves its
language model and SAM out: two layers tell from the object's name, and from what each row adds, which body parts touch.
Pixels come through a vision tower as the network has it, or through convolutions; these start from nothing, or first
learn to mark keypoints on all pairs of people and objects of the same pictures. Prints a Markdown table, scored on
held-out scenes: cross-entropy of parts, and of the pairs that one hand touches how often the other hand has the lower
score.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.body.model import PARTS
from interplay.datasets.generated.contacts import read_contacts
from interplay.datasets.generated.pairs import scene_pairs
from interplay.datasets.images import ImageFinder
from interplay.images import read_image
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.nano import nano_network
from interplay.models.interactvlm.predict import crop, crop_square
from interplay.models.pair_geometry import annotated_pairs, as_annotated, pair_features
from interplay.table import InteractionTable
from interplay.training import load_config
from interplay.training.tables import load_tables

SIDE, GRID = 112, 28
BATCH = 32
HANDS = PARTS.index("left hand"), PARTS.index("right hand")


class Pairs(NamedTuple):
    """P pairs of a person and an object.

    Attributes:
        pixels: (P, `SIDE`, `SIDE`, 3) uint8.
        maps: (P, 17, 3) keypoints in the picture's part, 0..1, and whether they are in the picture.
        poses: (P, F) `pair_features` as annotated.
        objects: (P,) numbers of the objects' names.
        parts: (P, B) whether each of `PARTS` touches.
    """

    pixels: Tensor
    maps: Tensor
    poses: Tensor
    objects: Tensor
    parts: Tensor

    def rows(self, chosen: Tensor) -> Pairs:
        """Some of them."""
        return Pairs(*(each[chosen] for each in self))


def read_pairs(table: InteractionTable, root: Path, negatives: float) -> Pairs:
    """All pairs of scenes that touch, and others."""
    finder = ImageFinder(root)
    pixels, maps, poses, objects, parts = [], [], [], [], []
    pairs = scene_pairs(table, read_contacts(root, table.files), negatives, seed=0)
    for each in track(pairs, "reading", transient=True):
        image = table[each.image]
        path = finder.find(image.file or "")
        assert path is not None
        pair = ContactPair("", image.boxes[each.human], image.boxes[each.object])
        part = crop(read_image(path), pair)
        pixels.append(np.asarray(Image.fromarray(part).resize((SIDE, SIDE), Image.Resampling.BILINEAR)))
        geometry = as_annotated(annotated_pairs(image, [each.human], [each.object]))
        left, top, side = crop_square(pair)
        points = geometry.keypoints[0].clone()
        points[:, :2] = (points[:, :2] - torch.tensor([left, top])) / side
        maps.append(points)
        poses.append(pair_features(geometry)[0])
        objects.append(int(image.labels[each.object]))
        named = () if each.contact is None else each.contact.parts
        parts.append([float(name in named) for name in PARTS])
    return Pairs(
        torch.from_numpy(np.stack(pixels)), torch.stack(maps), torch.stack(poses), torch.tensor(objects),
        torch.tensor(parts),
    )  # fmt: skip


def _block(given: int, wanted: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, wanted, 3, stride, 1), nn.GroupNorm(8, wanted), nn.ReLU())


class Marks(nn.Module):
    """Convolutions down to a sixteenth and up to a quarter of the picture, with a map for each keypoint; (P, 68) where
    the maps are highest, how high, and the mean of each."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(_block(3, 24, 2), _block(24, 48, 2))
        self.second = _block(48, 96, 2)
        self.third = nn.Sequential(_block(96, 128, 2), _block(128, 128))
        self.narrow = nn.ModuleList([nn.Conv2d(128, 96, 1), nn.Conv2d(96, 48, 1)])
        self.after = nn.ModuleList([_block(96, 96), _block(48, 48)])
        self.last = nn.Conv2d(48, 17, 1)
        nn.init.constant_(self.last.bias, -3.0)  # type: ignore[arg-type]

    def maps(self, pixels: Tensor) -> Tensor:
        """(P, 17, `GRID`, `GRID`) logits."""
        first = self.first(_normal(pixels))
        second = self.second(first)
        third = self.third(second)
        second = self.after[0](second + F.interpolate(self.narrow[0](third), scale_factor=2.0, mode="bilinear"))
        return self.last(
            self.after[1](first + F.interpolate(self.narrow[1](second), scale_factor=2.0, mode="bilinear"))
        )

    def forward(self, pixels: Tensor) -> Tensor:
        marked = self.maps(pixels).flatten(2)
        share = (4 * marked).softmax(-1)
        places = torch.arange(GRID**2)
        across, down = (places % GRID + 0.5) / GRID, (places // GRID + 0.5) / GRID
        found = marked.sigmoid()
        return torch.cat([share @ across, share @ down, found.amax(-1), found.mean(-1)], 1)


class Down(nn.Module):
    """Convolutions down to a sixteenth of the picture: (P, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(_block(3, 24, 2), _block(24, 48, 2), _block(48, 72, 2), _block(72, 96, 2))
        self.last = nn.Linear(96 * 49, 256)

    def forward(self, pixels: Tensor) -> Tensor:
        return F.relu(self.last(self.layers(_normal(pixels)).flatten(1)))


class Tower(nn.Module):
    """The vision tower of InteractVLM's small network: (P, 256)."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import CLIPVisionConfig, CLIPVisionModel

        config = CLIPVisionConfig.from_dict(nano_network(["chair"], PARTS).llava["vision_config"])
        assert config.image_size == SIDE
        self.tower = CLIPVisionModel(config)
        self.last = nn.Linear(96 * 64, 256)

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.tower(pixel_values=_normal(pixels)).last_hidden_state
        return F.relu(self.last(seen[:, 1:].flatten(1)))


class Told(nn.Module):
    """Which parts touch, from names and `seen` of the pixels, or from poses."""

    def __init__(self, objects: int, seen: nn.Module | None, width: int, poses: tuple[Tensor, Tensor] | None) -> None:
        super().__init__()
        self.names, self.seen, self.poses = nn.Embedding(objects, 64), seen, poses
        self.layers = nn.Sequential(nn.Linear(64 + width, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, len(PARTS)))

    def forward(self, pairs: Pairs) -> Tensor:
        known = [self.names(pairs.objects)]
        if self.seen is not None:
            known.append(self.seen(pairs.pixels))
        if self.poses is not None:
            known.append((pairs.poses - self.poses[0]) / self.poses[1])
        return self.layers(torch.cat(known, 1))


def _normal(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def _learn(
    parameters: list[nn.Parameter], pairs: Pairs, loss: Callable[[Pairs], Tensor], epochs: int, rate: float, name: str
) -> None:
    """AdamW with one cycle of its rate."""
    optimiser = torch.optim.AdamW(parameters, rate, weight_decay=0.01)
    steps = len(pairs.objects) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps, pct_start=0.1)
    for _ in track(range(epochs), name, transient=True):
        for rows in torch.randperm(len(pairs.objects))[: steps * BATCH].split(BATCH):
            optimiser.zero_grad()
            loss(pairs.rows(rows)).backward()
            optimiser.step()
            schedule.step()


def _marks_loss(network: Marks, pairs: Pairs) -> Tensor:
    places = (torch.arange(GRID) + 0.5) / GRID
    across, down = ((GRID * (places - pairs.maps[:, :, axis, None])).square() for axis in (0, 1))
    wanted = torch.exp(-(down[..., None] + across[:, :, None]) / 2) * (pairs.maps[..., 2] > 0)[..., None, None]
    return 17 * F.binary_cross_entropy_with_logits(network.maps(pairs.pixels), wanted)


def _row(name: str, network: Told, training: Pairs, held_out: Pairs, epochs: int, rate: float = 1e-3) -> None:
    def loss(pairs: Pairs) -> Tensor:
        return F.binary_cross_entropy_with_logits(network.train()(pairs), pairs.parts)

    free = [parameter for parameter in network.parameters() if parameter.requires_grad]
    _learn(free, training, loss, epochs, rate, name)
    network.eval()
    with torch.no_grad():
        rows = torch.arange(len(held_out.objects)).split(64)
        found = torch.cat([network(held_out.rows(each)) for each in rows])
    left, right = (held_out.parts[:, hand] > 0 for hand in HANDS)
    one = left != right
    right_hand = ((found[:, HANDS[0]] > found[:, HANDS[1]]) == left)[one].float().mean()
    entropy = F.binary_cross_entropy_with_logits(found, held_out.parts)
    print(f"| {name} | {float(entropy):.3f} | {100 * float(right_hand):.0f} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, metavar="TRAIN", help="generated scenes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8, help="of what sees pixels; the others learn for 20")
    given = parser.parse_args()
    tables = load_tables(load_config("interactvlm/nano", [f"--data.root={given.scenes}"]).data)
    everything = read_pairs(tables.training, given.scenes, negatives=100)
    touching = everything.rows(everything.parts.any(1))
    held_out = read_pairs(tables.validation, given.scenes, negatives=0)
    held_out = held_out.rows(held_out.parts.any(1))
    counts = [len(each.objects) for each in (touching, held_out, everything)]
    print("{} pairs that touch are learnt from, {} held out; keypoints are learnt from {}".format(*counts))
    print("| known | cross-entropy | the right one of two hands, % |\n| --- | --- | --- |")
    objects = int(max(everything.objects.max(), held_out.objects.max())) + 1
    scale = touching.poses.mean(0), touching.poses.std(0).clamp_min(0.05)

    def told(seen: nn.Module | None = None, width: int = 0, posed: bool = False) -> Told:
        return Told(objects, seen, width + posed * len(scale[0]), scale if posed else None)

    torch.manual_seed(given.seed)
    _row("the object's name", told(), touching, held_out, 20)
    _row("and pixels: nano's vision tower", told(Tower(), 256), touching, held_out, given.epochs)
    _row("and pixels: convolutions", told(Down(), 256), touching, held_out, given.epochs)
    _row("and pixels: convolutions and maps, from nothing", told(Marks(), 68), touching, held_out, given.epochs)
    marks = Marks()
    _learn(list(marks.parameters()), everything, lambda pairs: _marks_loss(marks, pairs), given.epochs, 2e-3, "marks")
    marks.requires_grad_(False)
    _row("and pixels: the same, after learning to mark keypoints", told(marks, 68), touching, held_out, 20)
    _row("and annotated boxes and keypoints", told(posed=True), touching, held_out, 20)


if __name__ == "__main__":
    main()
