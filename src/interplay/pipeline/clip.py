"""`run_clip`: a model over the frames of a clip: tracks, segments, a result file, a drawn clip, a timeline."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_BATCH_SIZE, DEFAULT_FRAME_RATE, Decoder
from interplay.detectors.tracking import Tracker, TrackerOptions
from interplay.errors import InputError
from interplay.files import check_target, fitting_name
from interplay.formats import read
from interplay.interactions import Interactions
from interplay.locks import locked
from interplay.pipeline.job import RESULTS, choose_folder
from interplay.pipeline.results import ResultFile, check_output, check_settings, record_path
from interplay.pipeline.run import Failure, Predict, predict_all
from interplay.pipeline.screen import count, progress, say
from interplay.prefetch import prefetch
from interplay.table import InteractionTable
from interplay.video.reader import Frame, check_source, frames_of_images, is_live, read_frames, video_info
from interplay.video.segments import Segment, SegmentOptions, find_segments, smoothed, write_segments
from interplay.video.writer import write_clip
from interplay.visual import Show, draw_interactions
from interplay.visual.timeline import draw_timeline
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rich.console import Console

KEPT_SHARE = 0.25
"""Interactions of frames are kept from this share of the smallest score on: smoothing needs the weak ones, too."""


@dataclass
class ClipJob:
    """A clip, what is kept of the results, and where it goes.

    Beside `output` go ``NAME.segments.json`` and ``NAME.timeline.png``, and ``NAME.mp4`` where a drawn clip is wanted
    (``NAME.drawn.mp4`` beside the clip itself).

    Attributes:
        source: a file, ``webcam:N``, or a stream's address; for images the name of their folder.
        output: ``.jsonl``, ``.parquet`` or ``.csv`` file with the frames; those that it has are not done again. By
            default in `interplay_output`, or the next free one, as for images.
        images: where the clip lies as one image for each frame.
        images_rate: so many of them are a second.
        rate, stride, decoder: which frames are looked at and what reads them, see `read_frames`.
        drawn: whether to write a drawn clip.
        settings: what else determines the results; a result file of other settings is not continued.
        min_score: smallest smoothed score of a segment.
        show: what the drawn clip shows, see `draw_interactions`.
        batch_size: number of frames that the model sees at once.
        overwrite: start over instead of continuing.
        tracker, segments: how boxes become tracks, and scores segments.
        note: what to tell about where the results go; empty if nothing.

    Raises:
        InputError: a name that cannot be used, a file beside the output that is of no run, or results made with other
            settings.
        MissingFileError: no such clip.
    """

    source: str
    output: Path | None = None
    images: Sequence[Path] = ()
    images_rate: float | None = None
    rate: float | None = DEFAULT_FRAME_RATE
    stride: int = 1
    decoder: Decoder = "pyav"
    drawn: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    min_score: float = 0.2
    show: Show = "all"
    batch_size: int = DEFAULT_BATCH_SIZE
    overwrite: bool = False
    tracker: TrackerOptions = field(default_factory=TrackerOptions)
    segments: SegmentOptions | None = None

    def __post_init__(self) -> None:
        self.live = not self.images and is_live(self.source)
        if not self.images:
            check_source(self.source)
            if not self.live:
                video_info(self.source)  # whatever is wrong with a file is better said before a model is loaded
        if self.images and self.images_rate is None:
            raise InputError("say how many of the images are a second")
        self.settings = {
            **self.settings,
            "clip": self._identity(),
            "rate": self.rate,
            "stride": self.stride,
            "min_score": self.min_score,
            "tracker": vars(self.tracker),
        }
        self.segments = self.segments or SegmentOptions(begin=self.min_score)
        self.note = ""
        if self.output is None:
            place = choose_folder(self.settings, lambda output: True, self.overwrite)
            self.note, self.overwrite, self.output = place.note, place.overwrite, place.folder / RESULTS
        check_output(self.output)
        beside = (self.segments_path, self.timeline_path, *([self.clip_path] if self.drawn and not self.live else []))
        if not self.overwrite:
            check_settings(self.output, self.settings)
            strange = None if record_path(self.output).exists() else next(filter(Path.exists, beside), None)
            if strange is not None:  # such as another clip
                raise InputError(
                    f"{strange} is there, and no {record_path(self.output).name} beside it says that a run of "
                    "interplay's wrote it, so it is left as it is. Give another --output, or --overwrite to replace it"
                )
        for target in beside:
            check_target(target)

    @property
    def result(self) -> Path:
        """The result file."""
        assert self.output is not None  # chosen above
        return self.output

    @property
    def segments_path(self) -> Path:
        """Where segments go."""
        return self._named(".segments.json")

    @property
    def timeline_path(self) -> Path:
        """Where the picture of the timeline goes."""
        return self._named(".timeline.png")

    @property
    def clip_path(self) -> Path:
        """Where the drawn clip goes: ``NAME.mp4``, or ``NAME.drawn.mp4`` where the clip itself has this name."""
        path = self._named(".mp4")
        own = not self.images and not self.live and path.exists() and path.samefile(self.source)
        return self._named(".drawn.mp4") if own else path

    def _named(self, ending: str) -> Path:
        return self.result.with_name(fitting_name(self.result.stem, ending))

    def frames(self, after: float = -1.0) -> Iterator[Frame]:
        """The frames that are looked at, later than some seconds."""
        if self.images:
            assert self.images_rate is not None  # checked above
            return frames_of_images(self.images, self.images_rate, rate=self.rate, stride=self.stride, after=after)
        return read_frames(self.source, rate=self.rate, stride=self.stride, after=after, decoder=self.decoder)

    def _identity(self) -> list[Any]:
        """What makes it the same clip: an hour of film is too much to be read for that."""
        if self.images:
            return [[os.fspath(path) for path in self.images], self.images_rate]
        if self.live:  # what it shows is not there again, so that a run of it cannot be continued
            return [self.source, datetime.now(timezone.utc).isoformat()]
        state = Path(self.source).stat()
        return [self.source, state.st_size, state.st_mtime_ns]


def run_clip(job: ClipJob, predict: Predict, vocabulary: Vocabulary, screen: Console, messages: Console) -> int:
    """Do a clip; returns the number of frames that could not be done.

    Args:
        predict: the model.
        vocabulary: the model's.
        screen: where the table of segments goes.
        messages: where progress and problems go.

    Raises:
        KeyboardInterrupt: after saying how to continue; of a camera or stream it is the usual end instead.
        LockedError: another process writes the output.
        InputError: the clip cannot be read.
    """
    if job.note:
        say(messages, job.note)
    live = _started(job.frames()) if job.live else None
    with locked(job.result):
        results = ResultFile(job.result, vocabulary, job.settings, job.overwrite)
        tracker = Tracker(job.tracker)
        last = _go_on(results, tracker, vocabulary, messages)
        failures, ended = 0, False
        with results:
            try:
                failures = _follow(job, live or job.frames(last), predict, tracker, last, results.append, messages)
                ended = job.live
            except KeyboardInterrupt:
                if not job.live:
                    say(messages, "stopped; run the same command again to continue")
                    raise
            if (image := tracker.last()) is not None:
                results.append(image)
        table = results.finish()
        if ended and table.time is not None and len(table):
            say(messages, f"{job.source} ended after {table.time[-1]:.1f} s; {count(len(table), 'frame')} looked at")
        _finish(job, table, screen, messages)
    return failures


def _started(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames, of which the first is there: what cannot be opened fails here, before a file is made."""
    first = next(frames, None)
    return chain([] if first is None else [first], frames)


def _go_on(results: ResultFile, tracker: Tracker, vocabulary: Vocabulary, messages: Console) -> float:
    """Let the tracker follow the frames that are done; the time of the last one."""
    last = -1.0
    if not results.done:
        return last
    for image in read(results.lines, vocabulary):
        if image.time is None or image.track is None:
            raise InputError(f"{results.path} holds images that are no frames of a clip, so it cannot be continued")
        last = float(image.time)
        tracker.track(image, last)
    tracker.last()  # it is in the file
    say(messages, f"{len(results.done):,} frames already done, to {last:.1f} s")
    return last


def _follow(
    job: ClipJob,
    frames: Iterator[Frame],
    predict: Predict,
    tracker: Tracker,
    last: float,
    keep: Callable[[Interactions], None],
    messages: Console,
) -> int:
    times: deque[float] = deque()

    def read_next(source: Iterator[Frame]) -> Frame | None:
        return next(source, None)  # one thread reads ahead, so that the order stays

    def named() -> Iterator[tuple[Path, NDArray[np.uint8]] | Failure]:
        for frame in prefetch(read_next, repeat(frames), workers=1, ahead=1 if job.live else 2 * job.batch_size):
            if frame is None:
                return
            times.append(frame.time)
            yield Path(frame_name(job.source, frame.time)), frame.image

    failures = 0
    batch_size = 1 if job.live else job.batch_size
    kept_from = KEPT_SHARE * job.min_score
    with progress(messages, "following", _expected(job, last)) as advance:
        for item in predict_all(named(), predict, batch_size, kept_from, None):
            when = times.popleft()
            if isinstance(item, Failure):
                failures += 1
                say(messages, f"skipped the frame at {when:.2f} s: {item.reason}")
            else:
                found = replace(item[1].interactions, file=frame_name(job.source, when))
                if (before := tracker.track(found.with_columns(time=np.array(when)), when)) is not None:
                    keep(before)
            advance()
    return failures


def frame_name(source: str, time: float) -> str:
    """What a frame is called in results: the clip's name and the time, as addresses of media have it."""
    return f"{Path(source).as_posix() if not is_live(source) else source}#t={time:.3f}"


def _expected(job: ClipJob, last: float) -> int:
    """About how many frames there are to do; 0 where nobody knows."""
    if job.live:
        return 0
    if job.images:
        assert job.images_rate is not None  # checked by the job
        duration, rate = len(job.images) / job.images_rate, job.images_rate
    else:
        info = video_info(job.source)
        duration, rate = info.duration, info.rate
    shown = min(job.rate or np.inf, rate if rate == rate else np.inf) / job.stride
    left = (duration - max(last, 0.0)) * shown
    return int(left) if np.isfinite(left) else 0


def _finish(job: ClipJob, table: InteractionTable, screen: Console, messages: Console) -> None:
    from rich.table import Table

    if not len(table):
        say(messages, "no frame was done, so that there is nothing to follow")
        return
    options = job.segments
    segments = find_segments(table, options)
    write_segments(segments, job.segments_path, job.source)
    assert table.time is not None  # `_follow` gives it
    title = Path(job.source).name or job.source
    draw_timeline(segments, job.timeline_path, table.vocabulary, float(table.time[-1]), title)
    written = [job.result, job.segments_path, job.timeline_path]
    if job.drawn and not job.live:
        _draw_clip(job, smoothed(table, options), messages)
        written.append(job.clip_path)
    shown = Table("person", "interaction", "from", "to", "score")
    for segment in segments:
        shown.add_row(str(segment.person + 1), segment.phrase(table.vocabulary), *_numbers(segment))
    if segments:
        screen.print(shown)
    else:
        say(screen, f"no interaction with a score of {job.min_score:g} or more in {len(table):,} frames")
    for path in written:
        say(screen, f"wrote {path}")


def _numbers(segment: Segment) -> tuple[str, str, str]:
    if segment.start == segment.end:  # a clip of one frame
        return f"at {segment.start:.1f} s", "", f"{segment.score:.2f}"
    return f"{segment.start:.1f} s", f"{segment.end:.1f} s", f"{segment.score:.2f}"


def _draw_clip(job: ClipJob, table: InteractionTable, messages: Console) -> None:
    """Write the frames with their segments; the clip is read once more, so that memory stays small."""
    rows = {file: row for row, file in enumerate(table.files)}

    def draw(frame: Frame) -> tuple[float, NDArray[np.uint8]]:
        row = rows.get(frame_name(job.source, frame.time))
        if row is None:
            return frame.time, frame.image
        return frame.time, draw_interactions(frame.image, table[row], show=job.show)

    with progress(messages, "drawing", len(table)) as advance:

        def counted() -> Iterator[tuple[float, NDArray[np.uint8]]]:
            for drawn in prefetch(draw, job.frames(), ahead=4):
                yield drawn
                advance()

        write_clip(job.clip_path, counted())
