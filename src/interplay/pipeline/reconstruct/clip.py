"""Of a clip: people and objects of each frame, smoothed over time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.video import read_frames, write_clip

from .photograph import Reconstructor
from .result import Reconstruction

if TYPE_CHECKING:
    from rich.console import Console

_HEIGHT = 360


def reconstruct_clip(
    worker: Reconstructor, source: str, folder: Path, rate: float, smooth: float, messages: Console
) -> list[Path]:
    """Reconstruct the frames of a clip and write ``overlay.mp4``, ``fits.jsonl`` and the middle frame's ``scene.glb``.

    Each frame's body begins where the one before ended, and the object keeps the mesh of the first frame in which it is
    found. Frames without anybody are left out.

    Args:
        worker: what finds and fits.
        source: the clip.
        folder: where to write.
        rate: frames a second that are looked at.
        smooth: standard deviation in frames of the Gaussian that positions and rotations are averaged with; 0 does not.
        messages: where progress is shown.

    Raises:
        InputError: nobody in any frame, or a negative `smooth`.
        MissingExtraError: PyAV or trimesh is not installed.
    """
    if not smooth >= 0:
        raise InputError(f"--smooth: expected 0 or more frames, got {smooth}")
    times: list[float] = []
    found: list[Reconstruction] = []
    before: Reconstruction | None = None
    reason = "it has no frame"
    with messages.status("reconstructing") as status:
        for frame in read_frames(source, rate=rate):
            status.update(f"reconstructing {frame.time:.1f} s")
            try:
                result = worker(frame.image, before=before, together=False)  # sizes would change by frame
            except InputError as error:
                reason = str(error)
                continue
            if before is None or (before.people and len(result.objects) >= len(before.objects)):
                before = result
            times.append(frame.time)
            found.append(result)
    if not found:
        raise InputError(f"{source}: nothing is reconstructed in any frame: {reason}")
    found = smoothed(found, smooth)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "overlay.mp4", folder / "fits.jsonl", folder / "scene.glb"]
    write_clip(files[0], _pictures(source, rate, times, found))
    with atomic_path(files[1]) as target:
        lines = [json.dumps({"time": round(t, 3), **each.report()}) for t, each in zip(times, found, strict=True)]
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    middle = found[len(found) // 2]
    middle.scene().save_glb(files[2], middle.size)
    return files


def smoothed(frames: Sequence[Reconstruction], width: float) -> list[Reconstruction]:
    """Bodies and objects averaged over time with a Gaussian, each over the frames that have as many of them.

    Vertices of bodies are averaged where they are; of objects the translation, the scale, and the rotation as the one
    nearest to the rotations' mean.

    Args:
        width: standard deviation in frames; 0 changes nothing.
    """
    if width == 0:
        return list(frames)
    out = []
    for k, frame in enumerate(frames):
        near = [
            (other, float(np.exp(-0.5 * ((j - k) / width) ** 2)))
            for j, other in enumerate(frames)
            if abs(j - k) <= 3 * width
        ]
        people = [
            replace(person, vertices=_mean([(o.people[i].vertices, w) for o, w in near if _same(o, frame, i)]))
            for i, person in enumerate(frame.people)
        ]
        objects = []
        for i, each in enumerate(frame.objects):
            fits = [
                (o.objects[i].fit, w)
                for o, w in near
                if len(o.objects) > i and o.objects[i].candidate.name == each.candidate.name
            ]
            u, _, v = np.linalg.svd(_mean([(fit.rotation, w) for fit, w in fits]))
            turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v
            moved = _mean([(fit.translation, w) for fit, w in fits])
            scale = float(_mean([(np.array(fit.scale), w) for fit, w in fits]))
            fit = replace(each.fit, rotation=turn, translation=moved, scale=scale)
            report = {
                **each.report,
                "rotation": np.round(turn, 6).tolist(),
                "translation": np.round(moved, 5).tolist(),
                "scale": round(scale, 5),
            }
            objects.append(replace(each, fit=fit, report=report))
        out.append(replace(frame, people=people, objects=objects))
    return out


def _same(other: Reconstruction, frame: Reconstruction, person: int) -> bool:
    """Whether another frame's person with a number may be the same: as many people, and as many vertices."""
    return len(other.people) == len(frame.people) and (
        other.people[person].vertices.shape == frame.people[person].vertices.shape
    )


def _mean(values: Sequence[tuple[Array, float]]) -> Array:
    total = sum(weight for _, weight in values)
    return np.asarray(sum(weight * value for value, weight in values) / total)


def _pictures(
    source: str, rate: float, times: Sequence[float], found: Sequence[Reconstruction]
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The frames again, each with what was found in it."""
    by_time: dict[float, Any] = dict(zip(times, found, strict=True))
    for frame in read_frames(source, rate=rate):
        result = by_time.get(frame.time)
        if result is not None:
            yield frame.time, result.scene().picture(frame.image, _HEIGHT)
