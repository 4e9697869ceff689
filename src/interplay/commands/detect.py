"""Find interactions in images: pictures, a table and a result file.

Without --output and --pictures, both pictures and a result file are written to interplay_output/, or where that has
results of another run to interplay_output-2/ and so on. A run that was stopped continues where it was when the same
command is given again. Pictures that interplay drew are left out.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TextIO

from interplay.commands._options import add_decoding, add_device, add_pose
from interplay.commands._types import (
    SHOW,
    SHOW_HELP,
    fraction,
    names,
    positive,
    rows,
    score,
    scores_by_name,
)
from interplay.defaults import DEFAULT_BATCH_SIZE, DEFAULT_DETECTION_SCORE, DEFAULT_DETECTOR, DEFAULT_MODEL
from interplay.systems import SYSTEMS, text_systems

EXAMPLE = "interplay detect photos/ --output interactions.jsonl --pictures drawn/"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "images", nargs="*", metavar="PATH", help="image, folder or pattern; - reads a list of them from standard input"
    )
    parser.add_argument("--sample", action="store_true", help="use the picture that comes with interplay")
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=".jsonl, .parquet or .csv; images that it has already are not done again. - writes JSON Lines to "
        "standard output, and all else to standard error",
    )
    results.add_argument("--pictures", type=Path, metavar="DIR", help="draw the interactions into copies of the images")
    results.add_argument("--report", type=Path, metavar="HTML", help="one HTML file to look through all images")
    results.add_argument("--overwrite", action="store_true", help="start over instead of continuing FILE")
    results.add_argument(
        "--min-score",
        type=score,
        metavar="S",
        help="leave out interactions below this score, everywhere (default: the model's own); 0 keeps all in FILE, to "
        "evaluate, and without --top-k shows those from the default on",
    )
    results.add_argument("--show", choices=SHOW, default="all", help=f"{SHOW_HELP} (default: %(default)s)")
    results.add_argument(
        "--rows",
        type=rows,
        default=15,
        metavar="N",
        help="rows of the table of many images, or all (default: %(default)s)",
    )
    results.add_argument("--top-k", type=positive, metavar="K", help="keep the best K interactions of each image")
    model = parser.add_argument_group("model")
    model.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="see 'interplay models' (%(default)s)")
    model.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the model")
    add_decoding(model, SYSTEMS.values())
    people = model.add_mutually_exclusive_group()
    people.add_argument(
        "--detector",
        metavar="NAME",
        help=f"what finds people and objects, for a model that does not itself (default: {DEFAULT_DETECTOR})",
    )
    people.add_argument(
        "--boxes", type=Path, metavar="FILE", help="people and objects from a .jsonl, .parquet or .json file"
    )
    model.add_argument(
        "--annotations",
        type=Path,
        metavar="FILE",
        help="COCO file whose 'images' say which images the numbers in --boxes or --pose are, for COCO results",
    )
    model.add_argument(
        "--detector-score",
        type=scores_by_name,
        metavar="S",
        help="use boxes from this score on; or by object, and for the others: 0.1,person=0.4 (default: "
        f"{DEFAULT_DETECTION_SCORE}, and all boxes of a file)",
    )
    model.add_argument(
        "--same-box",
        type=fraction,
        metavar="IOU",
        help="of objects whose boxes overlap more than this keep the surest, whatever they are called; 0.9 for "
        "near-equal boxes (default: keep all)",
    )
    model.add_argument(
        "--same-person",
        type=fraction,
        metavar="IOU",
        help="people whose boxes overlap more than this are one (default: what the detector does)",
    )
    add_pose(model)
    add_device(model)
    model.add_argument(
        "--batch-size",
        type=positive,
        default=DEFAULT_BATCH_SIZE,
        metavar="N",
        help="images at once (default: %(default)s)",
    )
    text = parser.add_argument_group(f"other verbs and objects, as text ({text_systems()})")
    text.add_argument("--verbs", type=names, metavar="A,B", help="verbs to find: ride,feed,paint (default: its own)")
    text.add_argument("--objects", type=names, metavar="A,B", help="objects to find: horse,dog (default: its own)")
    text.add_argument("--vocabulary", metavar="FILE", help="a vocabulary's .json file with both, instead")
    text.add_argument(
        "--text-encoder", metavar="FOLDER", help="where the text encoder is that the model was trained with"
    )


def _shown_from(arguments: argparse.Namespace) -> float | None:
    """The smallest score to show, None for all that is kept: nobody can look at everything that has a score."""
    from interplay.pipeline import chosen_min_score

    if arguments.min_score or arguments.top_k:
        return None
    return chosen_min_score(arguments.model, arguments.weights)


def run(arguments: argparse.Namespace) -> int:
    """Detect in every image; 1 if some could not be done."""
    from rich.console import Console

    from interplay.errors import InputError
    from interplay.image_files import find_images
    from interplay.pipeline import (
        DetectorOptions,
        Job,
        TextClasses,
        check_predictor,
        chosen_min_score,
        load_predictor,
        run_job,
    )
    from interplay.pipeline.results import check_output, check_settings, file_setting
    from interplay.pipeline.screen import say

    messages = Console(stderr=True)
    if arguments.sample == bool(arguments.images):
        raise InputError("give images, folders or patterns, or --sample for the picture that comes with interplay")
    if arguments.sample:
        from interplay.samples import sample_path

        images = [sample_path()]
    else:
        images = find_images(arguments.images)
    if arguments.vocabulary and (arguments.verbs or arguments.objects):
        raise InputError("give --vocabulary, or --verbs and --objects, not both")
    stream = _standard_output() if str(arguments.output) == "-" else None
    output = None if stream else arguments.output
    if output is not None:
        check_output(output)
    classes = TextClasses(arguments.verbs, arguments.objects, arguments.vocabulary, arguments.text_encoder)
    decoding = dict(arguments.decoding)
    chosen_boxes = DetectorOptions(arguments.detector_score, arguments.same_box, arguments.same_person)
    check_predictor(
        arguments.model,
        weights=arguments.weights,
        decoding=decoding,
        detector=arguments.detector,
        boxes=arguments.boxes,
        detector_options=chosen_boxes,
        pose=arguments.pose,
        device=arguments.device,
    )
    settings = {
        "model": file_setting(arguments.model),
        "weights": file_setting(arguments.weights),
        "detector": None if arguments.boxes else arguments.detector or DEFAULT_DETECTOR,
        "boxes": file_setting(arguments.boxes),
        **({"annotations": file_setting(arguments.annotations)} if arguments.annotations else {}),
        **({"detector_options": vars(chosen_boxes)} if chosen_boxes else {}),
        "pose": file_setting(arguments.pose),
        "decoding": decoding,
        "classes": {**vars(classes), "vocabulary": file_setting(arguments.vocabulary)},
    }
    if output is not None and not arguments.overwrite:
        check_settings(output, settings, whole=False)
    job = Job(
        images,
        output=output,
        pictures=arguments.pictures,
        report=arguments.report,
        settings=settings,
        min_score=chosen_min_score(arguments.model, arguments.weights, arguments.min_score),
        show_from=_shown_from(arguments),
        show=arguments.show,
        rows=arguments.rows,
        top_k=arguments.top_k,
        batch_size=arguments.batch_size,
        overwrite=arguments.overwrite,
        stream=stream,
    )
    with messages.status(f"loading {arguments.model}"):
        inference = load_predictor(
            arguments.model,
            weights=arguments.weights,
            decoding=decoding,
            classes=classes,
            detector=arguments.detector,
            boxes=arguments.boxes,
            annotations=arguments.annotations,
            detector_options=chosen_boxes,
            pose=arguments.pose,
            device=arguments.device,
        )
    failures = run_job(job, inference, inference.model.vocabulary, messages if stream else Console(), messages)
    for note in inference.notes():
        say(messages, note)
    return 1 if failures else 0


def _standard_output() -> TextIO:
    """Standard output as JSON Lines have it: UTF-8, whatever the console's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout
