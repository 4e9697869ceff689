"""Write a generated data set: pictures of people doing objects, with exact labels in 2D and 3D.

The same options give the same bytes. A run that was stopped goes on when the same command is given again.
Needs the extra "body" (pip install "interplay[body]"); its first use on a machine computes the body
model once and keeps it: 1 GB in ~/.cache/anny, or in the folder that ANNY_CACHE_DIR names.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from interplay.commands._types import natural, positive
from interplay.commands._types import rate as frame_rate

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLE = "interplay synthesize scenes --scenes 2000 --seed 0 --size 384 --workers 2"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("output", nargs="?", metavar="OUT", help="folder to write to")
    parser.add_argument("--scenes", type=positive, default=100, metavar="N", help="how many pictures (default: 100)")
    parser.add_argument("--seed", type=natural, default=0, help="another number gives another world (default: 0)")
    parser.add_argument(
        "--size", type=positive, default=384, metavar="PX", help="longer side of a picture (default: 384)"
    )
    parser.add_argument("--start", type=natural, default=0, metavar="N", help="index of the first scene (default: 0)")
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="processes, one core each (default: 1)"
    )
    parser.add_argument("--acts", metavar="A,B", help="only these acts, by name; 'help' lists them")
    parser.add_argument(
        "--mesh",
        action="append",
        default=[],
        metavar="CATEGORY=FILE",
        help="a mesh of your own (.glb, .obj, .stl, .ply) in place of a category's; may be repeated",
    )
    parser.add_argument(
        "--labels", choices=["all", "image"], default="all", help="image: without masks, depth and contact"
    )
    parser.add_argument("--glb", action="store_true", help="also write each scene in 3D")
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--clips",
        type=positive,
        metavar="N",
        help="write N clips of moving people instead of pictures: frames, exact tracks, relations in VidVRD's form",
    )
    clips.add_argument("--frames", type=positive, default=32, metavar="N", help="of each clip (default: %(default)s)")
    clips.add_argument(
        "--rate", type=frame_rate, default=8.0, metavar="R", help="frames a second (default: %(default)g)"
    )
    parser.add_argument(
        "--benchmark", metavar="NAME", help="a fixed benchmark (generated-v2) instead of --scenes, --seed and --size"
    )
    parser.add_argument(
        "--split", choices=["train", "val", "test"], help="only this split of the benchmark (default: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate, and say where it is."""
    from pathlib import Path

    from rich.console import Console

    from interplay.datasets.generated import Settings
    from interplay.errors import InputError
    from interplay.world import synthesize

    console = Console(stderr=True)
    if arguments.acts == "help":
        _list_acts()
        return 0
    if arguments.output is None:
        raise InputError("give OUT, the folder to write to, such as 'interplay synthesize scenes'")
    if arguments.clips:
        return _make_clips(arguments, console)
    if arguments.benchmark:
        jobs = [
            (Path(arguments.output) / split, settings)
            for split, settings in _splits(arguments.benchmark, arguments.split).items()
        ]
    else:
        meshes = dict(_category_and_file(text) for text in arguments.mesh)
        settings = Settings(
            scenes=arguments.scenes,
            seed=arguments.seed,
            size=arguments.size,
            start=arguments.start,
            acts=_acts(arguments.acts),
            meshes=meshes,
            labels=arguments.labels,
            glb=arguments.glb,
        )
        jobs = [(Path(arguments.output), settings)]
    for folder, settings in jobs:
        path = synthesize(folder, settings, arguments.workers, console)
        console.print(f"wrote {path}; see {folder / 'README.md'}", highlight=False)
    return 0


def _make_clips(arguments: argparse.Namespace, console: Console) -> int:
    from pathlib import Path

    from interplay.errors import InputError
    from interplay.world.writer.clips import ClipSettings, synthesize_clips

    for name in ("benchmark", "mesh", "glb"):
        if getattr(arguments, name):
            raise InputError(f"--{name} is for pictures, not for clips")
    settings = ClipSettings(
        clips=arguments.clips,
        frames=arguments.frames,
        rate=arguments.rate,
        seed=arguments.seed,
        size=arguments.size,
        start=arguments.start,
        acts=_acts(arguments.acts),
    )
    path = synthesize_clips(arguments.output, settings, arguments.workers, console)
    console.print(f"wrote {path}; clips are in {Path(arguments.output) / 'images'}", highlight=False)
    return 0


def _acts(text: str | None) -> tuple[str, ...] | None:
    return tuple(a.strip() for a in text.split(",")) if text else None


def _splits(name: str, split: str | None) -> dict:
    from interplay.datasets.generated import BENCHMARKS
    from interplay.datasets.generated.settings import EDITION
    from interplay.errors import InputError, near_matches

    made = [key for key, benchmark in BENCHMARKS.items() if benchmark.edition == EDITION]
    if name not in BENCHMARKS:
        raise InputError(f"unknown benchmark {name!r}: expected {', '.join(made)}.{near_matches(name, made)}")
    if name not in made:
        raise InputError(
            f"{name} is retired: this version draws other scenes. Give --benchmark {made[-1]}; a folder that holds "
            f"{name} can be read, checked and trained on as before"
        )
    splits = BENCHMARKS[name].splits
    return {split: splits[split]} if split else splits


def _category_and_file(text: str) -> tuple[str, str]:
    from interplay.errors import InputError

    category, equals, path = text.partition("=")
    if not equals or not category or not path:
        raise InputError(f"--mesh: expected CATEGORY=FILE, such as chair=my_chair.glb, got {text!r}")
    return category, path


def _list_acts() -> None:
    from interplay.world.acts import ACTS

    for act in ACTS.values():
        what = ", ".join(f"{verb} {category}".strip() for verb, category in act.interactions)
        print(f"{act.name}: {what or 'nothing, a hard negative'} ({', '.join(act.places)})")
