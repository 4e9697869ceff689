"""`interplay datasets prepare-contact` and `make-vqa`: their options, and what they do."""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_device
from interplay.commands._types import names, positive

PREPARE_EXAMPLE = "interplay datasets prepare-contact damon -o damon_views --body SMPLH_NEUTRAL.pkl --workers 2"
VQA_EXAMPLE = (
    "interplay datasets make-vqa damon/train --images damon/train/images --endpoint https://HOST/v1 --model NAME "
    "-o answers.txt"
)


def add_prepare(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``prepare-contact``."""
    parser.add_argument(
        "source", type=Path, metavar="DATA", help="a generated data set, DAMON, LEMON, RICH or PIAD (points)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--split", default="train", help="split of a folder that has several (default: train)")
    parser.add_argument(
        "--body",
        metavar="FILE",
        help="your file of SMPL or SMPL-H (.npz, .pkl), whose vertices are labelled; generated scenes have the "
        "built-in body",
    )
    parser.add_argument(
        "--only",
        type=names,
        metavar="A,B",
        help="some of: masks (of bodies in views), contact2d (in the photograph), objects (views, masks, tables), "
        "points (views, heat maps, tables); contact2d and objects of generated scenes (default: all that there are)",
    )
    parser.add_argument("--size", type=positive, default=1024, metavar="PX", help="side of a view (default: 1024)")
    parser.add_argument(
        "--min-vertices",
        type=int,
        choices=[1, 2, 3],
        default=2,
        help="how many vertices of a triangle must be in contact for its pixels to be (default: 2, as for DAMON)",
    )
    parser.add_argument(
        "--foot-ground", action="store_true", help="of DAMON: contact of feet with the ground, not with supports"
    )
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="processes, one core each (default: 1)"
    )


def run_prepare(arguments: argparse.Namespace) -> int:
    """Prepare, and say where it is."""
    from rich.console import Console

    from interplay.pipeline.contact_data import PrepareJob, prepare_contact
    from interplay.pipeline.screen import say

    job = PrepareJob(
        source=arguments.source,
        output=arguments.output,
        split=arguments.split,
        body=arguments.body,
        kinds=tuple(arguments.only) if arguments.only else None,
        size=arguments.size,
        min_vertices=arguments.min_vertices,
        foot_ground=arguments.foot_ground,
    )
    console = Console(stderr=True)
    samples = prepare_contact(job, console, arguments.workers)
    with samples.open("rb") as stream:
        count = sum(1 for _ in stream)
    say(console, f"{samples}: {count:,} samples")
    return 0


def add_vqa(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``make-vqa``."""
    parser.add_argument(
        "source",
        metavar="PAIRS",
        help="a .txt or .csv with lines IMAGE,OBJECT, or annotated contact (DAMON, generated)",
    )
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of the images")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="file of answers to write, .txt; it is continued",
    )
    parser.add_argument("--split", default="train", help="split of annotated contact (default: train)")
    parser.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible API, such as https://HOST/v1")
    parser.add_argument(
        "--model", required=True, metavar="NAME", help="its name there; without --endpoint a model of transformers"
    )
    parser.add_argument(
        "--key-variable",
        default="OPENAI_API_KEY",
        metavar="VAR",
        help="environment variable that holds the key, if one is needed (default: OPENAI_API_KEY)",
    )
    parser.add_argument(
        "--per-minute", type=positive, default=60, metavar="N", help="most requests a minute (default: 60)"
    )
    parser.add_argument(
        "--parallel", type=positive, default=4, metavar="N", help="requests at a time, of an endpoint (default: 4)"
    )
    add_device(parser)


def run_vqa(arguments: argparse.Namespace) -> int:
    """Ask, and say what became of it; 1 where some pairs have no answer."""
    import os

    from rich.console import Console

    from interplay.files import check_target
    from interplay.pipeline.make_vqa import VqaJob, make_vqa, read_pairs
    from interplay.pipeline.screen import say
    from interplay.text.chat import Chat, ChatEndpoint, LocalChat

    check_target(arguments.output, (".txt",))
    job = VqaJob(
        pairs=read_pairs(arguments.source, arguments.split),
        images=arguments.images,
        output=arguments.output,
        settings={"model": arguments.model, "endpoint": arguments.endpoint},
        parallel=arguments.parallel if arguments.endpoint else 1,
    )
    if arguments.endpoint:
        key = os.environ.get(arguments.key_variable, "").strip()
        chat: Chat = ChatEndpoint(arguments.endpoint, arguments.model, key, per_minute=arguments.per_minute)
    else:
        chat = LocalChat(arguments.model, arguments.device)
    console = Console(stderr=True)
    counts = make_vqa(job, chat, console)
    say(
        console, f"{arguments.output}: {counts.answered:,} answered, {counts.before:,} before, {counts.failed:,} failed"
    )
    return int(counts.failed > 0)
