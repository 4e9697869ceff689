"""Check, describe, show, validate or convert data sets, or give their people poses."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from interplay.commands._contact_data import PREPARE_EXAMPLE, VQA_EXAMPLE, add_prepare, add_vqa, run_prepare, run_vqa
from interplay.commands._options import add_dataset, add_device, add_keypoints, add_numbering, add_pose
from interplay.commands._types import SHOW, SHOW_HELP, fraction, natural, positive
from interplay.defaults import DEFAULT_POSE_ESTIMATOR, EXPORT_FORMS

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.table import InteractionTable

EXAMPLE = "interplay datasets check hico_20160224_det"

_EXAMPLES = {
    "check": "interplay datasets check hico_20160224_det",
    "stats": "interplay datasets stats instances_test2015.json --most 20",
    "show": "interplay datasets show anno_bbox.mat --images hico_20160224_det -o sheet.png --verb ride",
    "validate": "interplay datasets validate my_data.jsonl --images photos --vocabulary my_vocabulary.json",
    "convert": "interplay datasets convert anno_bbox.mat hico_test.parquet --split test",
    "annotate-poses": "interplay datasets annotate-poses hico_20160224_det --split train --pose movenet -o posed.jsonl",
    "prepare-contact": PREPARE_EXAMPLE,
    "make-vqa": VQA_EXAMPLE,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name,
            help=what,
            description=what,
            epilog=f"example:\n  {_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    check = add(
        "check", "What is in a folder, what is missing and where it comes from, counts against the published ones."
    )
    check.add_argument("folder", help="folder of one or more data sets")

    stats = add("stats", "Count images, people, pairs, and interactions per verb, object and class.")
    _add_source(stats)
    stats.add_argument(
        "--most", type=natural, default=15, metavar="N", help="how many of each kind to list (default: 15)"
    )
    stats.add_argument("--json", metavar="OUT", help="write all counts, of every class, as JSON")

    show = add("show", "Write a contact sheet of annotated images.")
    _add_source(show)
    show.add_argument("--images", metavar="DIR", help="folder of the images (default: where the annotations are)")
    show.add_argument(
        "-o", "--output", metavar="OUT", help="picture to write (.png, .jpg; default: NAME_sheet.jpg, here)"
    )
    show.add_argument(
        "--outside", action="store_true", help="also show images whose names lead out of the folder of the images"
    )
    show.add_argument("--count", type=positive, default=24, metavar="N", help="how many images (default: 24)")
    show.add_argument("--seed", type=natural, default=0, help="another number shows other images (default: 0)")
    show.add_argument("--verb", action="append", default=[], metavar="NAME", help="only this verb; may be repeated")
    show.add_argument("--object", action="append", default=[], metavar="NAME", help="only this object; may be repeated")
    show.add_argument("--show", choices=SHOW, default="all", help=f"{SHOW_HELP} (default: all)")
    show.add_argument("--width", type=positive, default=1600, metavar="PX", help="width of the page (default: 1600)")

    validate = add("validate", "Name every problem in one's own annotations (JSON Lines) by line and field.")
    validate.add_argument("file", help="annotations, .jsonl")
    validate.add_argument("--images", metavar="DIR", help="also check the images: there, readable, of the size given")
    validate.add_argument("--vocabulary", metavar="V", help="names that are allowed: built-in name or JSON file")
    add_keypoints(validate)
    validate.add_argument(
        "--most", type=natural, default=50, metavar="N", help="print at most N problems (default: 50)"
    )

    convert = add("convert", "Write annotations or predictions of any form as JSON Lines or Parquet.")
    _add_source(convert)
    convert.add_argument("output", metavar="OUT", help="file to write (.jsonl, .parquet, .csv), or with --to another")
    convert.add_argument(
        "--to", choices=EXPORT_FORMS, metavar="FORM", help=f"write another tool's form: {', '.join(EXPORT_FORMS)}"
    )
    convert.add_argument(
        "--images-at", metavar="ADDRESS", help="what Label Studio shall have before a picture's name in its address"
    )

    poses = add("annotate-poses", "Write annotations with an estimator's poses of their people; a stopped run goes on.")
    _add_source(poses)
    poses.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write (.jsonl, .parquet)"
    )
    add_pose(poses, DEFAULT_POSE_ESTIMATOR)
    poses.add_argument(
        "--annotations",
        type=Path,
        metavar="FILE",
        help="COCO file whose 'images' say which images the numbers in a file of --pose are",
    )
    poses.add_argument("--images", metavar="DIR", help="folder of the images (default: where the annotations are)")
    poses.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the estimator")
    add_device(poses)
    poses.add_argument(
        "--min-score",
        type=fraction,
        default=0.2,
        metavar="S",
        help="keypoints that score less are not labelled (default: %(default)s)",
    )
    poses.add_argument("--replace", action="store_true", help="also replace annotated keypoints (default: these stay)")
    poses.add_argument("--overwrite", action="store_true", help="start over instead of continuing")

    add_prepare(
        add("prepare-contact", "Write the views, masks, tables and heat maps of contact; a stopped run goes on.")
    )
    add_vqa(add("make-vqa", "Let a vision-language model answer HOI-VQA's questions; a stopped run goes on."))


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="FILE_OR_DIR", help="annotations or predictions, in any form that interplay reads"
    )
    add_dataset(parser, " (default: told by the content)")
    add_numbering(parser)
    parser.add_argument(
        "--split",
        choices=["train", "val", "trainval", "test"],
        help="split of a folder (default: test)",
    )
    parser.add_argument(
        "--vocabulary", metavar="V", help="what the names mean, for own data: built-in name or JSON file"
    )
    add_keypoints(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions; 1 means that something is wrong with the data."""
    from rich.console import Console

    from interplay.pipeline.screen import say

    console = Console()
    if arguments.action == "check":
        return _check(arguments.folder, console)
    if arguments.action == "validate":
        return _validate(arguments, console)
    if arguments.action == "annotate-poses":
        return _annotate_poses(arguments, console)
    if arguments.action == "prepare-contact":
        return run_prepare(arguments)
    if arguments.action == "make-vqa":
        return run_vqa(arguments)
    _check_output(arguments)
    table = _load(arguments, console)
    if arguments.action == "stats":
        return _stats(table, arguments.most, arguments.json, console)
    if arguments.action == "show":
        return _show(table, arguments, console)
    from interplay.datasets.exchange import export, find_export, lost_in_csv
    from interplay.formats import write
    from interplay.locks import locked

    with locked(arguments.output):
        losses: list[str] = []
        if arguments.to:
            losses = export(table, arguments.output, arguments.to, arguments.images_at)
        else:
            write(table, arguments.output)
            if Path(arguments.output).suffix == ".csv":
                losses = lost_in_csv(table)
    for loss in losses:
        say(console, f"note: {loss}")
    say(console, f"{arguments.output}: {_written(table, find_export(arguments.to).holds if arguments.to else None)}")
    return 0


def _written(table: InteractionTable, holds: Collection[str] | None) -> str:
    """What of a table is in a file of a form, or of one that holds everything."""
    from interplay.pipeline.screen import count

    images = count(len(table), "image")
    if holds is not None and "interactions" not in holds:
        return f"{images}, {count(len(table.boxes), 'box', 'boxes')}"
    whole = holds is None or "no object" in holds
    return f"{images}, {count(len(table.verb) if whole else int((table.object >= 0).sum()), 'interaction')}"


def _check_output(arguments: argparse.Namespace) -> None:
    """What cannot be written is said before anything is read."""
    from interplay.errors import InputError
    from interplay.files import check_other, check_target
    from interplay.images import WRITTEN_SUFFIXES

    if arguments.action == "stats":
        if arguments.json:
            check_target(arguments.json)
    elif arguments.action == "show":
        arguments.output = arguments.output or f"{Path(arguments.source).resolve().stem}_sheet.jpg"
        check_target(arguments.output, WRITTEN_SUFFIXES)
    else:
        if arguments.images_at and arguments.to != "label-studio":
            raise InputError("--images-at is for --to label-studio")
        if arguments.to:
            from interplay.datasets.exchange import check_export, find_export

            check_export(find_export(arguments.to), Path(arguments.output))
        else:
            from interplay.pipeline.results import check_output

            check_output(Path(arguments.output))
        check_other(arguments.output, arguments.source, "what is to be converted")


def _load(arguments: argparse.Namespace, console: Console) -> InteractionTable:
    from interplay.datasets.exchange.hub import is_hub
    from interplay.datasets.exchange.json_forms import is_boxes_by_image, read_boxes_by_image
    from interplay.datasets.load import load_annotations, load_detected
    from interplay.datasets.sources import open_source
    from interplay.formats import SUFFIXES, read
    from interplay.formats.reading import OWN_NAMES
    from interplay.formats.results import is_foreign_result, read_result_table
    from interplay.pipeline.screen import say
    from interplay.vocabulary import Vocabulary

    vocabulary = Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None
    if arguments.dataset is None and arguments.keypoints is None and is_foreign_result(arguments.source):
        return read_result_table(
            arguments.source, vocabulary, progress=console.is_terminal, numbering=arguments.numbering
        )
    source = Path(arguments.source)
    dataset = arguments.dataset
    if dataset is None and source.is_dir() and is_boxes_by_image(source):
        return read_boxes_by_image(source, vocabulary)
    ours = source.is_file() and source.suffix in SUFFIXES and not is_hub(open_source(source))
    if ours and arguments.action != "annotate-poses":
        table = read(source, vocabulary or OWN_NAMES)
        if table.scored:  # predictions, which no data set has
            return table
        if source.suffix == ".csv":  # no data set comes as such rows
            dataset = dataset or "own"
    if arguments.split is None and Path(arguments.source).is_dir():
        say(console, f"the split test of {arguments.source} (--split reads another)")
    with console.status(f"reading {arguments.source}"):
        how = (arguments.source, arguments.split or "test", vocabulary, arguments.keypoints)
        return load_annotations(dataset, *how) if dataset else load_detected(*how)


def _check(folder: str, console: Console) -> int:
    from interplay.datasets import check_folder
    from interplay.datasets.report import print_findings

    with console.status(f"looking through {folder}") as status:
        findings = check_folder(folder, on_file=lambda path: status.update(f"reading {path}"))
    print_findings(findings, console)
    return int(any(finding.status not in ("ok", "note") for finding in findings))


def _validate(arguments: argparse.Namespace, console: Console) -> int:
    from interplay.datasets import validate
    from interplay.datasets.report import print_problems

    with console.status(f"reading {arguments.file}"):
        report = validate(arguments.file, arguments.vocabulary, arguments.images, arguments.keypoints)
    print_problems(report, console, arguments.most)
    return int(report.errors > 0)


def _annotate_poses(arguments: argparse.Namespace, console: Console) -> int:
    from rich.console import Console

    from interplay.datasets.show import image_root_of
    from interplay.detectors.pose.load import check_pose_name, load_pose_estimator
    from interplay.files import check_other
    from interplay.pipeline.annotate_poses import PoseJob, annotate_poses
    from interplay.pipeline.results import check_output, file_setting
    from interplay.pipeline.screen import count, say

    check_pose_name(arguments.pose)
    check_output(arguments.output)
    check_other(arguments.output, arguments.source, "the file of the annotations")
    job = PoseJob(
        table=_load(arguments, console),
        images=arguments.images or image_root_of(arguments.source, arguments.split or "test"),
        output=arguments.output,
        min_score=arguments.min_score,
        replace=arguments.replace,
        overwrite=arguments.overwrite,
        settings={
            "source": file_setting(arguments.source),
            "split": arguments.split,
            "keypoints": file_setting(arguments.keypoints),
            "pose": file_setting(arguments.pose),
            "weights": file_setting(arguments.weights),
            **({"annotations": file_setting(arguments.annotations)} if arguments.annotations else {}),
        },
    )
    estimator = load_pose_estimator(
        arguments.pose, device=arguments.device, weights=arguments.weights, annotations=arguments.annotations
    )
    counts = annotate_poses(job, estimator, Console(stderr=True))
    say(
        console,
        f"{arguments.output}: {count(counts.posed, 'person', 'people')} with a pose, {counts.without:,} without, "
        f"{counts.kept:,} kept theirs",
    )
    return int(counts.failed > 0)


def _stats(table: InteractionTable, most: int, output: str | None, console: Console) -> int:
    from interplay.datasets import statistics
    from interplay.datasets.report import print_statistics

    counts = statistics(table)
    print_statistics(counts, console, most)
    if output:
        import json

        from interplay.files import atomic_path

        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(counts.to_dict(), indent=1), encoding="utf-8")
    return 0


def _show(table: InteractionTable, arguments: argparse.Namespace, console: Console) -> int:
    from interplay.datasets.show import image_root_of, show
    from interplay.pipeline.screen import say

    output = arguments.output
    with console.status("drawing"):
        shown = show(
            table,
            arguments.images or image_root_of(arguments.source, arguments.split or "test"),
            output,
            count=arguments.count,
            seed=arguments.seed,
            outside=arguments.outside,
            verbs=arguments.verb,
            objects=arguments.object,
            width=arguments.width,
            boxes=arguments.show,
        )
    for reason in shown.broken.values():
        say(console, reason)
    if shown.missing:
        say(console, f"passed over {len(shown.missing):,} images that are not there")
    if shown.outside:
        say(
            console,
            f"passed over {len(shown.outside):,} images whose names lead out of the folder of the images, such as "
            f"{shown.outside[0]}; --outside shows them",
        )
    say(console, f"{output}: {len(shown.files)} images")
    return int(bool(shown.broken))
