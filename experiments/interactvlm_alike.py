"""Do the masks of the small InteractVLM depend on what it is asked?

    interplay train interactvlm/nano --data.root TRAIN --name nano
    python experiments/interactvlm_alike.py TRAIN runs/nano/model.safetensors

On 96 held-out lessons whose answers are given without body parts: F1 of the vertices at a threshold of 0.5, and at the
best threshold of all, beside the mean contact of all training lessons and of those with the same object, also drawn as
the masks that the network has and lifted again; how alike the scores of different lessons are (mean correlation;
annotated contact in the first row); and of the tokens that prompt SAM, the second singular value by the first, and how
often the token that is most alike belongs to the same object.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drawn_contact import as_masks
from interplay.body.lifting import lift_human
from interplay.metrics.contact import contact_scores
from interplay.models.interactvlm.data import batch_of, example_of
from interplay.models.interactvlm.model import InteractVlmModel
from interplay.models.interactvlm.recipe import InteractVlmRecipe
from interplay.models.interactvlm.sources import BodySource
from interplay.models.interactvlm.task import InteractVlmTask
from interplay.models.weights import read_contact_model
from interplay.training import load_config

LESSONS, TOGETHER = 96, 16
THRESHOLDS = np.arange(0.05, 0.95, 0.05)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, metavar="DIR", help="the generated scenes that were trained on")
    parser.add_argument("models", nargs="*", type=Path, help="weights")
    parser.add_argument("--sam_size", type=int, default=256, help="of the networks; their masks have a quarter of it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as output:
        recipe = load_config(
            "interactvlm/nano",
            [
                *(f"--data.root={given.scenes}", f"--output={output}", f"--model.sam_size={given.sam_size}"),
                "--model.poses=true",
            ],
        )
        assert isinstance(recipe, InteractVlmRecipe)
        task = InteractVlmTask(recipe)
    training, held_out = task.data.sources[0], task.validation
    assert isinstance(training, BodySource)
    assert isinstance(held_out, BodySource)
    rows = np.linspace(0, len(held_out) - 1, min(LESSONS, len(held_out))).round().astype(int).tolist()
    count = int(held_out.canvas.count)
    names = [held_out.lessons[row].pair.object for row in rows]
    wanted = np.stack([_touched(held_out, row, count) for row in rows])
    of_object: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for row in range(len(training)):
        of_object[training.lessons[row].pair.object].append(_touched(training, row, count))
    mean = np.mean([each for some in of_object.values() for each in some], 0)
    print("| | F1 | best F1 | alike | second singular value | same object |" + "\n" + "| --- " * 6 + "|")
    print(f"| annotated | 1 | 1 | {_alike(wanted):.2f} | | |")
    by_object = np.stack([np.mean(of_object.get(n, [mean]), 0) for n in names])
    canvas, side = held_out.canvas, task.model.network.image_size // 4

    def drawn(scores: NDArray[Any]) -> NDArray[np.float32]:
        return as_masks(scores, canvas.pix_to_face, canvas.bary, canvas.faces, side, lift_human)

    for name, found in (
        ("mean contact of all", np.stack([mean] * len(rows))),
        ("mean contact of the object", by_object),
        ("the same, as masks", np.stack([drawn(each) for each in by_object])),
    ):
        print(f"| {name} | {_f1(found, wanted)} | {_alike(found):.2f} | | |", flush=True)
    for path in given.models:
        model = read_contact_model(path)
        assert isinstance(model, InteractVlmModel)
        scores, tokens = _answers(model.eval(), held_out, rows)
        centred = tokens - tokens.mean(0)
        values = torch.linalg.svdvals(centred)
        distance = torch.cdist(centred, centred).fill_diagonal_(torch.inf)
        same = np.mean([names[i] == names[j] for i, j in enumerate(distance.argmin(1).tolist())])
        line = f"{_f1(scores, wanted)} | {_alike(scores):.2f} | {values[1] / values[0]:.2f} | {same:.2f}"
        print(f"| {path.parent.name} | {line} |", flush=True)


def _touched(source: BodySource, row: int, count: int) -> NDArray[np.float32]:
    found = np.zeros(count, np.float32)
    found[source.lessons[row].vertices] = 1
    return found


def _f1(scores: NDArray[Any], wanted: NDArray[Any]) -> str:
    """At a threshold of 0.5, and at the best."""
    best = max(contact_scores(scores, wanted, threshold=each).mean.f1 for each in THRESHOLDS)
    return f"{contact_scores(scores, wanted).mean.f1:.2f} | {best:.2f}"


def _alike(scores: NDArray[Any]) -> float:
    """The mean correlation between rows."""
    correlation = np.corrcoef(scores + 1e-9 * np.arange(scores.shape[1]))
    return float(correlation[np.triu_indices(len(scores), 1)].mean())


@torch.no_grad()
def _answers(model: InteractVlmModel, source: BodySource, rows: list[int]) -> tuple[NDArray[np.float32], Tensor]:
    """(P, N) scores of vertices, and (P, D) the tokens for the first view."""
    rng, network = np.random.default_rng(0), model.network
    scores, tokens = [], []
    for start in range(0, len(rows), TOGETHER):
        lessons = [source.lesson(row, rng, training=False) for row in rows[start : start + TOGETHER]]
        batch = batch_of([example_of(each, model) for each in lessons], model.tokenizer.pad_token_id or 0)
        for found in model.lifted(model(batch), batch):
            assert found is not None
            scores.append(found.float().numpy())
        hidden = network.hidden_states(batch.ids, batch.pixels, batch.attention, batch.poses)
        row, place = network.mask_places(batch.ids)
        prompts = network.prompt_tokens(hidden[row, place - 1], batch.ids[row, place], source.canvas.cameras, "human")
        tokens.append(prompts[:, 0])
    return np.stack(scores), torch.cat(tokens)


if __name__ == "__main__":
    main()
