"""How long the steps between masks and vertices take, and how large the published network is.

    python benchmarks/contact.py

Times are of the processor, the median of several runs, on Anny's body from the four views of a person. The network is
made without memory, so that its parts can be counted on any machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from interplay.body.bodies import load_body
from interplay.body.cameras import look_at, view_set
from interplay.body.lifting import contact_mask, lift_human, lift_human_hard, lift_object
from interplay.body.model import load_body_model
from interplay.body.raycast import pixel_table
from interplay.body.transfer import transfer_between
from interplay.body.views import draw_views, upright_body
from interplay.cli import run_script
from interplay.images import read_image
from interplay.models.interactvlm.published_config import published_network
from interplay.pipeline.contact import find_contact, load_contact
from interplay.pipeline.contact_pairs import PairSearch
from interplay.samples import sample_path

RUNS = 7
PIXELS = "interactvlm-nano"
"""The model that looks at pixels."""


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    console = Console(highlight=False)
    console.print(_times())
    console.print(_end_to_end())
    console.print(_sizes())


def _times() -> Table:
    model = load_body_model()
    vertices, faces = upright_body(model.template.vertices), model.faces
    views = view_set("4MV-Z_Vitru")
    R, T = (np.stack(each) for each in zip(*(look_at(*view) for view in views.values()), strict=True))
    face, bary = (torch.from_numpy(each) for each in pixel_table(vertices, faces, R, T, 1024))
    logits = torch.randn(4, 1024, 1024, generator=torch.Generator().manual_seed(0))
    contact = torch.zeros(len(vertices), dtype=torch.bool)
    contact[:1000] = True
    tensor = torch.from_numpy(faces)
    args = (logits, face, bary, tensor, len(vertices))
    steps: dict[str, Callable[[], Any]] = {
        "tables of four views, 512 px": lambda: pixel_table(vertices, faces, R, T, 512),
        "tables of four views, 1024 px": lambda: pixel_table(vertices, faces, R, T, 1024),
        "pictures of four views with their tables, 512 px": lambda: draw_views(vertices, faces, views, 512),
        "lift_human, four masks of 1024 px": lambda: lift_human(*args),
        "lift_human_hard": lambda: lift_human_hard(*args),
        "lift_object": lambda: lift_object(*args),
        "contact_mask": lambda: contact_mask(contact, face, tensor, 2),
    }
    table = Table("step", "ms", title=f"{len(vertices):,} vertices, {torch.get_num_threads()} thread(s)")
    for name, step in steps.items():
        table.add_row(name, f"{1000 * _median(step):,.0f}")
    return table


def _end_to_end() -> Table:
    """From the pixels of a photograph to scores of vertices, with the models that come with interplay."""
    tool, search, image = load_contact(device="cpu"), PairSearch(device="cpu"), read_image(sample_path())
    pixels = load_contact(PIXELS, device="cpu")
    _, found = search(image)
    one = [found[0].pair]
    target = replace(load_body(), name="another")  # a correspondence is computed anew whatever the shape
    transfer = transfer_between(load_body(), target, keep=False)
    scores = np.zeros(len(target.vertices), np.float32)
    steps: dict[str, Callable[[], Any]] = {
        "people, objects, poses and verbs of a photograph": lambda: search(image),
        "contact of one pair": lambda: tool.finder.predict_pairs(image, one),
        "contact of sixteen pairs": lambda: tool.finder.predict_pairs(image, one * 16),
        "all of a photograph with one pair": lambda: find_contact(tool, image, search=search),
        f"contact of one pair, {PIXELS}": lambda: pixels.finder.predict_pairs(image, one),
        f"contact of sixteen pairs, {PIXELS}": lambda: pixels.finder.predict_pairs(image, one * 16),
        f"all of a photograph with one pair, {PIXELS}": lambda: find_contact(pixels, image, search=search),
        "correspondence of two bodies, once": lambda: transfer_between(load_body(), target, keep=False),
        "carrying scores to another body": lambda: transfer(scores),
    }
    table = Table("step", "ms", title=f"from end to end, {torch.get_num_threads()} thread(s)")
    for name, step in steps.items():
        table.add_row(name, f"{1000 * _median(step):,.1f}")
    return table


def _sizes() -> Table:
    model = published_network()
    parts: dict[str, Any] = {
        "language model": [model.llava.model.language_model, model.llava.lm_head],
        "vision tower": [model.llava.model.vision_tower],
        "projector, with the second matrix that the published one lacks": [model.llava.model.multi_modal_projector],
        "SAM's image encoder": [model.sam.vision_encoder],
        "SAM's mask decoder": [model.sam.mask_decoder],
        "from token to prompt": [model.text_hidden_fcs],
        "camera encoder": [model.cam_pose_encoder],
        "all": [model],
    }
    table = Table("part", "million numbers", title="the published network")
    for name, modules in parts.items():
        table.add_row(name, f"{sum(p.numel() for module in modules for p in module.parameters()) / 1e6:,.2f}")
    return table


def _median(step: Callable[[], Any]) -> float:
    """Seconds of the processor."""
    step()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return float(np.median(times))


if __name__ == "__main__":
    run_script(main)
