"""A page for a Space of the hub: drop a picture, read who does what with which object.

    pip install -r requirements.txt && python app.py

It works like the page of ``interplay serve``: the model looks at a picture once, and the threshold only filters what it
found. Set INTERPLAY_MODEL to a name that ``interplay models`` lists, or to ``owner/name`` of a model on the hub.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from numpy.typing import NDArray

import interplay
from interplay import Interactions
from interplay.defaults import DEFAULT_MODEL
from interplay.samples import sample_path
from interplay.zoo import model_system

MOST_PIXELS = 25_000_000
KEPT = 600
"""Seconds after which a picture is removed; they are looked for as often."""

NAME = os.environ.get("INTERPLAY_MODEL", DEFAULT_MODEL)
MODEL = interplay.load_model(NAME).prepare_inference()
HIGHEST = model_system(NAME).score_range[1]


class Seen(NamedTuple):
    """A picture, and everything that the model found in it, also what is hardly probable."""

    image: NDArray[np.uint8]
    found: Interactions


def look(image: NDArray[np.uint8] | None) -> Seen | None:
    """Everything in a picture; the slow part."""
    if image is None:
        return None
    if image.shape[0] * image.shape[1] > MOST_PIXELS:
        raise gr.Error(f"The picture has more than {MOST_PIXELS:,} pixels.")
    return Seen(image, MODEL.predict(image, min_score=0.0))


def show(seen: Seen | None, min_score: float) -> tuple[NDArray[np.uint8] | None, list[list[Any]], dict[str, Any]]:
    """The drawn picture, the table and the JSON of what scores at least `min_score`."""
    if seen is None:
        return None, [], {}
    found = seen.found.filter(min_score)
    rows = [[triplet.verb, triplet.object or "", round(float(triplet.score), 3)] for triplet in found.triplets()]
    record = {
        "interactions": [
            {
                "human_box": [round(float(x), 1) for x in triplet.human_box],
                "verb": triplet.verb,
                "object": triplet.object,
                "object_box": None if triplet.object_box is None else [round(float(x), 1) for x in triplet.object_box],
                "score": round(float(triplet.score), 4),
            }
            for triplet in found.triplets()
        ]
    }
    return interplay.draw_interactions(seen.image, found, show="interactions"), rows, record


def build() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title="interplay", delete_cache=(KEPT, KEPT)) as page:
        gr.Markdown(f"# Who does what with which object\nPictures are removed within {KEPT // 30} minutes.")
        seen = gr.State(None)
        with gr.Row():
            with gr.Column():
                picture = gr.Image(type="numpy", label="Picture", sources=["upload", "clipboard", "webcam"])
                threshold = gr.Slider(0, HIGHEST, MODEL.default_min_score, step=0.05, label="Smallest score")
                gr.Examples([str(sample_path())], picture)
            with gr.Column():
                drawn = gr.Image(label="Interactions", interactive=False)
                table = gr.Dataframe(headers=["verb", "object", "score"], label="Interactions", interactive=False)
                with gr.Accordion("JSON", open=False):
                    record = gr.JSON()
        results = [drawn, table, record]
        picture.change(look, picture, seen).then(show, [seen, threshold], results)
        threshold.release(show, [seen, threshold], results)
    return page


if __name__ == "__main__":
    build().queue(max_size=32).launch()
