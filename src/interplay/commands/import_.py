"""Turn the published weights of a system, or its authors' data files, into a file that interplay's commands take."""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.systems import CONTACT_SYSTEMS, SYSTEMS, published_systems

EXAMPLE = "interplay import gen-vlkt gen_vlkt_s_hico.pth -o gen-vlkt-s-hico.safetensors"


_WEIGHTS, _DATA = (".safetensors",), (".jsonl", ".parquet")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    folders = [name for name, system in CONTACT_SYSTEMS.items() if system.converter]
    known = [SYSTEMS[name] for name in published_systems()]
    others = [f"{alias} for {system.name}" for system in known for alias in system.aliases]
    parser.add_argument(
        "system",
        metavar="SYSTEM",
        help=f"{', '.join([*published_systems(), *folders])}; also understood: {', '.join(others)}",
    )
    data = [f"for {system.name} also its data files ({system.data_suffix})" for system in known if system.data_suffix]
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the published checkpoint: .pth, .pt, .safetensors or .npz; for TensorFlow's, the "
        "beginning that its files share (HOI_iter_1800000.ckpt), or their folder; "
        f"{', '.join(data)} of detections or pairs with poses; for {', '.join(folders)} the published folder",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="by default FILE with .safetensors (.jsonl for data); for a folder another folder, by default "
        "FOLDER-interplay here",
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
    from interplay.models.published import convert, published_system
    from interplay.systems import folder_converter
    from interplay.vocabulary import Vocabulary

    if (contact := folder_converter(arguments.system)) is not None:
        output = arguments.output or Path(f"{arguments.file.resolve().name}-interplay")
        with locked(output, folder=True):
            model = contact.convert_folder(arguments.file, output)
        count = sum(parameter.numel() for parameter in model.parameters() if not parameter.is_meta)
        Console(highlight=False).print(f"{arguments.file} -> {output}\n  {count / 1e6:,.1f} M parameters")
        return 0
    system = published_system(arguments.system)
    _check_source(arguments.file)
    is_data = system.is_data(arguments.file)
    vocabulary = Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None
    screen = Console(highlight=False)
    output = check_target(
        arguments.output or _usual_output(arguments.file, _DATA[0] if is_data else _WEIGHTS[0]),
        _DATA if is_data else _WEIGHTS,
    )
    if is_data:
        with locked(output):
            table = system.convert_data(arguments.file, output, vocabulary)
        screen.print(f"{arguments.file} -> {output}")
        screen.print(f"  {len(table):,} images, {len(table.boxes):,} boxes, {len(table.human):,} interactions")
        return 0
    with locked(output):
        imported = convert(system.name, arguments.file, output, vocabulary)
    screen.print(f"{arguments.file} -> {output}")
    for line in imported.summary():
        screen.print(f"  {line}")
    return 0


def _check_source(path: Path) -> None:
    """Whether there is something to read, before anything heavy is imported.

    Raises:
        MissingFileError: nothing of that name.
        InputError: a folder that holds no TensorFlow checkpoint.
    """
    from interplay.checkpoints.tensorflow import find_checkpoint
    from interplay.errors import InputError, MissingFileError

    if path.is_file() or find_checkpoint(path) is not None:
        return
    if path.is_dir():
        raise InputError(f"no file of weights: {path} is a folder without a TensorFlow checkpoint (.index and .data)")
    if not path.exists():
        raise MissingFileError(f"no file of weights at {path}")


def _usual_output(file: Path, suffix: str) -> Path:
    """FILE with another suffix; of a folder such as ``.``, its name, here."""
    if file.name in ("", ".."):
        file = Path(file.resolve().name or "imported")
    return file.with_suffix(suffix)
