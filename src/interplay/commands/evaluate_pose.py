"""Score poses by COCO's keypoint protocol: AP and AR over object keypoint similarities."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_allow_partial, add_device, add_keypoints, add_split, distinct_names

EXAMPLE = "interplay evaluate pose --predictions movenet poses.json --annotations person_keypoints_val2017.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--predictions",
        required=True,
        nargs="+",
        metavar="P",
        help=".jsonl or .parquet with keypoints, AlphaPose's or COCO's results (.json), or an estimator's name "
        "(movenet, keypointrcnn-resnet50-fpn), which poses the annotated people; several are compared",
    )
    parser.add_argument(
        "--annotations",
        required=True,
        metavar="FILE_OR_DIR",
        help="COCO's person_keypoints_*.json, or annotations with keypoints, such as a generated data set",
    )
    add_split(parser)
    add_keypoints(parser)
    parser.add_argument(
        "--images", metavar="DIR", help="the images, for estimators (default: where the annotations are)"
    )
    add_device(parser)
    parser.add_argument(
        "--rank-by",
        choices=["box", "pose"],
        help="what ranks poses: the box's score, or that times the mean score of the keypoints (default: pose for "
        "estimators, else box)",
    )
    add_allow_partial(parser)
    parser.add_argument("--json", metavar="OUT", help="write all metrics (fractions, 0..1) as JSON")
    parser.add_argument("--table", metavar="OUT", help="write the means as a table: .md (Markdown) or .tex (LaTeX)")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from rich.console import Console

    from interplay.commands._scores import check_outputs, score_all
    from interplay.datasets.show import image_root_of
    from interplay.evaluation import evaluate_pose, read_pose_truth
    from interplay.metrics.pose import PoseScores

    names = distinct_names(arguments.predictions)
    check_outputs(arguments)
    console = Console()
    truth = read_pose_truth(arguments.annotations, arguments.split, arguments.keypoints)

    def score(predictions: str) -> PoseScores:
        return evaluate_pose(
            predictions,
            truth,
            rank_by=arguments.rank_by,
            images=arguments.images or image_root_of(arguments.annotations, arguments.split),
            device=arguments.device,
            allow_partial=arguments.allow_partial,
            progress=console.is_terminal,
        )

    score_all(names, score, arguments, console)
    return 0
