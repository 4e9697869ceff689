"""Our tracker beside those of the package `trackers`, on generated clips with exact tracks: HOTA and IDF1.

    interplay synthesize clips --clips 12 --frames 48 --rate 8 --workers 2
    interplay detect "clips/images/*/*.jpg" --output boxes.jsonl --detector-score 0.1
    python benchmarks/tracking.py clips [--boxes boxes.jsonl]

`trackers` needs an OpenCV of its own, so run the last line in an environment of its own, where ``pip install -e .
trackers trackeval`` was done. TrackEval computes HOTA (Luiten et al., IJCV 2021) and IDF1 (Ristani et al., 2016) over
all clips; without `trackers` ours is measured alone. Boxes of different objects never match, neither in the scores nor
in a tracker: the others, which know no classes, follow each class alone.

Three kinds of boxes: as annotated, all with score 1; imitated detections (every edge moved, boxes missing, false ones,
scores like the default detector's, all drawn for each frame alone); and a real detector's, from a file.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.detectors.tracking import Tracker, TrackerOptions
from interplay.errors import InputError
from interplay.formats import read
from interplay.models.tin_spatial.augmentation import draw_scores, jitter
from interplay.ops.boxes import box_iou
from interplay.ops.image_names import ImageNames
from interplay.table import InteractionTable
from interplay.vocabulary import PERSON


@dataclass(frozen=True)
class Boxes:
    """The boxes of a frame: (N, 4), (N,) names of objects, (N,) scores and, of annotations, (N,) tracks."""

    boxes: NDArray[np.float64]
    names: NDArray[np.str_]
    scores: NDArray[np.float32]
    track: NDArray[np.int64]

    def take(self, rows: NDArray) -> Boxes:
        return Boxes(self.boxes[rows], self.names[rows], self.scores[rows], self.track[rows])


Clip = list[tuple[float, Boxes]]
"""Seconds and boxes of each frame."""

Follow = Callable[[Clip, float], list[NDArray[np.int64]]]
"""Numbers (N,) of the tracks of each frame's boxes, -1 where there is none, from a clip and its frames a second."""


def annotated(folder: Path) -> tuple[list[Clip], list[str]]:
    """The clips of a generated folder, and the names of all frames in their order."""
    file = folder / "annotations.jsonl"
    if not file.is_file():
        raise InputError(f"{folder} holds no annotations.jsonl: expected what `interplay synthesize --clips` writes")
    table = read(file)
    if table.time is None or table.track is None:
        raise InputError(f"{file} has no tracks: expected what `interplay synthesize --clips` writes")
    names, clips = np.array(table.vocabulary.objects), defaultdict[str, Clip](list)
    for image in table:
        assert image.track is not None  # as the table has them
        assert image.time is not None
        frame = Boxes(image.boxes.astype(float), names[image.labels], image.box_scores, image.track)
        clips[str(Path(str(image.file)).parent)].append((float(image.time), frame))
    return list(clips.values()), list(table.files)


def imitated(clips: list[Clip], miss: float, deviation: float, most_false: int) -> list[Clip]:
    """The same clips as a detector might see them; false boxes are those of other frames of the clip, moved."""
    generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)

    def seen(clip: Clip, frame: Boxes) -> Boxes:
        there = frame.take(np.flatnonzero(rng.random(len(frame.boxes)) >= miss))
        others = clip[rng.integers(len(clip))][1]
        count = rng.integers(most_false + 1) if len(others.boxes) else 0
        false = others.take(rng.integers(len(others.boxes), size=count)) if count else others.take(np.zeros(0, int))
        places = false.boxes + np.tile(rng.normal(0, 60, (count, 2)), 2)
        boxes = torch.from_numpy(np.concatenate([there.boxes, places]))
        names = np.concatenate([there.names, false.names])
        true = torch.arange(len(boxes)) < len(there.boxes)
        scores = draw_scores(torch.from_numpy(names == PERSON), true, generator)
        return Boxes(jitter(boxes, deviation, generator).numpy(), names, scores.numpy(), np.full(len(boxes), -1))

    return [[(when, seen(clip, frame)) for when, frame in clip] for clip in clips]


def detected(clips: list[Clip], names: list[str], table: InteractionTable) -> list[Clip]:
    """The same clips with the boxes of a result file."""
    found, objects, rows = ImageNames(table.files), np.array(table.vocabulary.objects), iter(names)

    def seen(name: str) -> Boxes:
        row = found.find(name)
        if row < 0:
            raise InputError(f"no boxes of {name}")
        image = table[row]
        return Boxes(image.boxes.astype(float), objects[image.labels], image.box_scores, np.full(len(image.boxes), -1))

    return [[(when, seen(next(rows))) for when, _ in clip] for clip in clips]


def ours(clip: Clip, rate: float, late: bool = True) -> list[NDArray[np.int64]]:
    """By interplay's tracker; `late`: as results have it, when the next frame is known."""
    tracker, labels, numbers, before = Tracker(), defaultdict[str, int](), [], []
    labels.default_factory = labels.__len__
    for when, frame in clip:
        label = np.array([labels[name] for name in frame.names], np.int64)
        numbers.append(tracker.follow(frame.boxes, label, frame.scores, when))
        before.append(tracker.before)
    return [*before[1:], numbers[-1]] if late else numbers


def theirs(clip: Clip, rate: float, kind: Any, options: Mapping[str, Any]) -> list[NDArray[np.int64]]:
    """By a tracker of the package `trackers` for each class."""
    import supervision

    each: dict[str, tuple[int, Any]] = {}
    numbers = []
    for _, frame in clip:
        numbers.append(np.full(len(frame.boxes), -1, np.int64))
        for name in frame.names.tolist():
            each.setdefault(name, (len(each), kind(frame_rate=rate, **options)))
        for name, (place, tracker) in each.items():
            rows = np.flatnonzero(frame.names == name)
            detections = supervision.Detections(
                frame.boxes[rows].astype(np.float32).reshape(-1, 4),
                confidence=frame.scores[rows],
                class_id=np.zeros(len(rows), int),
                data={"row": rows},
            )
            answer = tracker.update(detections)  # may be in another order
            if len(answer):
                found = np.asarray(answer.tracker_id)
                numbers[-1][np.asarray(answer.data["row"])] = np.where(found >= 0, 1000 * found + place, -1)
    return numbers


def trackers() -> dict[str, Follow]:
    """What is compared, by name."""
    made: dict[str, Follow] = {"interplay": ours, "interplay, at once": partial(ours, late=False)}
    try:
        from trackers import ByteTrackTracker, OCSORTTracker, SORTTracker
    except ImportError:
        return made
    limits = TrackerOptions()
    same = {
        "track_activation_threshold": limits.sure,
        "high_conf_det_threshold": limits.sure,
        "minimum_iou_threshold": limits.overlap,
        "lost_track_buffer": round(30 * limits.patience),
        "minimum_consecutive_frames": 1,
    }
    made["ByteTrack"] = partial(theirs, kind=ByteTrackTracker, options={})
    made["ByteTrack, our limits"] = partial(theirs, kind=ByteTrackTracker, options=same)
    made["OC-SORT"] = partial(theirs, kind=OCSORTTracker, options={})
    made["SORT"] = partial(theirs, kind=SORTTracker, options={})
    return made


def sequence(truth: Clip, found: list[Boxes], people: bool) -> dict[str, Any]:
    """What TrackEval wants to know of a clip, of the people or of all else."""
    ids: tuple[dict[tuple[str, int], int], ...] = ({}, {})
    frames: tuple[list[NDArray[np.int64]], ...] = ([], [])
    overlaps = []
    for (_, true), followed in zip(truth, found, strict=True):
        both = [frame.take(((frame.names == PERSON) == people) & (frame.track >= 0)) for frame in (true, followed)]
        overlap = box_iou(both[0].boxes, both[1].boxes)
        overlaps.append(np.where(both[0].names[:, None] == both[1].names, overlap, 0.0))
        for known, numbers, frame in zip(ids, frames, both, strict=True):
            keys = zip(frame.names.tolist(), frame.track.tolist(), strict=True)
            numbers.append(np.array([known.setdefault(key, len(known)) for key in keys], np.int64))
    return {
        "gt_ids": frames[0],
        "tracker_ids": frames[1],
        "similarity_scores": overlaps,
        "num_gt_ids": len(ids[0]),
        "num_tracker_ids": len(ids[1]),
        "num_gt_dets": sum(map(len, frames[0])),
        "num_tracker_dets": sum(map(len, frames[1])),
        "num_timesteps": len(truth),
    }


def scores(sequences: list[dict[str, Any]]) -> Iterator[float]:
    """HOTA, its detection and association part, and IDF1, 0..1."""
    from trackeval.metrics import HOTA, Identity

    hota, identity = HOTA(), Identity({"PRINT_CONFIG": False})
    whole = hota.combine_sequences({str(i): hota.eval_sequence(s) for i, s in enumerate(sequences)})
    yield from (float(np.mean(whole[name])) for name in ("HOTA", "DetA", "AssA"))
    yield float(
        identity.combine_sequences({str(i): identity.eval_sequence(s) for i, s in enumerate(sequences)})["IDF1"]
    )


def followed(clips: list[Clip], follow: Follow, rate: float) -> tuple[list[list[Boxes]], float]:
    """The clips' boxes with tracks, and milliseconds of processor time a frame."""
    begin, done = time.process_time(), []
    for clip in clips:
        numbers = follow(clip, rate)
        done.append([replace(frame, track=track) for (_, frame), track in zip(clip, numbers, strict=True)])
    return done, 1e3 * (time.process_time() - begin) / sum(map(len, clips))


def main() -> None:
    """Follow, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="folder that `interplay synthesize --clips` wrote")
    parser.add_argument("--boxes", type=Path, metavar="FILE", help="a detector's boxes of the same frames")
    parser.add_argument("--stride", type=int, default=1, help="look at every Nth frame (default: %(default)s)")
    parser.add_argument("--miss", type=float, default=0.2, help="share of boxes missing (default: %(default)s)")
    parser.add_argument("--jitter", type=float, default=0.05, help="deviation of edges, of the size (%(default)s)")
    parser.add_argument("--false", type=int, default=6, help="up to so many false boxes a frame (%(default)s)")
    options = parser.parse_args()
    try:
        import trackeval  # noqa: F401
    except ImportError:
        raise InputError("HOTA and IDF1 come from TrackEval: pip install trackeval") from None
    truth, names = annotated(options.clips)
    kinds = {
        "annotated": truth,
        "imitated": imitated(truth, options.miss, options.jitter, options.false),
    }
    if options.boxes:
        kinds["detected"] = detected(truth, names, read(options.boxes))
    kinds = {kind: [clip[:: options.stride] for clip in clips] for kind, clips in kinds.items()}
    truth = kinds["annotated"]
    rate = 1 / float(np.median(np.diff([when for when, _ in truth[0]])))
    count = sum(map(len, truth))
    table = Table("boxes", "tracker", "of", "HOTA", "DetA", "AssA", "IDF1", "ms a frame")
    for kind, clips in kinds.items():
        for name, follow in trackers().items():
            found, taken = followed(clips, follow, rate)
            for people in (True, False):
                numbers = scores([sequence(t, f, people) for t, f in zip(truth, found, strict=True)])
                of = "people" if people else "objects"
                table.add_row(kind, name, of, *(f"{100 * n:.1f}" for n in numbers), f"{taken:.2f}")
        table.add_section()
    console = Console()
    console.print(f"{len(truth)} clips, {count:,} frames, {rate:.3g} a second")
    console.print(table)


if __name__ == "__main__":
    run_script(main)
