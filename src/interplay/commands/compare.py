"""Tell whether one result is better than another beyond chance, by drawing the images anew many times."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_scoring
from interplay.commands._types import natural, positive

EXAMPLE = "interplay compare before.parquet after.parquet anno_bbox.mat"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    for name, what in (("first", "a result file"), ("second", "a result file of the same images")):
        parser.add_argument(name, metavar=name.upper(), help=f"{what}, in any form that interplay evaluate reads")
    parser.add_argument("annotations", metavar="ANNOTATIONS", help="the data set's annotations, a file or folder")
    parser.add_argument(
        "--samples", type=positive, default=1000, metavar="N", help="drawings of images (default: %(default)s)"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the drawings (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers")
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score both, compare, print."""
    from rich.console import Console
    from rich.table import Table

    from interplay.datasets import detect_dataset
    from interplay.evaluation import evaluate, read_truth
    from interplay.files import check_target
    from interplay.metrics.bootstrap import compare_scores
    from interplay.metrics.report import write_json_content
    from interplay.metrics.scores import percent
    from interplay.pipeline.screen import progress, say
    from interplay.vocabulary import Vocabulary

    console = Console()
    if arguments.json:
        check_target(arguments.json)
    vocabulary = Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None
    dataset = arguments.dataset or detect_dataset(arguments.annotations)
    annotations = read_truth(dataset, arguments.annotations, arguments.split, vocabulary)
    first, second = (
        evaluate(
            dataset,
            predictions,
            annotations,
            protocol=arguments.protocol,
            setting=arguments.setting,
            allow_partial=arguments.allow_partial,
            numbering=arguments.numbering,
            vocabulary=vocabulary,
            progress=console.is_terminal,
        )
        for predictions in (arguments.first, arguments.second)
    )
    with progress(console, "drawing images anew", arguments.samples) as advance:
        found = compare_scores(first, second, arguments.samples, arguments.seed, on_sample=advance)
    table = Table("mean", title=f"in percent; {arguments.samples:,} drawings, 95 % intervals")
    for name in ("first", "second", "difference", "interval", "p"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            one.metric.replace("_", " "),
            percent(one.first),
            percent(one.second),
            f"{100 * one.difference:+.2f}",
            f"{100 * one.low:+.2f} to {100 * one.high:+.2f}",
            f"{one.p:.3f}",
        )
    console.print(table)
    for which, scores in (("first", first), ("second", second)):
        for note in scores.notes:
            say(console, f"note, {which}: {note}")
    if arguments.json:
        content = {"samples": arguments.samples, "seed": arguments.seed, "means": [one.to_dict() for one in found]}
        write_json_content(content, arguments.json)
    return 0
