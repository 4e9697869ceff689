"""`run_clip`: a clip from frames to segments, stopped and continued."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from interplay import Interactions, Vocabulary
from interplay.cli import main
from interplay.errors import InputError
from interplay.formats import read
from interplay.pipeline.clip import ClipJob, run_clip
from interplay.video import Frame, Segment, read_frames, read_segments, write_clip
from interplay.visual.timeline import draw_timeline

VCOCO = Vocabulary.load("v-coco")
pytest.importorskip("av", reason="needs the extra video")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A light square that moves to the right for two seconds."""
    frames = []
    for number in range(60):
        image = np.zeros((96, 160, 3), np.uint8)
        image[30:80, 10 + number : 40 + number] = 220
        frames.append((number / 30, image))
    write_clip(tmp_path / "a.mp4", frames)
    return tmp_path / "a.mp4"


class Squares:
    """Finds the light square, calls it a person, and says that this person holds a ball; stops after some frames."""

    def __init__(self, vocabulary: Vocabulary, stop_after: int = 1000) -> None:
        self.vocabulary, self.left = vocabulary, stop_after

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str]) -> list[Interactions]:
        found = []
        for image, file in zip(images, files, strict=True):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            rows, columns = np.nonzero(image[..., 0] > 128)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            ball = [box[0], box[1], box[0] + 12, box[1] + 12]
            found.append(
                Interactions(
                    boxes=[box, ball],
                    labels=[0, self.vocabulary.find_object("sports ball")],
                    box_scores=[0.9, 0.8],
                    human=[0],
                    object=[1],
                    verb=[self.vocabulary.verb_index("kick")],
                    score=[0.7],
                    vocabulary=self.vocabulary,
                    file=file,
                )
            )
        return found


def run(job: ClipJob, model: Squares) -> str:
    text = StringIO()
    console = Console(file=text, width=120)
    assert run_clip(job, model, model.vocabulary, console, console) == 0
    return text.getvalue()


def test_a_clip_becomes_tracks_segments_and_pictures(clip: Path) -> None:
    job = ClipJob(str(clip), clip.with_name("out.jsonl"), rate=10)
    said = run(job, Squares(VCOCO))
    assert "kicking a sports ball" in said
    table = read(clip.with_name("out.jsonl"))
    assert table.files[1] == f"{clip.as_posix()}#t=0.100"
    assert table.time is not None
    assert table.track is not None
    assert table.time.tolist() == pytest.approx([i / 10 for i in range(20)], abs=0.01)
    assert set(table.track.tolist()) == {0, 1}
    (segment,) = read_segments(clip.with_name("out.segments.json"))
    assert (segment.verb, segment.start, segment.end) == ("kick", 0.0, pytest.approx(1.9, abs=0.01))
    drawn = list(read_frames(str(clip.with_name("out.mp4")), rate=None))
    assert len(drawn) == 20
    assert clip.with_name("out.timeline.png").stat().st_size > 1000


def test_clips_that_lie_beside_the_results_stay_as_they_are(clip: Path) -> None:
    before, other = clip.read_bytes(), clip.with_name("b.mp4")
    other.write_bytes(before)
    for _ in range(2):  # to make it, and again when it is there
        run(ClipJob(str(clip), clip.with_name("a.jsonl"), rate=10), Squares(VCOCO))
    assert clip.read_bytes() == before
    assert len(list(read_frames(str(clip.with_name("a.drawn.mp4")), rate=None))) == 20
    with pytest.raises(InputError, match=r"b\.mp4 is there, .*Give another --output"):
        ClipJob(str(clip), clip.with_name("b.jsonl"), rate=10)
    assert other.read_bytes() == before


def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_happened(clip: Path) -> None:
    whole, stopped = clip.with_name("whole.jsonl"), clip.with_name("stopped.jsonl")
    run(ClipJob(str(clip), whole, rate=10), Squares(VCOCO))
    job = ClipJob(str(clip), stopped, rate=10, batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        run(job, Squares(VCOCO, stop_after=7))
    done = len(stopped.read_text(encoding="utf-8").splitlines())
    assert 0 < done < 20
    assert "already done" in run(ClipJob(str(clip), stopped, rate=10, batch_size=2), Squares(VCOCO))
    assert stopped.read_text(encoding="utf-8") == whole.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="rate"):
        ClipJob(str(clip), stopped, rate=5)


def test_a_camera_ends_by_ctrl_c_and_is_not_continued(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from interplay.pipeline import clip as module

    film, output = str(clip), clip.with_name("live.jsonl")

    def frames(source: str, **options: Any) -> Iterator[Frame]:
        return read_frames(film, **options)

    monkeypatch.setattr(module, "read_frames", frames)
    monkeypatch.setattr(module, "check_source", lambda source: None)
    said = run(ClipJob("webcam:0", output, rate=10), Squares(VCOCO, stop_after=9))
    assert "kicking a sports ball" in said
    table = read(output)
    assert len(table) == 9
    assert table.files[0] == "webcam:0#t=0.000"
    assert table.track is not None
    assert set(table.track.tolist()) == {0, 1}
    assert not output.with_suffix(".mp4").exists()
    with pytest.raises(InputError, match="Give --overwrite to start over"):
        ClipJob("webcam:0", output, rate=10)


def test_a_stream_that_ends_by_itself_says_when(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from interplay.pipeline import clip as module

    film = str(clip)
    monkeypatch.setattr(module, "read_frames", lambda source, **options: read_frames(film, **options))
    said = run(ClipJob("rtsp://127.0.0.1/x", clip.with_name("stream.jsonl"), rate=10), Squares(VCOCO))
    assert "rtsp://127.0.0.1/x ended after 1.9 s; 20 frames looked at" in said


def test_a_clip_of_one_frame_has_one_time(tmp_path: Path) -> None:
    image = np.zeros((96, 160, 3), np.uint8)
    image[30:80, 10:40] = 220
    write_clip(tmp_path / "one.mp4", [(0.0, image)])
    said = run(ClipJob(str(tmp_path / "one.mp4"), tmp_path / "one.jsonl"), Squares(VCOCO))
    assert "at 0.0 s" in said
    assert said.count("0.0 s") == 1


def test_the_timeline_says_what_people_do_in_plain_english(tmp_path: Path) -> None:
    segments = [Segment("look", 0, "sports ball", 2, 0.0, 1.0, 0.9), Segment("walk", 1, None, -1, 0.0, 2.0, 0.8)]
    draw_timeline(segments, tmp_path / "t.svg", VCOCO)
    drawn = (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert "<!-- person 1: looking at a sports ball (3) -->" in drawn
    assert "<!-- person 2: walking -->" in drawn


def test_nothing_is_written_of_what_cannot_be_read(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clip.parent / "text.mp4").write_text("hello")
    output = clip.with_name("none.jsonl")
    with pytest.raises(InputError, match="not a clip"):
        ClipJob(str(clip.parent / "text.mp4"), output)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"rtsp://127.0.0.1:{free.getsockname()[1]}/x"
    with pytest.raises(InputError, match="no stream that can be read"):
        run(ClipJob(address, output), Squares(VCOCO))
    assert not list(clip.parent.glob("none.*"))


def test_bad_uses_of_the_command(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given, problem in (
        ([str(clip), str(clip)], "one clip alone"),
        ([str(clip), "--report", "a.html"], "--report is for images"),
        ([str(clip), "--rate", "0"], "above 0"),
        ([str(clip.with_name("none.mp4")), "--output", str(clip.with_name("o.jsonl"))], "no file"),
    ):
        assert _code(["detect", *given]) == 2
        assert problem in capsys.readouterr().err


def _code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
