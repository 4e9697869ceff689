"""Time of TIN's networks for one image, and how it grows with the number of pairs.

    python benchmarks/tin.py --threads 1 --runs 5

480 x 640 pixels, random weights. ``as published`` computes appearance and context for every pair anew, as the
published graph does with all pairs in one batch (its own test loop even repeats the backbone for each); ``each box
once`` is what `interplay.models.tin.network` does. The columns take turns, so that other work hits all alike.
"""

from __future__ import annotations

import argparse
import resource

import torch
from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.layers.resnet import fold_frozen_batch_norm
from interplay.models.tin import network as tin
from interplay.models.tin.network import TinNetwork
from interplay.models.tin.parts_network import TinPartNetwork
from timing import measure

HEIGHT, WIDTH = 480, 640


def pairs(people: int, objects: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Human boxes, object boxes, maps and part boxes of all pairs."""
    torch.manual_seed(people * 100 + objects)
    corner = torch.rand(people + objects, 2) * torch.tensor([WIDTH * 0.6, HEIGHT * 0.6])
    boxes = torch.cat([corner, corner + 60 + torch.rand(people + objects, 2) * 120], 1)
    human = boxes[:people].repeat_interleave(objects, 0)
    object = boxes[people:].repeat(people, 1)
    maps = (torch.rand(len(human), 3, 64, 64) < 0.3).float()
    parts = torch.cat([torch.zeros(len(human), 10, 1), human[:, None].expand(-1, 10, -1)], 2)
    return human, object, maps, parts


def for_every_pair(appearance, keys, boxes, role, attention):  # type: ignore[no-untyped-def]
    """`instance_features` without sharing anything between pairs."""
    features = appearance(boxes)
    context, seen = attention(keys, features, role, boxes[:, 0].long())
    return features, context, seen


def main() -> None:
    """Print a table of seconds per image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    image = torch.randn(1, 3, HEIGHT, WIDTH)
    plain, folded, parts = TinNetwork(600).eval(), TinNetwork(600).eval(), TinPartNetwork().eval()
    for network in (folded, parts):
        for module in (network.backbone, network.human_block, network.object_block):
            fold_frozen_batch_norm(module)
            module.to(memory_format=torch.channels_last)
    table = Table(
        "people x objects", "as published, s (CPU s)", "each box once", "+ folded, channels last", "part network"
    )
    shared = tin.instance_features

    def published(*given: torch.Tensor) -> None:
        tin.instance_features = for_every_pair
        try:
            plain(*given)
        finally:
            tin.instance_features = shared

    with torch.inference_mode():
        for people, objects in ((1, 1), (2, 5), (5, 10), (10, 20)):
            human, object, maps, part_boxes = pairs(people, objects)
            given = (image, human, object, maps)
            found = measure(
                {
                    "published": lambda given=given: published(*given),  # type: ignore[misc]
                    "once": lambda given=given: plain(*given),  # type: ignore[misc]
                    "folded": lambda given=given: folded(*given),  # type: ignore[misc]
                    "parts": lambda given=given, boxes=part_boxes: parts(*given, boxes),  # type: ignore[misc]
                },
                arguments.runs if people < 10 else 1,
            )
            table.add_row(f"{people} x {objects}", *(f"{wall:.2f} ({cpu:.2f})" for wall, cpu in found.values()))
    console = Console()
    console.print(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    console.print(f"{arguments.threads} threads, torch {torch.__version__}, peak memory {memory:.1f} GiB")


if __name__ == "__main__":
    run_script(main)
