"""Writing clips: H.264 in MP4, which every browser and telephone plays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingExtraError
from interplay.files import atomic_path

_CODECS = ("libx264", "libopenh264", "mpeg4")


def write_clip(path: str | os.PathLike[str], frames: Iterable[tuple[float, NDArray[np.uint8]]]) -> int:
    """Write an ``.mp4`` file, whole or not at all; returns the number of frames.

    Args:
        frames: seconds and RGB image (H, W, 3) uint8 of each; all are made as large as the first, with even sides.

    Raises:
        MissingExtraError: PyAV is not installed.
        InputError: another suffix, or no frame.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("video", "av") from None
    if Path(path).suffix.lower() != ".mp4":
        raise InputError(f"{path}: expected a name ending in .mp4, got {Path(path).suffix!r}")
    base = Fraction(1, 90_000)
    written = 0
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream: Any = None
        last = -1
        for when, image in frames:
            if stream is None:
                height, width = (max(side // 2 * 2, 2) for side in image.shape[:2])
                codec = next(name for name in _CODECS if name in av.codecs_available)
                stream = container.add_stream(codec, rate=30)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.time_base = stream.codec_context.time_base = base
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
            last = max(round(when / base), last + 1)
            frame.pts, frame.time_base = last, base
            container.mux(stream.encode(frame))
            written += 1
        if stream is None:
            raise InputError(f"{path}: there is no frame to write")
        container.mux(stream.encode())
    return written
