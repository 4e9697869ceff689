"""The most that contact can score when masks in views are lifted to a body's vertices: what views show, and how finely.

    interplay synthesize TRAIN --scenes 1200 --seed 2201 --size 256
    python experiments/contact_views.py TRAIN
    python experiments/contact_views.py TRAIN --free 64 --views human_hands --sizes 256 --scenes 8

Prints a Markdown table for the pairs of a person and an object that touch. ``shown`` is how many of the touched
vertices belong to a triangle that some pixel shows, ``right vertices`` the F1 of exactly these, ``exact masks`` that of
the annotated masks (`contact_mask` with 2 and 3 of a triangle's vertices), lifted. With ``--free M`` the masks of M
pixels on a side are parameters themselves and are fitted by the training's loss: what a network could draw at best.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.cameras import view_set
from interplay.body.lifting import contact_mask, lift_human
from interplay.body.views import MeshViews, draw_views, upright_body
from interplay.datasets import load_annotations
from interplay.datasets.generated.contacts import body_of, read_contacts
from interplay.metrics.contact import contact_scores
from interplay.models.interactvlm.losses import IGNORED, ContactSample, LossWeights, contact_losses
from interplay.models.interactvlm.modules import resize_masks

CERTAIN = 20.0
"""Logit of a pixel in an annotated mask."""
STEPS, RATE = 80, 0.4


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes_folder", type=Path, metavar="DIR", help="generated scenes")
    parser.add_argument("--views", nargs="+", default=["4MV-Z_Vitru", "human_hands"], help="sets of views")
    parser.add_argument("--sizes", nargs="+", type=int, default=[256, 512, 1024], help="pixels on a side")
    parser.add_argument("--scenes", type=int, default=150, help="the first ones alone")
    parser.add_argument("--free", type=int, nargs="+", default=[], help="fit masks of so many pixels on a side")
    parser.add_argument("--human", type=float, nargs="+", default=[3.0, 30.0], help="with --free: weight of vertices")
    parser.add_argument("--lifted", type=int, default=512, help="with --free: size of the views that scores are from")
    given = parser.parse_args()
    faces, vertices, contact = _read(given.scenes_folder, given.scenes)
    print(f"{len(contact)} pairs that touch")
    if given.free:
        print("| views | fitted at | mask | weight of vertices | F1 | precision | recall |\n" + "| --- " * 7 + "|")
    else:
        print("| views | pixels | shown | right vertices | exact masks, 2 of 3 | exact masks, 3 of 3 |")
        print("| --- " * 6 + "|")
    for name in given.views:
        drawn = partial(draw_views, vertices, faces, view_set(name))
        lifted = drawn(given.lifted) if given.free else None
        for size in given.sizes:
            mesh = drawn(size)
            if lifted is None:
                print(f"| {name} | {size} | {' | '.join(_ceilings(mesh, contact))} |", flush=True)
                continue
            for side in given.free:
                for weight in given.human:
                    found = _free(mesh, lifted, contact, side, weight)
                    cells = " | ".join(f"{value:.3f}" for value in contact_scores(found, contact).mean)
                    print(f"| {name} | {size} | {side} | {weight:g} | {cells} |", flush=True)


def _read(root: Path, scenes: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Faces and vertices of the body, upright, and (P, N) contact of each pair that touches."""
    table = load_annotations("generated", root)
    files = table.files[:scenes]
    body = body_of(root, files)
    touched = [c.body_vertices for each in read_contacts(root, files) for c in each if c.object is not None]
    contact = np.zeros((len(touched), len(body.vertices)), bool)
    for row, vertices in zip(contact, touched, strict=True):
        row[vertices] = True
    return body.faces, upright_body(body.vertices), contact


def _tables(mesh: MeshViews) -> dict[str, Any]:
    return {
        "pix_to_face": torch.from_numpy(mesh.pix_to_face),
        "bary": torch.from_numpy(mesh.bary),
        "faces": torch.from_numpy(np.asarray(mesh.faces, np.int64)),
        "num_vertices": len(mesh.vertices),
    }


def _ceilings(mesh: MeshViews, contact: NDArray[np.bool_]) -> list[str]:
    shown = np.zeros(len(mesh.vertices), bool)
    shown[mesh.faces[mesh.pix_to_face[mesh.pix_to_face >= 0]].reshape(-1)] = True
    visible = contact & shown
    values = [visible.sum() / contact.sum(), contact_scores(visible.astype(np.float32), contact).mean[0]]
    tables = _tables(mesh)
    for corners in (2, 3):
        found = np.zeros(contact.shape, np.float32)
        for row, pair in zip(found, torch.from_numpy(contact), strict=True):
            mask = contact_mask(pair, tables["pix_to_face"], tables["faces"], corners)
            row[:] = lift_human(torch.where(mask, CERTAIN, -CERTAIN), **tables).numpy()
        values.append(contact_scores(found, contact).mean[0])
    return [f"{value:.3f}" for value in values]


def _free(
    mesh: MeshViews, lifted: MeshViews, contact: NDArray[np.bool_], side: int, weight: float
) -> NDArray[np.float32]:
    """(P, N) scores from masks that are fitted by the loss."""
    tables, size = _tables(mesh), mesh.images.shape[1]
    masks, targets = [], torch.from_numpy(contact)
    for pair in targets:
        mask = contact_mask(pair, tables["pix_to_face"], tables["faces"], 2).float()
        masks.append(torch.where(tables["pix_to_face"] >= 0, mask, float(IGNORED)))
    low = torch.full((len(contact), len(mesh.views), side, side), -2.0, requires_grad=True)
    optimiser = torch.optim.Adam([low], RATE)

    def full(size: int) -> Tensor:
        return resize_masks(low, size, (size, size), (size, size))

    for _ in range(STEPS):
        samples = [
            ContactSample("generated_hcontact", logits, mask, partial(lift_human, **tables), target.float())
            for logits, mask, target in zip(full(size), masks, targets, strict=True)
        ]
        optimiser.zero_grad()
        contact_losses(samples, LossWeights(human=weight))["total"].backward()
        optimiser.step()
    with torch.no_grad():
        large = full(lifted.images.shape[1])
        return np.stack([lift_human(logits, **_tables(lifted)).numpy() for logits in large])


if __name__ == "__main__":
    main()
