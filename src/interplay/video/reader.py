"""Frames of a clip, a camera or a stream, one after the other, as upright RGB images with their times.

PyAV (extra ``video``) reads them; its wheels bring FFmpeg. Times are those that the file gives to its frames, so that
clips with a changing frame rate come out right. However long a clip is, only a few frames are in memory.
"""

from __future__ import annotations

import math
import platform
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_FRAME_RATE, Decoder
from interplay.errors import InputError, InterplayError, MissingExtraError, MissingFileError
from interplay.images import read_image
from interplay.video.torchcodec_reader import decoded_by_torchcodec

if TYPE_CHECKING:
    from av.container import InputContainer

VIDEO_SUFFIXES = frozenset((".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"))

_CAMERA = re.compile(r"webcam:(\d{1,3})$")
_STREAM = re.compile(r"(rtsp|rtsps|rtmp|udp|tcp|srt|https?)://", re.IGNORECASE)
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Frame:
    """A frame of a clip.

    Attributes:
        time: seconds from the clip's first frame.
        image: (H, W, 3) uint8 RGB, upright.
    """

    time: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What a clip says about itself.

    Attributes:
        width, height: of upright frames, in pixels.
        rate: mean frames a second; NaN where it is unknown.
        duration: seconds; NaN of a camera or stream.
    """

    width: int
    height: int
    rate: float
    duration: float


def is_video(source: str) -> bool:
    """Whether a name is a clip's, a camera's (``webcam:0``) or a stream's (``rtsp://...``)."""
    return is_live(source) or Path(source).suffix.lower() in VIDEO_SUFFIXES


def is_live(source: str) -> bool:
    """Whether a name is a camera's or a stream's, which has no end and cannot be read again."""
    return bool(_CAMERA.match(source) or _STREAM.match(source))


def check_source(source: str) -> None:
    """Raise an error unless a clip's file, or a camera where that can be known, is there.

    Raises:
        MissingFileError: it is not.
    """
    camera = _CAMERA.match(source)
    if camera and platform.system() == "Linux" and not Path(f"/dev/video{camera[1]}").exists():
        there = sorted((path.name.removeprefix("video") for path in Path("/dev").glob("video*")), key=len)
        found = f"there are {', '.join(f'webcam:{number}' for number in there)}" if there else "there is none at all"
        raise MissingFileError(f"{source}: no camera {camera[1]} (/dev/video{camera[1]}); {found}")
    if not is_live(source) and not Path(source).is_file():
        raise MissingFileError(f"no file {source}")


def video_info(source: str) -> VideoInfo:
    """What a clip says about itself.

    Raises:
        MissingExtraError: PyAV is not installed.
        MissingFileError: no such file.
        InputError: it is no clip.
    """
    with _open(source) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate) if stream.average_rate else math.nan
        duration = container.duration / 1e6 if container.duration else math.nan
        width, height = stream.width, stream.height
    frame = next(read_frames(source, rate=None), None) if not is_live(source) else None
    if frame is not None:
        height, width = frame.image.shape[:2]  # upright
    return VideoInfo(width, height, rate, duration)


def read_frames(
    source: str,
    *,
    rate: float | None = DEFAULT_FRAME_RATE,
    stride: int = 1,
    after: float = -1.0,
    decoder: Decoder = "pyav",
) -> Iterator[Frame]:
    """The frames of a clip in order.

    Of a camera or stream the newest frame is given whenever one is asked for; those that came meanwhile are lost.

    Args:
        source: a file, ``webcam:N``, or a stream's address.
        rate: at most so many frames a second; None for all.
        stride: of these every so many.
        after: only frames later than so many seconds.
        decoder: ``"pyav"``, or ``"torchcodec"`` for files (extra ``torchcodec``, with the FFmpeg of the system).

    Raises:
        MissingExtraError, MissingFileError, InputError: as for `video_info`; also where a clip turns out to be broken
            before its first frame. One that breaks later ends there, with a warning.
    """
    if decoder == "torchcodec":
        if is_live(source):
            raise InputError(f"{source}: torchcodec reads files only; cameras and streams are read by PyAV")
        return _chosen(decoded_by_torchcodec(source), rate, stride, after, lambda pixels: pixels)
    frames = _newest(source) if is_live(source) else _decoded(source)
    return _chosen(frames, rate, stride, after, _upright)


def frames_of_images(
    images: Sequence[Path], images_rate: float, *, rate: float | None = None, stride: int = 1, after: float = -1.0
) -> Iterator[Frame]:
    """The frames of a clip that lies as one image for each frame.

    Args:
        images: in order.
        images_rate: so many of them are a second.
        rate, stride, after: as for `read_frames`; `rate` is all by default.

    Raises:
        InputError: an image cannot be read, or a number makes no sense.
    """
    if not images_rate > 0:
        raise InputError(f"expected more than 0 images a second, got {images_rate}")
    times = ((i / images_rate, path) for i, path in enumerate(images))
    return _chosen(times, rate, stride, after, read_image)


def _chosen(
    frames: Iterator[tuple[float, Any]],
    rate: float | None,
    stride: int,
    after: float,
    pixels: Callable[[Any], NDArray[np.uint8]],
) -> Iterator[Frame]:
    if rate is not None and not rate > 0:
        raise InputError(f"the rate must be above 0 frames a second, got {rate}")
    if stride < 1:
        raise InputError(f"the stride must be at least 1, got {stride}")
    number, due = 0, -math.inf
    for when, frame in frames:
        if rate is not None:
            # the time of a frame is not exact: half a thousandth of a second early is on time
            slot = math.floor(when * rate + 5e-4 * rate)
            if slot <= due:
                continue
            due = slot
            wanted = slot % stride == 0
        else:
            wanted = number % stride == 0
            number += 1
        if wanted and when > after:
            yield Frame(when, pixels(frame))


def _decoded(source: str) -> Iterator[tuple[float, Any]]:
    """Time and frame of every frame of a file; a clip with a gap in its times goes on evenly."""
    seen = 0
    with _open(source) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
        step = 1 / float(stream.average_rate) if stream.average_rate else 1 / 25
        last = -step
        try:
            for frame in container.decode(stream):
                when = last + step if frame.time is None else max(frame.time - start, 0.0)
                if seen and when <= last:
                    when = last + 1e-3
                last = when
                seen += 1
                yield when, frame
        except _ffmpeg_errors() as error:
            if not seen:
                raise _unreadable(source, error) from None
            warnings.warn(f"{source}: broken after {last:.1f} s ({_why(error)}); the frames before count", stacklevel=2)
    if not seen:
        raise InputError(f"{source}: holds no frame")


def _newest(source: str) -> Iterator[tuple[float, Any]]:
    """Seconds since the beginning and the newest frame of a camera or stream, until it ends or nobody asks."""
    newest: list[Any] = []
    fresh, done = threading.Condition(), threading.Event()
    failed: list[Exception] = []

    def read() -> None:
        try:
            with _open(source) as container:
                for frame in container.decode(video=0):
                    with fresh:
                        newest[:] = [(time.monotonic(), frame)]
                        fresh.notify()
                    if done.is_set():
                        return
        except Exception as error:
            failed.append(error)
        finally:
            done.set()
            with fresh:
                fresh.notify()

    threading.Thread(target=read, daemon=True, name="interplay-camera").start()
    begin: float | None = None
    try:
        while True:
            with fresh:
                fresh.wait_for(lambda: newest or done.is_set())
                if not newest:
                    break
                came, frame = newest.pop()
            begin = came if begin is None else begin
            yield came - begin, frame
    finally:
        done.set()
    if failed and begin is None:
        raise failed[0] if isinstance(failed[0], InterplayError) else _unreadable(source, failed[0])
    if failed:
        warnings.warn(f"{source}: broke off ({_why(failed[0])}); the frames before count", stacklevel=2)


def _open(source: str) -> InputContainer:
    try:
        import av
    except ImportError:
        raise MissingExtraError("video", "av") from None
    check_source(source)
    address, given = _address(source)
    try:
        container = av.open(address, **given)
    except _ffmpeg_errors() as error:
        what = "no stream" if is_live(source) else "not a clip"
        raise InputError(f"{source}: {what} that can be read: {_why(error)}") from None
    if not container.streams.video:
        container.close()
        raise InputError(f"{source}: has no pictures, only {', '.join(s.type for s in container.streams) or 'nothing'}")
    stream = container.streams.video[0]
    if (stream.width or 0) * (stream.height or 0) > _MOST_PIXELS:
        container.close()
        size = f"{stream.width} x {stream.height}"
        raise InputError(f"{source}: frames of {size} pixels, expected {_MOST_PIXELS:,} pixels at most")
    return container


def _address(source: str) -> tuple[str, dict[str, Any]]:
    """What FFmpeg calls a source, and how it opens it."""
    camera = _CAMERA.match(source)
    if camera:
        number = camera[1]
        system = platform.system()
        if system == "Darwin":
            return number, {"format": "avfoundation", "options": {"framerate": "30"}}
        if system == "Windows":
            return f"video={number}", {"format": "dshow"}
        return f"/dev/video{number}", {"format": "v4l2"}
    if source.lower().startswith("rtsp"):
        return source, {"options": {"rtsp_transport": "tcp"}, "timeout": 10.0}
    if is_live(source):
        return source, {"timeout": 10.0}
    return f"file:{source}", {}  # whatever the name looks like


def _upright(frame: Any) -> NDArray[np.uint8]:
    """RGB pixels of a frame, turned as its file says: telephones store clips as the camera lies."""
    pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _ffmpeg_errors() -> tuple[type[Exception], ...]:
    import av

    return (OSError, ValueError, av.FFmpegError)  # some are of the first kinds only


def _unreadable(source: str, error: Exception) -> InputError:
    return InputError(f"{source}: no frame of it can be read: {_why(error)}")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
