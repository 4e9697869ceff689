"""Find interactions in images or a clip: pictures, a table and a result file.

Without --output and --pictures, both pictures and a result file are written to interplay_output/, or where that has
results of another run to interplay_output-2/ and so on. A run that was stopped continues where it was when the same
command is given again. Pictures that interplay drew are left out.

A clip (.mp4, ..., webcam:0, rtsp://...) is followed frame by frame: people and objects get numbers, and the table says
what they do from when to when. Beside the result file go NAME.segments.json, NAME.timeline.png and the drawn NAME.mp4.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from interplay.commands._options import add_model, add_text_classes, model_options, without_collection
from interplay.commands._types import (
    SHOW,
    SHOW_HELP,
    positive,
    rate,
    rows,
    score,
)
from interplay.defaults import DECODERS, DEFAULT_FRAME_RATE

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.pipeline.run import Predict
    from interplay.vocabulary import Vocabulary

    Work = Callable[[Predict, Vocabulary, Console, Console], int]

EXAMPLE = "interplay detect photos/ --output interactions.jsonl --pictures drawn/"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "images",
        nargs="*",
        metavar="PATH",
        help="images, folders or patterns (- reads a list from standard input), or one clip",
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
    add_model(parser, boxes=True)
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--rate",
        type=rate,
        default=DEFAULT_FRAME_RATE,
        metavar="R",
        help="look at R frames a second, or all (default: %(default)g)",
    )
    clips.add_argument("--stride", type=positive, default=1, metavar="N", help="of these only every Nth")
    clips.add_argument(
        "--decoder", choices=DECODERS, default=DECODERS[0], help="what reads a clip's file (default: %(default)s)"
    )
    clips.add_argument(
        "--frames-per-second", type=rate, metavar="R", help="the images are frames of a clip, R of them a second"
    )
    add_text_classes(parser)


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
    from interplay.pipeline.results import check_output, check_settings
    from interplay.pipeline.screen import say

    messages = Console(stderr=True)
    if arguments.sample == bool(arguments.images):
        raise InputError("give images, folders or patterns, or --sample for the picture that comes with interplay")
    clip = _clip(arguments)
    if arguments.sample:
        from interplay.samples import sample_path

        images = [sample_path()]
    else:
        images = [] if clip else find_images(arguments.images)
    stream = _standard_output() if str(arguments.output) == "-" else None
    output = None if stream else arguments.output
    if output is not None:
        check_output(output)
    model = model_options(arguments)
    model.check()
    settings = model.settings()
    if output is not None and not arguments.overwrite:
        check_settings(output, settings, whole=False)
    work = (
        _clip_work(arguments, clip, images, settings)
        if clip or arguments.frames_per_second
        else _image_work(arguments, images, settings, stream)
    )
    with messages.status(f"loading {arguments.model}"), without_collection():
        inference = model.load()
    failures = work(inference, inference.model.vocabulary, messages if stream else Console(), messages)
    for note in inference.notes():
        say(messages, note)
    return 1 if failures else 0


def _clip(arguments: argparse.Namespace) -> str | None:
    """The clip that is given instead of images.

    Raises:
        InputError: more than one, or options that are for images.
    """
    from interplay.errors import InputError
    from interplay.video.reader import is_video

    clips = [name for name in arguments.images if is_video(name)]
    if not (clips or arguments.frames_per_second):
        return None
    if clips and (len(arguments.images) > 1 or arguments.frames_per_second):
        raise InputError(f"give one clip alone; {clips[0]} is a clip")
    for name in ("report", "top_k"):
        if getattr(arguments, name):
            raise InputError(f"--{name.replace('_', '-')} is for images, not for a clip")
    if str(arguments.output) == "-":
        raise InputError("--output - is for images: a clip's result is a file, give its name")
    return clips[0] if clips else None


def _clip_work(arguments: argparse.Namespace, clip: str | None, images: list[Path], settings: dict[str, Any]) -> Work:
    from interplay.errors import InputError
    from interplay.pipeline import chosen_min_score
    from interplay.pipeline.clip import ClipJob, run_clip

    if arguments.pictures is not None:
        raise InputError("a drawn clip goes beside --output: leave --pictures out")
    rate = arguments.rate if clip else None if arguments.rate == DEFAULT_FRAME_RATE else arguments.rate
    job = ClipJob(
        clip or str(arguments.images[0]),
        arguments.output,
        images=_in_order(images),
        images_rate=arguments.frames_per_second,
        rate=rate,
        stride=arguments.stride,
        decoder=arguments.decoder,
        settings=settings,
        min_score=chosen_min_score(arguments.model, arguments.weights, arguments.min_score),
        show=arguments.show,
        batch_size=arguments.batch_size,
        overwrite=arguments.overwrite,
    )
    return partial(run_clip, job)


def _in_order(images: list[Path]) -> list[Path]:
    """Frames by the numbers in their names: 2.jpg comes before 10.jpg."""
    return sorted(images, key=lambda p: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", p.as_posix())])


def _image_work(
    arguments: argparse.Namespace, images: list[Path], settings: dict[str, Any], stream: TextIO | None
) -> Work:
    from interplay.pipeline import Job, chosen_min_score, run_job

    job = Job(
        images,
        output=None if stream else arguments.output,
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
    return partial(run_job, job)


def _standard_output() -> TextIO:
    """Standard output as JSON Lines have it: UTF-8, whatever the console's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout
