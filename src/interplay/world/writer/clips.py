"""`synthesize_clips`: clips of the generated world, with tracks and relations that are exact in every frame."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from interplay.containers.json_files import read_json
from interplay.datasets.generated.files import IMAGES, scene_name
from interplay.errors import InputError
from interplay.files import check_folder_target
from interplay.formats import read, write
from interplay.interactions import Interactions
from interplay.locks import locked
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary
from interplay.workers import in_processes

from . import worker
from .files import write_bytes

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
    _check_is_ours(folder)
    with locked(folder, folder=True):
        _claim(folder, settings)
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


def clip_annotation(name: str, frames: Sequence[Interactions], rate: float) -> dict[str, Any]:
    """A clip in VidVRD's form: what can be seen in every frame, and the runs of frames in which something is done.

    Args:
        name: of the clip.
        frames: with tracks.
        rate: frames a second.
    """
    categories: dict[int, str] = {}
    trajectories = []
    runs: dict[tuple[int, str, int], list[list[int]]] = {}
    for number, frame in enumerate(frames):
        assert frame.track is not None
        tracks, objects = frame.track.tolist(), frame.vocabulary.objects
        categories |= {t: objects[i] for t, i in zip(tracks, frame.labels.tolist(), strict=True)}
        sides = ("xmin", "ymin", "xmax", "ymax")
        trajectories.append(
            [
                {"tid": t, "bbox": dict(zip(sides, map(int, box), strict=True)), "generated": 0, "tracker": "none"}
                for t, box in zip(tracks, frame.boxes.tolist(), strict=True)
            ]
        )
        for h, o, v in zip(frame.human.tolist(), frame.object.tolist(), frame.verb.tolist(), strict=True):
            if o < 0:
                continue
            known = runs.setdefault((tracks[h], frame.vocabulary.verbs[v], tracks[o]), [])
            if known and known[-1][1] == number:
                known[-1][1] = number + 1
            else:
                known.append([number, number + 1])
    return {
        "version": "interplay",
        "video_id": name,
        "frame_count": len(frames),
        "fps": rate,
        "width": frames[0].width,
        "height": frames[0].height,
        "subject/objects": [{"tid": t, "category": c} for t, c in sorted(categories.items())],
        "trajectories": trajectories,
        "relation_instances": [
            {"subject_tid": h, "predicate": verb, "object_tid": o, "begin_fid": begin, "end_fid": end}
            for (h, verb, o), spans in sorted(runs.items())
            for begin, end in spans
        ],
    }


def _vocabulary() -> Vocabulary:
    return Vocabulary.load("generated")


def _check_is_ours(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CLIPS).is_file():
        raise InputError(f"{folder} is not empty and holds no generated clips; give another folder")


def _claim(folder: Path, settings: ClipSettings) -> None:
    mine = {k: v for k, v in json.loads(json.dumps(asdict(settings))).items() if k != "clips"}
    described = folder / CLIPS
    if not described.is_file():
        write_bytes(described, (json.dumps(mine, indent=1) + "\n").encode())
        return
    content = read_json(described, "the settings of generated clips")
    differing = sorted(k for k in mine if not isinstance(content, dict) or mine[k] != content.get(k))
    if differing:
        raise InputError(f"{folder} holds clips of other settings ({', '.join(differing)}); give another folder")
