"""Frames of a file by torchcodec (extra ``torchcodec``), as another reader beside PyAV.

Its wheels bring no FFmpeg: the libraries of the system are used. It reads files only, no cameras and no streams.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingExtraError, MissingFileError

_AT_ONCE = 8
"""Frames that are decoded together."""


def decoded_by_torchcodec(source: str) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Seconds from the first frame, and upright RGB pixels, of every frame of a file.

    Raises:
        MissingExtraError: torchcodec is not installed.
        MissingFileError: no such file.
        InputError: it is no clip, or FFmpeg's libraries are not there.
    """
    decoder_type = _decoder()
    if not Path(source).is_file():
        raise MissingFileError(f"no file {source}")
    try:
        decoder = decoder_type(source, dimension_order="NHWC", num_ffmpeg_threads=0)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{source}: not a clip that can be read: {_first_line(error)}") from None
    begin = float(decoder.metadata.begin_stream_seconds or 0.0)
    last = -1e-3
    for first in range(0, len(decoder), _AT_ONCE):
        try:
            batch = decoder.get_frames_in_range(first, min(first + _AT_ONCE, len(decoder)))
        except (RuntimeError, ValueError, IndexError) as error:
            if not first:
                raise InputError(f"{source}: no frame of it can be read: {_first_line(error)}") from None
            warnings.warn(
                f"{source}: broken after {last:.1f} s ({_first_line(error)}); the frames before count", stacklevel=2
            )
            return
        for seconds, pixels in zip(batch.pts_seconds.tolist(), batch.data.numpy(), strict=True):
            last = max(seconds - begin, last + 1e-3)
            yield last, pixels


def _decoder() -> Any:
    try:
        from torchcodec.decoders import VideoDecoder
    except ImportError:
        raise MissingExtraError("torchcodec", "torchcodec") from None
    except RuntimeError as error:
        raise InputError(
            f"torchcodec finds no FFmpeg that it can use ({_first_line(error)}): install FFmpeg 4 to 8 with its shared "
            "libraries, or read with PyAV"
        ) from None
    return VideoDecoder


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
