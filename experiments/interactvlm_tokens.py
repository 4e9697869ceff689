"""Whether the small InteractVLM can draw: one learnt embedding for each pair in place of the language model's.

    interplay synthesize EIGHT --scenes 8 --seed 2201 --size 256
    python experiments/interactvlm_tokens.py EIGHT
    python experiments/interactvlm_tokens.py EIGHT --start 0.02

Camera encoder, SAM, lifting and losses are those of ``interactvlm/nano``. Prints a row of a Markdown table every 50
steps, scored on the pairs that are learnt. ``--start`` draws the matrices with one spread, as `transformers` does
with 0.02, in place of one by the number of inputs.
"""

from __future__ import annotations

import argparse
import tempfile
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
from interplay.models.interactvlm.task import InteractVlmTask
from interplay.training import load_config

EVERY = 50


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, metavar="DIR", help="a few generated scenes")
    parser.add_argument("--start", type=float, help="spread of all matrices; by the number of inputs if not given")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rate", type=float, default=2e-3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as output:
        options = [f"--data.root={given.scenes}", "--data.holdout=0", f"--output={output}", "--flip=false"]
        recipe = load_config("interactvlm/nano", options)
        assert isinstance(recipe, InteractVlmRecipe)
        task = InteractVlmTask(recipe)
    network = task.model.network
    if given.start is not None:
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
                nn.init.normal_(module.weight, std=given.start)
    torch.manual_seed(0)
    learnt, scored = (_taught(source, len(task.data)) for source in (task.data.sources[0], task.validation))
    embedding = nn.Parameter(torch.randn(len(learnt), network.llava.config.get_text_config().hidden_size))
    others = [each for name, each in network.named_parameters() if not name.startswith("llava")]
    optimiser = torch.optim.AdamW([*others, embedding], given.rate, weight_decay=0.0)
    canvas = learnt[0].canvas
    views = sam_pixels(canvas.images, network.image_size)
    ids = torch.full((len(learnt),), network.options.seg_id)

    def draw(size: int) -> Tensor:
        seen = network.sam.vision_encoder(views).last_hidden_state
        tokens = network.prompt_tokens(embedding, ids, canvas.cameras, "human")
        whole = network.image_size
        return resize_masks(network.decode(seen, tokens, "human"), whole, (whole, whole), (size, size))

    print("| step | dice | F1 | precision | recall |\n" + "| --- " * 5 + "|")
    for step in range(1, given.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = given.rate * min(1, step / 10, max(0.05, 2.5 * (1 - step / given.steps)))
        samples = [
            ContactSample(each.dataset, logits, each.masks, lifting(canvas, each.dataset), each.target)
            for logits, each in zip(draw(canvas.size[0]), learnt, strict=True)
        ]
        terms = contact_losses(samples, LossWeights())
        optimiser.zero_grad()
        terms["total"].backward()
        nn.utils.clip_grad_norm_([*others, embedding], 1.0)
        optimiser.step()
        if step % EVERY == 0:
            cells = [f"{value:.3f}" for value in (float(terms["mask_dice"]), *_scores(draw, scored))]
            print(f"| {step} | {' | '.join(cells)} |", flush=True)


def _taught(source: object, count: int) -> list[Taught]:
    """The masks of the lessons, as annotated."""
    rng = np.random.default_rng(0)
    return [source.lesson(i, rng, training=False).taught for i in range(count)]  # type: ignore[attr-defined]


@torch.no_grad()
def _scores(draw: object, scored: list[Taught]) -> tuple[float, ...]:
    canvas = scored[0].canvas
    masks = draw(canvas.size[0])  # type: ignore[operator]
    tables = (canvas.pix_to_face, canvas.bary, canvas.faces, int(canvas.count))
    found = np.stack([lift_human(logits, *tables).numpy() for logits in masks])
    return tuple(map(float, contact_scores(found, np.stack([each.target.numpy() for each in scored])).mean))


if __name__ == "__main__":
    main()
