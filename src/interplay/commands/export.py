"""Write a model's network as an ONNX file, which interplay and other programs run without PyTorch's network.

The file is compared with PyTorch on random and real pictures first; one that computes something else is not written.
'interplay detect --model FILE.onnx' runs it with ONNX Runtime.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_decoding
from interplay.commands._types import size
from interplay.systems import SYSTEMS

EXAMPLE = "interplay export gen-vlkt-s-hico.safetensors -o model.onnx --dynamic"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or its weights file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the .onnx file to write")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the model")
    parser.add_argument(
        "--dynamic", action="store_true", help="take any number of images of any size (default: one, of a fixed size)"
    )
    parser.add_argument(
        "--size", type=size, metavar="HxW", help="the fixed size (default: what suits the model, such as 800x1067)"
    )
    parser.add_argument("--int8", action="store_true", help="store weights of matrix products with 8 bits")
    parser.add_argument(
        "--compare-on",
        nargs="+",
        default=[],
        metavar="IMAGE",
        help="pictures to compare on, beside random ones (default: interplay's sample)",
    )
    add_decoding(parser, SYSTEMS.values())


def run(arguments: argparse.Namespace) -> int:
    """Export one model."""
    from rich.console import Console

    from interplay.containers.guard import in_words
    from interplay.export.options import SUFFIXES
    from interplay.files import check_other, check_target
    from interplay.locks import locked
    from interplay.zoo import load_model
    from interplay.zoo.load import check_model

    output = check_target(arguments.output, SUFFIXES)
    decoding = dict(arguments.decoding)
    for source in (arguments.weights, arguments.model):
        if source is not None:
            check_other(output, source, "the model to export")
    check_model(arguments.model, weights=arguments.weights, decoding=decoding)
    from interplay.export import export_model

    console = Console(stderr=True)
    with locked(output), console.status("loading the model") as status:
        model = load_model(arguments.model, weights=arguments.weights, device="cpu", decoding=decoding)
        written = export_model(
            model,
            output,
            dynamic=arguments.dynamic,
            size=arguments.size,
            int8=arguments.int8,
            pictures=arguments.compare_on,
            progress=status.update,
        )
    screen = Console(highlight=False)
    screen.print(f"wrote {output} ({in_words(written.size)})", soft_wrap=True)
    screen.print(
        f"  largest difference from PyTorch on {written.pictures} pictures: {written.difference.largest:.1e} of the "
        "largest number",
        soft_wrap=True,
    )
    if written.int8 is not None:
        screen.print(f"  with 8 bits: {written.int8.typical:.1%} of the numbers' root mean square", soft_wrap=True)
    return 0
