"""Whether the small InteractVLM can draw: learnt embeddings in place of the language model's.

    interplay synthesize EIGHT --scenes 8 --seed 2201 --size 256
    python experiments/interactvlm_tokens.py EIGHT
    python experiments/interactvlm_tokens.py EIGHT --start 0.02

    interplay synthesize TRAIN --scenes 1200 --seed 2201 --size 256
    python experiments/interactvlm_tokens.py TRAIN --each object --batch 8 --steps 1500 --rate 5e-4

Camera encoder, SAM, lifting and losses are those of ``interactvlm/nano``. There is one embedding for each pair, scored
on the pairs that are learnt, or with ``--each object`` one for each kind of object, scored on held-out pairs. Prints
ten rows of a Markdown table. ``--start`` draws the matrices with one spread, as `transformers` does with 0.02, in
place of one by the number of inputs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from interplay.body.lifting import lift_human
from interplay.metrics.contact import contact_scores
from interplay.models.interactvlm.lessons import Taught
from interplay.models.interactvlm.losses import ContactSample, LossWeights, contact_losses
from interplay.models.interactvlm.model import lifting
from interplay.models.interactvlm.modules import resize_masks
from interplay.models.interactvlm.network import sam_pixels
from interplay.models.interactvlm.recipe import InteractVlmRecipe
from interplay.models.interactvlm.sources import BodySource
from interplay.models.interactvlm.task import InteractVlmTask
from interplay.training import load_config

SCORED, AT_ONCE = 96, 16


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, metavar="DIR", help="generated scenes")
    parser.add_argument("--each", choices=("pair", "object"), default="pair", help="what has an embedding of its own")
    parser.add_argument("--batch", type=int, help="pairs in a step; all if not given")
    parser.add_argument("--start", type=float, help="spread of all matrices; by the number of inputs if not given")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rate", type=float, default=2e-3)
    given = parser.parse_args()
    by_object = given.each == "object"
    with tempfile.TemporaryDirectory() as output:
        options = [f"--data.root={given.scenes}", f"--output={output}", "--flip=false"]
        recipe = load_config("interactvlm/nano", options if by_object else [*options, "--data.holdout=0"])
        assert isinstance(recipe, InteractVlmRecipe)
        task = InteractVlmTask(recipe)
    network = task.model.network
    if given.start is not None:
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
                nn.init.normal_(module.weight, std=given.start)
    torch.manual_seed(0)
    learnt, scored = task.data.sources[0], task.validation
    assert isinstance(learnt, BodySource)
    assert isinstance(scored, BodySource)
    kinds = sorted({each.pair.object for each in (*learnt.lessons, *scored.lessons)})
    number = [kinds.index(each.pair.object) if by_object else i for i, each in enumerate(learnt.lessons)]
    asked = [kinds.index(each.pair.object) if by_object else i for i, each in enumerate(scored.lessons)]
    width = network.llava.config.get_text_config().hidden_size
    embeddings = nn.Parameter(torch.randn(len(kinds) if by_object else len(learnt), width))
    others = [each for name, each in network.named_parameters() if not name.startswith("llava")]
    optimiser = torch.optim.AdamW([*others, embeddings], given.rate, weight_decay=0.0)
    canvas = learnt.canvas
    views = sam_pixels(canvas.images, network.image_size)

    def draw(rows: Tensor, size: int) -> Tensor:
        seen = network.sam.vision_encoder(views).last_hidden_state
        ids = torch.full((len(rows),), network.options.seg_id)
        tokens = network.prompt_tokens(embeddings[rows], ids, canvas.cameras, "human")
        whole = network.image_size
        return resize_masks(network.decode(seen, tokens, "human"), whole, (whole, whole), (size, size))

    order: list[int] = []
    rng = np.random.default_rng(0)
    print("| step | dice | F1 | precision | recall |\n" + "| --- " * 5 + "|")
    for step in range(1, given.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = given.rate * min(1, step / 10, max(0.05, 2.5 * (1 - step / given.steps)))
        batch = given.batch or len(learnt)
        if len(order) < batch:
            order += rng.permutation(len(learnt)).tolist()
        rows, order = order[:batch], order[batch:]
        samples = [
            ContactSample(each.dataset, logits, each.masks, lifting(canvas, each.dataset), each.target)
            for logits, each in zip(
                draw(torch.tensor([number[row] for row in rows]), canvas.size[0]), _taught(learnt, rows), strict=True
            )
        ]
        terms = contact_losses(samples, LossWeights())
        optimiser.zero_grad()
        terms["total"].backward()
        nn.utils.clip_grad_norm_([*others, embeddings], 1.0)
        optimiser.step()
        if step % max(1, given.steps // 10) == 0:
            cells = [f"{value:.3f}" for value in (float(terms["mask_dice"].detach()), *_scores(draw, scored, asked))]
            print(f"| {step} | {' | '.join(cells)} |", flush=True)


def _taught(source: BodySource, rows: list[int]) -> list[Taught]:
    """The masks of lessons, as annotated."""
    rng = np.random.default_rng(0)
    taught = [source.lesson(row, rng, training=False).taught for row in rows]
    return [each for each in taught if each is not None]


@torch.no_grad()
def _scores(draw: Callable[[Tensor, int], Tensor], source: BodySource, asked: list[int]) -> tuple[float, ...]:
    canvas = source.canvas
    tables = (canvas.pix_to_face, canvas.bary, canvas.faces, int(canvas.count))
    rows = np.linspace(0, len(source) - 1, min(SCORED, len(source))).round().astype(int).tolist()
    found, wanted = [], []
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        masks = draw(torch.tensor([asked[row] for row in some]), canvas.size[0])
        found += [lift_human(logits, *tables).numpy() for logits in masks]
        wanted += [each.target.numpy() for each in _taught(source, some)]
    return tuple(map(float, contact_scores(np.stack(found), np.stack(wanted)).mean))


if __name__ == "__main__":
    main()
