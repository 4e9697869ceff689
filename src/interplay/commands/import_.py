"""Turn the published weights of a system, or TIN's data files, into a file that interplay's commands take."""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.systems import published_systems

EXAMPLE = "interplay import gen-vlkt gen_vlkt_s_hico.pth -o gen-vlkt-s-hico.safetensors"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("system", metavar="SYSTEM", help=f"{', '.join(published_systems())}; ggnet also for PPDM")
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the published checkpoint: .pth, .pt, .safetensors or .npz; for TensorFlow's, the "
        "beginning that its files share (HOI_iter_1800000.ckpt), or their folder. For tin also its pickles (.pkl) of "
        "detections or pairs with poses",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="by default FILE with .safetensors (.jsonl for a pickle)"
    )
    parser.add_argument(
        "--vocabulary",
        metavar="NAME_OR_FILE",
        help="what the model was trained on, where it is not a published data set: a vocabulary's JSON file; for a "
        "pickle whose name does not say it, hico-det or v-coco",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert one file; nothing that it contains is executed."""
    from rich.console import Console

    from interplay.files import check_target
    from interplay.locks import locked
    from interplay.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None
    screen = Console(highlight=False)
    is_pickle = arguments.system == "tin" and arguments.file.suffix == ".pkl"
    output = check_target(arguments.output or _usual_output(arguments.file, ".jsonl" if is_pickle else ".safetensors"))
    if is_pickle:
        from interplay.formats.tin_pickles import convert_tin_pickle

        with locked(output):
            table = convert_tin_pickle(arguments.file, output, vocabulary)
        screen.print(f"{arguments.file} -> {output}")
        screen.print(f"  {len(table):,} images, {len(table.boxes):,} boxes, {len(table.human):,} interactions")
        return 0
    from interplay.models.published import convert

    with locked(output):
        imported = convert(arguments.system, arguments.file, output, vocabulary)
    screen.print(f"{arguments.file} -> {output}")
    for line in imported.summary():
        screen.print(f"  {line}")
    return 0


def _usual_output(file: Path, suffix: str) -> Path:
    """FILE with another suffix; of a folder such as ``.``, its name, here."""
    if file.name in ("", ".."):
        file = Path(file.resolve().name or "imported")
    return file.with_suffix(suffix)
