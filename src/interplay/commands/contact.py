"""Say where on the body a person touches objects, or where an object is touched, from one photograph."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "interplay contact photo.jpg --model contact-damon --object bicycle -o contact"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a photograph")
    parser.add_argument(
        "--model",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="published InteractVLM weights, or what 'interplay import interactvlm FOLDER' wrote",
    )
    parser.add_argument(
        "--object",
        action="append",
        dest="objects",
        metavar="NAME",
        help="what is touched, such as 'bicycle'; may be given several times (default: what the detector finds)",
    )
    parser.add_argument("--mesh", type=Path, metavar="FILE", help="an object's mesh, to find where it is touched")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder to write (default: contact)")
    parser.add_argument("--device", metavar="DEVICE", help="such as cuda or cpu (default: cpu)")


def run(arguments: argparse.Namespace) -> int:
    """Find contact and write it down."""
    from rich.console import Console

    from interplay.errors import InputError
    from interplay.images import read_image
    from interplay.locks import locked
    from interplay.pipeline.contact import find_contact, load_contact, write_contact

    if arguments.mesh is not None and len(arguments.objects or ()) != 1:
        raise InputError("--mesh needs one --object, the name of what the mesh is")
    image = read_image(arguments.image)
    objects = arguments.objects or _objects_in(image, arguments.image)
    output = arguments.output or Path("contact")
    predictor = load_contact(arguments.model, arguments.mesh, arguments.device)
    with locked(output, folder=True):
        found = find_contact(predictor, image, list(dict.fromkeys(objects)))
        write_contact(output, predictor, image, found)
    console = Console(highlight=False)
    for each in found:
        console.print(each.in_words(), markup=False, soft_wrap=True)
    console.print(f"written to {output}", markup=False, soft_wrap=True)
    return 0


def _objects_in(image: object, path: Path) -> list[str]:
    """Names of what the default detector finds beside people.

    Raises:
        InputError: nothing.
    """
    from typing import Any

    from interplay import load_detector
    from interplay.errors import InputError

    pixels: Any = image
    [found] = load_detector()([pixels], [path.name])
    names = [found.objects[label] for label, score in zip(found.labels, found.scores, strict=True) if score >= 0.4]
    chosen = [name for name in dict.fromkeys(names) if name != "person"]
    if not chosen:
        raise InputError(f"{path}: the detector finds no object; name it with --object NAME")
    return chosen
