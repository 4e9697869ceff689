"""Score relations in clips by VidVRD's and VidOR's protocol: mAP, recall@50 and @100, tagging precision."""

from __future__ import annotations

import argparse

EXAMPLE = "interplay evaluate clips --predictions results.json --annotations vidor/annotation/validation"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--predictions",
        required=True,
        metavar="P",
        help="results .json (triplet, score, duration, sub_traj, obj_traj); 'interplay datasets convert --to vidvrd' "
        "writes such files",
    )
    parser.add_argument("--annotations", required=True, metavar="DIR", help="VidVRD's or VidOR's annotations")
    parser.add_argument(
        "--overlap", type=float, default=0.5, metavar="IOU", help="smallest volumetric IoU (default: %(default)s)"
    )
    parser.add_argument("--json", metavar="OUT", help="write all metrics (fractions, 0..1)")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print."""
    from rich.console import Console
    from rich.table import Table

    from interplay.files import check_target
    from interplay.metrics.clips import evaluate_clips
    from interplay.metrics.report import write_json_content
    from interplay.metrics.scores import percent
    from interplay.video.relations import read_clip_annotations, read_clip_results

    console = Console()
    if arguments.json:
        check_target(arguments.json)
    with console.status("reading"):
        annotations = read_clip_annotations(arguments.annotations)
        predictions = read_clip_results(arguments.predictions)
    scores = evaluate_clips(predictions, annotations, arguments.overlap)
    table = Table(*scores.means, title=f"{scores.relations:,} relations in {scores.clips:,} clips, in percent")
    table.add_row(*map(percent, scores.means.values()))
    console.print(table)
    for note in scores.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    if arguments.json:
        write_json_content(scores.to_dict(), arguments.json)
    return 0
