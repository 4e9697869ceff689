"""`synthesize_clips`: clips of the generated world, with tracks and relations that are exact in every frame."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from interplay._version import __version__
from interplay.datasets.generated.files import IMAGES, scene_name
from interplay.datasets.generated.settings import EDITION
from interplay.errors import InputError
from interplay.files import check_folder_target
from interplay.formats import read, write
from interplay.interactions import Interactions
from interplay.locks import locked
from interplay.table import InteractionTable
from interplay.video.relations import clip_annotation
from interplay.vocabulary import Vocabulary
from interplay.workers import in_processes

from . import worker
from .files import write_bytes
from .folder import check_is_ours, claim, prepare_body

_WHAT = "set of generated clips"

CLIPS = "clips.json"
"""File with the settings that made a folder of clips."""

RELATIONS, FRAMES = "annotations", "frames"
"""Folders: each clip's relations as VidVRD has them, and its frames as interplay's JSON Lines."""


@dataclass(frozen=True)
class ClipSettings:
    """What a folder of clips consists of.

    Attributes:
        clips: how many.
        frames: of each.
        rate: frames a second.
        seed: which world.
        size: longer side of the pictures in pixels.
        start: index of the first clip; clip i shows what scene i of the seed shows.
        acts: names of the acts that may occur; None for all.
    """

    clips: int
    frames: int = 32
    rate: float = 8.0
    seed: int = 0
    size: int = 384
    start: int = 0
    acts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, least in (("clips", 1), ("frames", 2), ("seed", 0), ("size", 32), ("start", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        if not 0 < self.rate < np.inf:
            raise InputError(f"the rate must be above 0, got {self.rate:g}")

    def fingerprint(self) -> dict[str, Any]:
        """All that must agree for a run to be continued: everything but the number of clips."""
        content = {k: v for k, v in asdict(self).items() if k != "clips"}
        return {**content, "edition": EDITION, "interplay": __version__}


def synthesize_clips(
    out: str | os.PathLike[str], settings: ClipSettings, workers: int = 1, console: Console | None = None
) -> Path:
    """Write clips to a folder, each as a folder of pictures; a run that was stopped goes on.

    ``images/CLIP/FRAME.jpg``; ``annotations/CLIP.json``: trajectories and relations in VidVRD's form, which
    ``interplay evaluate clips`` reads; ``annotations.jsonl``: every frame with boxes, keypoints, tracks, seconds, and
    the people of whom nobody can tell what they do (``unlabelled``).

    Args:
        out: the folder; made if it is not there.
        settings: what to make.
        workers: processes, one core each.
        console: where progress goes; none by default.

    Returns:
        The annotations file.

    Raises:
        InputError: the folder holds something else, or clips of other settings; no such act.
        MissingExtraError: the extra ``body`` is not installed.
    """
    from interplay.world.acts import find_acts

    console = console or Console(quiet=True)
    folder = check_folder_target(out)
    find_acts(settings.acts)
    check_is_ours(folder, CLIPS, _WHAT)
    with locked(folder, folder=True):
        claim(folder, CLIPS, settings.fingerprint(), _WHAT)
        prepare_body(console)
        wanted = [scene_name(i) for i in range(settings.start, settings.start + settings.clips)]
        missing = [
            (str(folder), int(name), asdict(settings))
            for name in wanted
            if not (folder / RELATIONS / f"{name}.json").is_file()
        ]
        columns = (TextColumn("clips"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("clips", total=len(wanted), completed=len(wanted) - len(missing))
            try:
                for _ in in_processes(make_clip, missing, workers, worker.start, ({},)):
                    progress.advance(bar)
            except KeyboardInterrupt:
                console.print(f"stopped; run the same command again to go on in {folder}", highlight=False)
                raise
        frames = [image for name in wanted for image in read(folder / FRAMES / f"{name}.jsonl", _vocabulary())]
        annotations = folder / "annotations.jsonl"
        write(InteractionTable.from_list(frames, _vocabulary()), annotations)
        return annotations


def make_clip(folder: str, index: int, content: Mapping[str, Any]) -> int:
    """Write all files of a clip, its relations last; returns its index."""
    from interplay.world.labels import label
    from interplay.world.motion import Motion
    from interplay.world.rendering.image import encode_jpeg, render
    from interplay.world.sampler import sample_scene

    settings = ClipSettings(**content)
    out, name = Path(folder), scene_name(index)
    scene = sample_scene(settings.seed, index, settings.size, acts=settings.acts)
    motion = Motion(scene, np.random.default_rng([settings.seed, index, 2]), settings.frames, settings.rate)
    frames: list[Interactions] = []
    for frame in range(len(motion)):
        moment = motion[frame]
        rendering = render(moment.scene, np.random.default_rng([settings.seed, index, 3, frame]))
        labels = label(moment.scene, rendering, _vocabulary())
        found, file = labels.interactions, f"{IMAGES}/{name}/{frame:06d}.jpg"
        write_bytes(out / file, encode_jpeg(rendering.image))
        passing = np.isin(labels.instances, sorted(moment.unlabelled))
        assert found.unlabelled is not None
        columns: dict[str, Any] = {
            "track": labels.instances,
            "time": frame / settings.rate,
            "unlabelled": found.unlabelled | passing,
        }
        frames.append(replace(found, file=file, **columns))
    write(InteractionTable.from_list(frames, _vocabulary()), out / FRAMES / f"{name}.jsonl")
    relations = clip_annotation(name, frames, settings.rate)
    write_bytes(out / RELATIONS / f"{name}.json", (json.dumps(relations) + "\n").encode())
    return index


def _vocabulary() -> Vocabulary:
    return Vocabulary.load("generated")
