"""Draw where a model looked in an image to find its best interactions.

GGNet: interaction points, the ActPoints of every gaze step by their weights, and the matched pair. GEN-VLKT: what the
queries of the interaction, the person and the object attend to. Turbo learning: stage by stage, the attention mask on
the person's pose features with the pose, and where the object is expected.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_decoding, add_device
from interplay.commands._types import SHOW, SHOW_HELP, positive, score
from interplay.systems import SYSTEMS, explaining_systems

EXAMPLE = "interplay explain photo.jpg --model ggnet-hourglass-vcoco --weights ggnet.safetensors -o explained.png"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the image")
    parser.add_argument(
        "--model", required=True, metavar="NAME", help=f"a {explaining_systems()} model, or a weights file"
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the model")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=".png or .jpg")
    parser.add_argument("--top-k", type=positive, default=3, metavar="K", help="best interactions (%(default)s)")
    parser.add_argument("--show", choices=SHOW, default="interactions", help=f"{SHOW_HELP} (default: interactions)")
    parser.add_argument("--min-score", type=score, default=0.0, metavar="S", help="explain none below this score")
    add_decoding(parser, [system for system in SYSTEMS.values() if system.explains])
    parser.add_argument(
        "--detector", metavar="NAME", help="for a model that takes another detector's boxes; a file of boxes will do"
    )
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain one image."""
    from rich.console import Console

    from interplay.files import check_other, check_target
    from interplay.images import WRITTEN_SUFFIXES, read_image
    from interplay.pipeline import check_predictor
    from interplay.pipeline.pictures import save_picture
    from interplay.visual import draw_explanations
    from interplay.zoo import load_model

    output = arguments.output
    check_target(output, WRITTEN_SUFFIXES)
    check_other(output, arguments.image, "the image to explain")
    check_predictor(
        arguments.model,
        weights=arguments.weights,
        decoding=dict(arguments.decoding),
        detector=arguments.detector,
        device=arguments.device,
    )
    image = read_image(arguments.image)  # what cannot be read is known before the model is loaded
    model = load_model(
        arguments.model, weights=arguments.weights, device=arguments.device, decoding=dict(arguments.decoding)
    )
    found, explanations = model.explain(
        arguments.image, detector=arguments.detector, min_score=arguments.min_score, top_k=arguments.top_k
    )
    save_picture(draw_explanations(image, found, explanations, show=arguments.show), output)
    screen = Console(highlight=False)
    for explanation in explanations:
        [triplet] = found[[explanation.triplet]].triplets()
        screen.print(f"{triplet.phrase}  {triplet.score:.2f}")
    screen.print(f"wrote {output}", soft_wrap=True)
    return 0
