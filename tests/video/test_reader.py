"""Frames of clips: times, rates, rotation, broken files."""

from __future__ import annotations

import socket
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay.errors import InputError, MissingExtraError, MissingFileError
from interplay.video import frames_of_images, is_video, read_frames, video_info, write_clip

av = pytest.importorskip("av", reason="needs the extra video")


def write(path: Path, times: list[float], size: tuple[int, int] = (48, 80)) -> Path:
    """A clip whose frames get lighter, with a red upper left corner."""
    frames = []
    for number, when in enumerate(times):
        image = np.full((*size, 3), 20 + 10 * (number % 20), np.uint8)
        image[: size[0] // 2, : size[1] // 2] = (200, 0, 0)
        frames.append((when, image))
    assert write_clip(path, frames) == len(times)
    return path


def test_every_frame_comes_with_its_time(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.15, 0.4, 1.0]  # the rate changes
    clip = str(write(tmp_path / "a.mp4", times))
    frames = list(read_frames(clip, rate=None))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.002)
    assert frames[0].image.shape == (48, 80, 3)
    assert frames[0].image[5, 5, 0] > 150 > frames[0].image[40, 70, 0]


def _torchcodec_works() -> bool:
    try:
        import torchcodec.decoders  # noqa: F401
    except (ImportError, RuntimeError):  # not installed, or no FFmpeg
        return False
    return True


@pytest.mark.skipif(not _torchcodec_works(), reason="needs the extra torchcodec, and FFmpeg")
def test_torchcodec_gives_the_same_frames(tmp_path: Path) -> None:
    clip = str(write(tmp_path / "a.mp4", [0.0, 0.1, 0.15, 0.4, 0.5, 0.9, 1.0, 1.02, 1.3, 1.4, 2.0]))
    for choice in ({"rate": None}, {"rate": 5}, {"rate": None, "stride": 3, "after": 0.2}):
        ours = list(read_frames(clip, **choice))  # type: ignore[arg-type]
        theirs = list(read_frames(clip, decoder="torchcodec", **choice))  # type: ignore[arg-type]
        assert [f.time for f in theirs] == pytest.approx([f.time for f in ours], abs=1e-4)
        assert max(np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(ours, theirs, strict=True)) < 6
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(InputError, match="not a clip"):
        list(read_frames(str(tmp_path / "text.mp4"), decoder="torchcodec"))


def test_torchcodec_reads_files_only_and_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="torchcodec reads files only"):
        read_frames("webcam:0", decoder="torchcodec")
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", None)
    clip = str(write(tmp_path / "a.mp4", [0.0]))
    with pytest.raises(MissingExtraError, match=r"interplay\[torchcodec\]"):
        list(read_frames(clip, decoder="torchcodec"))


def test_rate_and_stride_choose_by_time(tmp_path: Path) -> None:
    clip = str(write(tmp_path / "a.mp4", [i / 30 for i in range(60)]))
    chosen = [frame.time for frame in read_frames(clip, rate=5)]
    assert chosen == pytest.approx([0.2 * i for i in range(10)], abs=0.04)
    assert [frame.time for frame in read_frames(clip, rate=5, stride=2)] == pytest.approx(chosen[::2])
    assert len(list(read_frames(clip, rate=None, stride=7))) == 9
    assert len(list(read_frames(clip, rate=500))) == 60


def test_going_on_gives_the_same_frames(tmp_path: Path) -> None:
    clip = str(write(tmp_path / "a.mp4", [i / 30 for i in range(60)]))
    whole = [frame.time for frame in read_frames(clip, rate=4, stride=2)]
    assert [frame.time for frame in read_frames(clip, rate=4, stride=2, after=whole[1])] == whole[2:]


@pytest.mark.parametrize(
    ("matrix", "corner"), [((0, 1, -1, 0), "right"), ((0, -1, 1, 0), "left"), ((-1, 0, 0, -1), "both")]
)
def test_frames_are_upright(tmp_path: Path, matrix: tuple[int, ...], corner: str) -> None:
    path = write(tmp_path / "a.mp4", [0.0, 0.1])
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # the display matrix of the track's header
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    image = next(iter(read_frames(str(path), rate=None))).image
    if _torchcodec_works():
        theirs = next(iter(read_frames(str(path), rate=None, decoder="torchcodec"))).image
        assert theirs.shape == image.shape
        assert np.abs(theirs.astype(int) - image.astype(int)).mean() < 6
    red = (image[..., 0].astype(int) - image[..., 1]) > 60
    where = {"right": red[:20, -10:], "left": red[-20:, :10], "both": red[-10:, -20:]}[corner]
    assert image.shape == ((48, 80, 3) if corner == "both" else (80, 48, 3))
    assert where.mean() > 0.8
    assert (video_info(str(path)).height, video_info(str(path)).width) == image.shape[:2]


def test_a_clip_that_breaks_gives_what_there_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [(i / 10, rng.integers(0, 255, (64, 64, 3), np.uint8)) for i in range(30)]
    write_clip(tmp_path / "a.mp4", frames)
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 4000] = bytes(4000)
    (tmp_path / "broken.mp4").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decoder may also go on without an error
        found = list(read_frames(str(tmp_path / "broken.mp4"), rate=None))
    assert 0 < len(found) <= 30


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file"):
        list(read_frames(str(tmp_path / "none.mp4")))
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(InputError, match="not a clip"):
        list(read_frames(str(tmp_path / "text.mp4")))
    with pytest.raises(InputError, match="rate must be above 0"):
        list(read_frames(str(tmp_path / "text.mp4"), rate=0))
    with pytest.raises(InputError, match=r"ending in \.mp4"):
        write_clip(tmp_path / "a.gif", [(0.0, np.zeros((8, 8, 3), np.uint8))])
    with pytest.raises(InputError, match="no frame"):
        write_clip(tmp_path / "a.mp4", [])
    assert not (tmp_path / "a.mp4").exists()


def test_what_is_no_camera_or_stream_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:  # nothing listens here once it is closed
        free.bind(("127.0.0.1", 0))
        address = f"rtsp://127.0.0.1:{free.getsockname()[1]}/x"
    with pytest.raises(InputError, match="no stream that can be read"):
        next(read_frames(address))
    if sys.platform == "linux" and not Path("/dev/video73").exists():
        with pytest.raises(MissingFileError, match="no camera 73"):
            next(read_frames("webcam:73"))

    class NotFound(av.FFmpegError):
        """Some of FFmpeg's errors are no OSError."""

    def refuse(*args: object, **options: object) -> None:
        raise NotFound(875574520, "Server returned 404 Not Found")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(InputError, match="404 Not Found"):
        next(read_frames("rtsp://127.0.0.1/none"))


def test_a_stream_that_breaks_off_gives_what_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write(tmp_path / "a.mp4", [0.0, 0.1, 0.2, 0.3])
    opened = av.open

    class Breaking:
        def __init__(self) -> None:
            self.container = opened(str(clip))
            self.streams = self.container.streams

        def __enter__(self) -> Breaking:
            return self

        def __exit__(self, *error: object) -> None:
            self.container.close()

        def decode(self, **which: int) -> Iterator[object]:
            for number, frame in enumerate(self.container.decode(**which)):
                yield frame
                time.sleep(0.3)
                if number == 1:
                    raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(av, "open", lambda *args, **options: Breaking())
    with pytest.warns(UserWarning, match=r"broke off \(Connection reset by peer\)"):
        frames = list(read_frames("rtsp://127.0.0.1/x", rate=None))
    assert 1 <= len(frames) <= 2
    assert frames[0].time == 0.0


def test_images_of_a_folder_are_frames(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        Image.new("RGB", (8, 6)).save(path)
    assert [f.time for f in frames_of_images(paths, 10, stride=2)] == pytest.approx([0.0, 0.2, 0.4])
    with pytest.raises(InputError, match="images a second"):
        frames_of_images(paths, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.mp4", True), ("A.MOV", True), ("webcam:0", True), ("rtsp://x/y", True), ("a.jpg", False), ("webcam:x", False)],
)
def test_names_of_clips(name: str, expected: bool) -> None:
    assert is_video(name) == expected
