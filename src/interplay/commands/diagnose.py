"""Find out what is wrong with a result: kinds of error and what each costs, pairs, verbs, scores, sizes, images."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_scoring
from interplay.commands._types import natural, score
from interplay.errors import InputError

EXAMPLE = "interplay diagnose results.parquet anno_bbox.mat --images test2015/ -o diagnosis.html"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("predictions", metavar="PREDICTIONS", help="triplets in any form that interplay reads")
    parser.add_argument("annotations", metavar="ANNOTATIONS", help="the data set's annotations, a file or folder")
    parser.add_argument("-o", "--output", metavar="HTML", help="write a report with everything that was found")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--images", metavar="DIR", help="show the worst images in the report")
    parser.add_argument("--count", type=natural, default=24, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument(
        "--min-score", type=score, metavar="S", help="operating score (default: where F1 over all predictions is best)"
    )
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> int:
    """Diagnose, print the summary, write the report."""
    from rich.console import Console

    from interplay.datasets import detect_dataset
    from interplay.diagnosis import diagnose
    from interplay.diagnosis.report import print_diagnosis, write_diagnosis
    from interplay.evaluation import read_both
    from interplay.files import check_target
    from interplay.metrics.report import write_json_content
    from interplay.pipeline.screen import progress, say
    from interplay.table import InteractionTable
    from interplay.visual.report import report_path

    console = Console()
    if arguments.output:
        check_target(report_path(arguments.output))
    if arguments.json:
        check_target(arguments.json)
    if arguments.images and not arguments.output:
        raise InputError("--images is for the report: give -o REPORT.html, too")
    predictions, annotations, reading = read_both(
        arguments.dataset or detect_dataset(arguments.annotations),
        arguments.predictions,
        arguments.annotations,
        arguments.split,
        arguments.numbering,
        arguments.vocabulary,
        console.is_terminal,
    )
    if not isinstance(predictions, InteractionTable):
        raise InputError(
            f"{arguments.predictions} is V-COCO's pickle, which holds actions and roles of people and not triplets: "
            "give the predictions as .jsonl, .parquet or .csv"
        )
    with console.status("looking for errors"):
        found = diagnose(
            predictions,
            annotations,
            protocol=arguments.protocol,
            setting=arguments.setting,
            min_score=arguments.min_score,
            images=arguments.count,
            allow_partial=arguments.allow_partial,
            reading=reading,
        )
    print_diagnosis(found, console)
    if arguments.json:
        write_json_content(found.to_dict(), arguments.json)
    if arguments.output:
        with progress(console, "drawing", len(found.images)) as advance:
            written = write_diagnosis(
                found,
                arguments.output,
                predictions=predictions,
                annotations=annotations,
                images=arguments.images,
                title=f"Diagnosis of {arguments.predictions}",
                on_image=advance,
            )
        say(console, f"wrote {written}")
    return 0
