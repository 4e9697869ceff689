"""Of a clip: people and objects of each frame, smoothed over time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.tracking import Tracker
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.video import read_frames, write_clip

from .options import ReconstructOptions
from .pairs import Pair, choose_pairs
from .people import people_of, track_of
from .photograph import Reconstructor
from .result import Known, Reconstruction
from .smoothing import smoothed

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.interactions import Interactions

_HEIGHT = 360


def reconstruct_clip(
    worker: Reconstructor, source: str, folder: Path, rate: float, smooth: float, messages: Console
) -> tuple[list[str], list[Path]]:
    """Reconstruct the frames of a clip and write ``overlay.mp4``, ``fits.jsonl`` and the middle frame's ``scene.glb``.

    Returns lines for the console, and the files.

    Args:
        worker: what finds and fits.
        source: the clip.
        folder: where to write.
        rate: frames a second that are looked at.
        smooth: standard deviation in frames of the Gaussian that positions and rotations are averaged with; 0 does not.
        messages: where progress is shown.

    Raises:
        InputError: a negative `smooth`; see also `reconstruct_frames`.
        MissingExtraError: PyAV or trimesh is not installed.
    """
    if not smooth >= 0:
        raise InputError(f"--smooth: expected 0 or more frames, got {smooth}")
    found = reconstruct_frames(worker, source, rate, messages)
    found = dict(zip(found, smoothed(list(found.values()), smooth), strict=True))
    return frames_in_words(list(found.values()), worker.mesh_warnings), write_frames(folder, source, rate, found)


def frames_in_words(frames: Sequence[Reconstruction], warnings: Sequence[str] = ()) -> list[str]:
    """Lines for the console: who and what is in how many frames, and each kind of warning once.

    Args:
        frames: one or more.
        warnings: of the whole clip.
    """
    count = len(frames)
    people = Counter(person.track for each in frames for person in each.people)
    objects = Counter((placed.track, placed.report["category"]) for each in frames for placed in each.objects)
    lines = [f"{count} frames with somebody; camera: {frames[0].camera_from}"]
    lines += [f"person, track {track}: in {n} frames" for track, n in people.most_common()]
    lines += [f"{category}, track {track}: in {n} frames" for (track, category), n in objects.most_common()]
    if not objects:
        lines.append("no object: nothing is found that a person uses; --category says what to look for")
    said: dict[str, list[str]] = {}
    for each in frames:
        for text in each.report()["warnings"]:
            said.setdefault(re.sub(r"[\d.]+", "", text), []).append(text)
    lines += [f"warning: {text}" for text in warnings]
    return lines + [f"warning in {len(texts)} of {count} frames, for instance: {texts[0]}" for texts in said.values()]


def write_frames(folder: Path, source: str, rate: float, found: Mapping[float, Reconstruction]) -> list[Path]:
    """Write the files of `reconstruct_clip`; returns them.

    Args:
        folder, source, rate: as of `reconstruct_clip`.
        found: what is in each frame, by its time.

    Raises:
        MissingExtraError: PyAV or trimesh is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "overlay.mp4", folder / "fits.jsonl", folder / "scene.glb"]
    write_clip(files[0], _pictures(source, rate, found))
    with atomic_path(files[1]) as target:
        lines = [json.dumps({"time": round(time, 3), **each.report()}) for time, each in found.items()]
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    middle = list(found.values())[len(found) // 2]
    middle.scene().save_glb(files[2], middle.size)
    return files


def reconstruct_frames(
    worker: Reconstructor, source: str, rate: float, messages: Console
) -> dict[float, Reconstruction]:
    """What is in each frame of a clip, by its time, not yet smoothed.

    First all frames are looked at: boxes are tracked, and the pairs that are chosen in most frames are the clip's. Then
    each frame is fitted. A body begins where it was in the frame before, and so does an object, which keeps the mesh of
    the first frame in which it is found. Frames without anybody are left out.

    Args:
        worker, source, rate, messages: as of `reconstruct_clip`.

    Raises:
        InputError: nobody in any frame, or a body or mask is given, which are of one picture.
        MissingExtraError: PyAV is not installed.
    """
    from rich.progress import track

    if worker.options.body is not None or worker.options.mask is not None:
        raise InputError("--body and --mask are of one photograph; a clip's bodies and masks are found frame by frame")
    if len(worker.options.heights) > 1:
        raise InputError("--height: give one for everybody in a clip, whose people come and go")
    seen = _seen(worker, source, rate, messages)
    pairs = _pairs_of_clip(seen, worker.options)
    known, found = Known(), dict[float, Reconstruction]()
    reason = "it has no frame"
    frames = (frame for frame in read_frames(source, rate=rate) if frame.time in seen)
    for frame in track(frames, "fitting", len(seen), console=messages):
        each = seen[frame.time]
        try:
            found[frame.time] = result = worker.in_frame(frame.image, each.found, each.boxes(pairs), known)
        except InputError as error:
            reason = str(error)
            continue
        known.learn(result)
    if not found:
        raise InputError(f"{source}: nothing is reconstructed in any frame: {reason}")
    return found


@dataclass(frozen=True)
class _Seen:
    """What is seen in a frame, with tracks, and the pairs that would be chosen in it alone, as tracks."""

    found: Interactions
    pairs: tuple[Pair, ...]

    def boxes(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The boxes of pairs of tracks, of those whose boxes are there."""
        assert self.found.track is not None
        box = {int(number): k for k, number in enumerate(self.found.track) if number >= 0}
        return [(box[human], box[object]) for human, object in pairs if human in box and object in box]


def _seen(worker: Reconstructor, source: str, rate: float, messages: Console) -> dict[float, _Seen]:
    """What is seen in each frame, by its time.

    Raises:
        InputError: in no frame is there anybody, or what is asked for.
    """
    tracker, times = Tracker(), list[float]()
    tracked: list[Interactions | None] = []
    with messages.status("looking") as status:
        for frame in read_frames(source, rate=rate):
            status.update(f"looking at {frame.time:.1f} s")
            times.append(frame.time)
            tracked.append(tracker.track(worker.networks.interactions(frame.image, None), frame.time))
    tracked.append(tracker.last())
    seen: dict[float, _Seen] = {}
    refused: InputError | None = None
    for time, found in zip(times, tracked[1:], strict=True):  # each frame's tracks are known after the next
        assert found is not None
        try:
            chosen = choose_pairs(found, people_of(found), None, worker.options)
        except InputError as error:
            refused, chosen = error, []
        tracks = ((track_of(found, human), track_of(found, box)) for human, box in chosen)
        seen[time] = _Seen(found, tuple(pair for pair in tracks if min(pair) >= 0))
    if refused is not None and not any(each.pairs for each in seen.values()):
        raise InputError(f"{source}: in no frame: {refused}")
    return seen


def _pairs_of_clip(seen: dict[float, _Seen], options: ReconstructOptions) -> list[Pair]:
    """The pairs of tracks that are chosen in most frames, the most frequent first."""
    pairs = [pair for pair, _ in Counter(pair for each in seen.values() for pair in each.pairs).most_common()]
    return [pair for pair in pairs if not options.one_object or pair[1] == pairs[0][1]][: options.pairs]


def _pictures(
    source: str, rate: float, found: Mapping[float, Reconstruction]
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The frames again, each with what was found in it."""
    for frame in read_frames(source, rate=rate):
        result = found.get(frame.time)
        if result is not None:
            yield frame.time, result.scene().picture(frame.image, _HEIGHT)
