"""Frames of clips as results in VidVRD's and VidOR's form: their segments, with trajectories."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from interplay.errors import InputError
from interplay.image_files import find_images
from interplay.table import InteractionTable
from interplay.video.reader import video_info
from interplay.video.relations import clips_of, relations_of_segments, write_clip_results
from interplay.video.segments import find_segments

USUAL_RATE = 30.0
"""Frames a second of a clip that is not there to be asked."""


def write_vidvrd(table: InteractionTable, path: Path) -> None:
    """Write the segments of every clip; durations count the clip's own frames, 30 a second where it is not there.

    Of a folder of frames the rate follows from the times of those that were looked at.

    Raises:
        InputError: the images are no frames of clips.
    """
    if table.time is None or table.track is None:
        raise InputError("this form is of clips: expected frames with times and tracks (interplay detect CLIP)")
    found = {}
    for name, frames in clips_of(table):
        source = frames.files[0].rpartition("#t=")[0]
        rate = _rate(frames, Path(source))
        rate = USUAL_RATE if math.isnan(rate) else rate
        found[name] = relations_of_segments(frames, find_segments(frames), rate)
    write_clip_results(found, path)


def _rate(frames: InteractionTable, source: Path) -> float:
    """Frames a second of a clip; NaN where nothing tells."""
    if source.is_file():
        return video_info(str(source)).rate
    if not source.is_dir() or len(frames) < 2:
        return math.nan
    assert frames.time is not None
    there = len(find_images([source]))
    every = max(round(there / len(frames)), 1)  # of every so many frames one was looked at
    return every / float(np.median(np.diff(frames.time)))
