"""Poses of annotated people, estimated once and kept on disk, for annotations without keypoints."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy
from interplay.datasets import InteractionDataset
from interplay.datasets.images import ImageFinder
from interplay.detectors.pose import PoseEstimator, load_pose_estimator, people_poses
from interplay.detectors.pose.estimator import no_poses
from interplay.errors import MissingFileError
from interplay.files import atomic_path
from interplay.images import ImageError
from interplay.table import InteractionTable
from interplay.training.processes import gather, process_count, process_rank

_PART = 200
"""Images whose poses are in one file; a run that is stopped goes on with the next one."""


def with_poses(table: InteractionTable, images: Path, pose: str, folder: Path) -> InteractionTable:
    """Annotations with an estimator's keypoints for every person; those they had are replaced.

    People in images that cannot be read have none.

    Args:
        table: the annotations.
        images: folder of the images.
        pose: what `load_pose_estimator` takes.
        folder: where poses are kept, in files named after a hash of estimator, images (name, size in bytes and time
            of the last change) and boxes. Processes may share it: a file is there whole, or not at all.
    """
    parts = [range(start, min(start + _PART, len(table))) for start in range(0, len(table), _PART)]
    estimator_key, dataset = _estimator_key(pose), InteractionDataset(table, images)
    files = [_file(folder, table, dataset.images, part, estimator_key) for part in parts]
    mine = list(zip(files, parts, strict=True))[process_rank() :: process_count()]
    missing = [(file, part) for file, part in mine if not file.is_file()]
    if missing:
        _estimate(missing, dataset, load_pose_estimator(pose))
    gather([0])  # everybody waits for everybody's files
    found = [read_npy(file) for file in files]
    return table.with_columns(keypoints=np.concatenate(found) if found else np.zeros((0, 17, 3), np.float32))


def _estimate(missing: list[tuple[Path, range]], images: InteractionDataset, estimator: PoseEstimator) -> None:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("poses of annotated people", total=sum(len(part) for _, part in missing))
        for file, part in missing:
            poses = []
            for index in part:
                poses.append(_poses(images, index, estimator))
                progress.advance(bar)
            with atomic_path(file) as temporary:
                np.save(temporary, np.concatenate(poses), allow_pickle=False)


def _poses(images: InteractionDataset, index: int, estimator: PoseEstimator) -> NDArray[np.float32]:
    image = images.table[index]
    if not (image.labels == image.vocabulary.person).any():
        return no_poses(len(image.boxes))
    try:
        return people_poses(image, images[index].image, estimator)
    except (ImageError, MissingFileError):
        return no_poses(len(image.boxes))


def _estimator_key(pose: str) -> bytes:
    """The name of an estimator, or the content of a file of poses."""
    path = Path(pose)
    return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else pose.encode()


def _file(folder: Path, table: InteractionTable, images: ImageFinder, part: range, estimator: bytes) -> Path:
    content = hashlib.sha256(estimator)
    for index in part:
        name = table.files[index] or ""
        image = images.find(name)
        state = image.stat() if image is not None else None
        content.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0".encode() if state else f"{name}\0".encode())
    boxes = slice(int(table.box_offsets[part.start]), int(table.box_offsets[part.stop]))
    content.update(np.ascontiguousarray(table.boxes[boxes]).tobytes())
    content.update(np.ascontiguousarray(table.labels[boxes]).tobytes())
    return folder / f"poses_{content.hexdigest()[:32]}.npy"
