"""Score poses by COCO's keypoint protocol: AP and AR over object keypoint similarities."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from interplay.commands._options import add_compared, add_device, add_keypoints

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.metrics.pose import PoseScores

EXAMPLE = "interplay evaluate pose --predictions movenet poses.json --annotations person_keypoints_val2017.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_compared(
        parser,
        ".jsonl or .parquet with keypoints, AlphaPose's or COCO's results (.json), or an estimator's name "
        "(movenet, keypointrcnn-resnet50-fpn), which poses the annotated people; several are compared",
        "COCO's person_keypoints_*.json, or annotations with keypoints, such as a generated data set",
        annotations_metavar="FILE_OR_DIR",
        split=True,
    )
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


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.commands._scores import score_all
    from interplay.datasets.show import image_root_of
    from interplay.evaluation import evaluate_pose, read_pose_truth

    def prepare(console: Console) -> Callable[[str], PoseScores]:
        truth = read_pose_truth(arguments.annotations, arguments.split, arguments.keypoints)
        return lambda predictions: evaluate_pose(
            predictions,
            truth,
            rank_by=arguments.rank_by,
            images=arguments.images or image_root_of(arguments.annotations, arguments.split),
            device=arguments.device,
            allow_partial=arguments.allow_partial,
            progress=console.is_terminal,
        )

    score_all(arguments, prepare)
    return 0
