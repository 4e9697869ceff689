"""`run_job`: what `interplay detect` does, from image files to tables, pictures, a result file and a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InputError
from interplay.files import check_folder_target, check_target
from interplay.formats.jsonl import append_jsonl
from interplay.image_files import is_drawn, text_name
from interplay.images import read_image
from interplay.interactions import Interactions
from interplay.locks import locked
from interplay.pipeline.pictures import inside, plan_pictures, save_picture
from interplay.pipeline.results import (
    ResultFile,
    check_output,
    check_settings,
    identity,
    read_record,
    whole_lines,
)
from interplay.pipeline.run import Failure, Predict, detect_images, image_problem
from interplay.pipeline.screen import DEFAULT_ROWS, count, progress, say, show_results, stoppable
from interplay.prefetch import prefetch
from interplay.table import InteractionTable
from interplay.visual import Show, draw_interactions, write_report
from interplay.visual.draw import check_show
from interplay.visual.report import report_path
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_FOLDER = Path("interplay_output")
RESULTS = "interactions.jsonl"
"""Name of the result file in it."""


@dataclass
class Job:
    """Images, what is kept of the results, and where it goes.

    With neither `output`, `pictures` nor `stream`, pictures and a result file go to `interplay_output`, or where that
    has results already to the next free one of `interplay_output-2`, `-3`, ... A run of the same images and settings
    that was stopped is continued in its own.

    Pictures that interplay drew are no images: they are left out, see `left_out`.

    Attributes:
        images: image files, each once.
        output: ``.jsonl``, ``.parquet`` or ``.csv`` file; images that it has already are not done again.
        pictures: folder for drawn pictures.
        report: ``.html`` file, or a folder for one.
        settings: what else determines the results; a result file of other settings is not continued.
        min_score, top_k: keep only the triplets that `Interactions.filter` keeps.
        show_from: smallest score in pictures, tables and the report; by default all that is kept is shown.
        show: what pictures show, see `draw_interactions`.
        rows: most rows in the table of many images; None for all.
        batch_size: number of images that the model sees at once.
        overwrite: start over instead of continuing; without any output, in `interplay_output`.
        stream: an open text file that takes each image's line of JSON as soon as it is done.
        left_out: drawn pictures among the images that were given.
        note: what to tell about where the results go; empty if nothing.

    Raises:
        InputError: a name that cannot be used, results made with other settings, or no image left.
    """

    images: Sequence[Path]
    output: Path | None = None
    pictures: Path | None = None
    report: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    min_score: float | None = None
    show_from: float | None = None
    show: Show = "all"
    rows: int | None = DEFAULT_ROWS
    top_k: int | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    overwrite: bool = False
    stream: TextIO | None = None
    left_out: Sequence[Path] = field(default=(), init=False)
    note: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise InputError(f"the batch size must be at least 1, got {self.batch_size}")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top-k must be at least 1, got {self.top_k}")
        check_show(self.show)
        if self.show_from is None:
            self.show_from = self.min_score
        self.settings = {**self.settings, "min_score": self.min_score, "top_k": self.top_k}
        if not self.images:
            raise InputError("no image was given")
        self.left_out = [path for path in self.images if is_drawn(path)]
        drawn = set(self.left_out)
        self.images = [path for path in self.images if path not in drawn]
        if self.output is None and self.pictures is None and self.stream is None:
            self._choose_folder()
        if self.report is not None:
            self.report = report_path(self.report)
        if self.output is not None:
            check_output(self.output)
            if not self.overwrite:
                check_settings(self.output, self.settings)
        if self.report is not None:
            check_target(self.report)
        if self.pictures is not None:
            if self.pictures.is_file():
                raise InputError(f"{self.pictures} is a file, expected a folder for pictures")
            own = check_folder_target(self.pictures)
            self.images = [path for path in self.images if not inside(path, own)]  # pictures of an earlier run
        if not self.images:
            raise InputError("no image is left to do: all of them are pictures that an earlier run drew")
        self.plan = plan_pictures(self.images, self.pictures) if self.pictures is not None else {}

    def _choose_folder(self) -> None:
        place = choose_folder(self.settings, self._began, self.overwrite)
        self.note, self.overwrite = place.note, place.overwrite
        self.output, self.pictures = place.folder / RESULTS, place.folder / "pictures"

    def _began(self, output: Path) -> bool:
        """Whether a result file holds some of these images and no others."""
        try:
            done, *_ = whole_lines(output)
        except InputError:
            return False
        return {identity(file) for file in done} <= {identity(path) for path in self.images}


@dataclass(frozen=True)
class Place:
    """Where results go that nobody named a place for.

    Attributes:
        folder: there.
        note: what to tell about it; empty if nothing.
        overwrite: whether what is there is replaced.
    """

    folder: Path
    note: str
    overwrite: bool


def choose_folder(settings: Mapping[str, Any], began: Callable[[Path], bool], overwrite: bool) -> Place:
    """Where the results of a run go that names no place: never over those of another one.

    Args:
        settings: of the run.
        began: whether a result file with these settings is the beginning of this run.
        overwrite: start over in the first folder.
    """
    number, folder, note = 1, DEFAULT_FOLDER, ""
    while not overwrite:
        output = folder / RESULTS
        if not _has_results(folder):  # a run that did nothing leaves a file without a line
            return Place(folder, note, read_record(output) is not None)
        if read_record(output) == (settings, False) and began(output):
            return Place(folder, f"continuing in {folder}, which holds the beginning of this run", False)
        number += 1
        folder = DEFAULT_FOLDER.with_name(f"{DEFAULT_FOLDER.name}-{number}")
        note = (
            f"{DEFAULT_FOLDER} holds other results, which stay as they are: these go to {folder} (--overwrite "
            f"starts over in {DEFAULT_FOLDER}, --output FILE names another place)"
        )
    return Place(folder, note, overwrite)


def _has_results(folder: Path) -> bool:
    """Whether there is anything in a place that a run without a place of its own must not replace."""
    if not folder.is_dir():
        return os.path.lexists(folder)
    results, pictures = folder / RESULTS, folder / "pictures"
    if os.path.lexists(results) and not (results.is_file() and results.stat().st_size == 0):
        return True
    return os.path.lexists(pictures) and not (pictures.is_dir() and next(pictures.iterdir(), None) is None)


def run_job(job: Job, predict: Predict, vocabulary: Vocabulary, screen: Console, messages: Console) -> int:
    """Do a job; returns the number of images that could not be done.

    Args:
        predict: the model.
        vocabulary: the model's.
        screen: where tables go.
        messages: where progress and problems go.

    Raises:
        KeyboardInterrupt: after saying how to continue.
        LockedError: another process writes the output.
        OSError: the output cannot be written; what was done before is in it.
    """
    if job.note:
        say(messages, job.note)
    if job.left_out:
        many = count(len(job.left_out), "picture")
        say(messages, f"left out {many} that interplay drew, such as {text_name(job.left_out[0])}")
    if job.output is None:
        return _run(job, predict, vocabulary, screen, messages)
    with locked(job.output):
        return _run(job, predict, vocabulary, screen, messages)


def _run(job: Job, predict: Predict, vocabulary: Vocabulary, screen: Console, messages: Console) -> int:
    results = None
    todo = list(job.images)
    if job.output is not None:
        results = ResultFile(job.output, vocabulary, job.settings, job.overwrite)
        todo = [path for path in job.images if path not in results]
        if len(todo) < len(job.images):
            say(messages, f"{count(len(job.images) - len(todo), 'image')} of {len(job.images):,} already done")
    collected: list[Interactions] = []
    stream = job.stream

    def keep(found: Interactions) -> None:
        if stream is not None:
            append_jsonl(found, stream)
        (collected.append if results is None else results.append)(found)

    with results or nullcontext():
        failures = _work(job, todo, predict, keep, messages)
    table = InteractionTable.from_list(collected, vocabulary) if results is None else results.finish()
    table = _only(table, job.images)
    tried = set(todo)
    failures += _draw_missing(job, [path for path in job.plan if path not in tried], table, messages)
    if job.report is not None:
        with progress(messages, "writing the report", len(table)) as advance:
            write_report(
                table, job.report, outside=True, min_score=job.show_from, show=job.show, on_image=advance
            )  # outside: the user gave these images
    show_results(screen, table, [*_written(job)], job.show_from, job.rows)
    if failures:
        say(messages, f"{failures:,} of {count(len(job.images), 'image')} could not be done, see above")
    return failures


def _work(
    job: Job,
    todo: Sequence[Path],
    predict: Predict,
    keep: Callable[[Interactions], None],
    messages: Console,
) -> int:
    failures = 0
    stream = detect_images(
        todo,
        predict,
        min_score=job.min_score,
        top_k=job.top_k,
        pictures=job.plan,
        show=job.show,
        show_from=job.show_from,
        batch_size=job.batch_size,
    )
    how = "" if job.output is not None else "give --output to be able to continue"
    with stoppable(messages, "detecting", len(todo), how) as advance, closing(stream):
        for item in stream:
            if isinstance(item, Failure):
                failures += 1
                say(messages, f"skipped {text_name(item.path)}: {item.reason}")
            else:
                keep(item.interactions)
                if item.problem is not None:
                    failures += 1
                    say(messages, f"no picture of {text_name(item.path)}: {item.problem}")
            advance()
    return failures


def _only(table: InteractionTable, images: Sequence[Path]) -> InteractionTable:
    """The images of this job, in its order; a result file may hold others, and one image twice."""
    position = {identity(file): i for i, file in enumerate(table.files)}
    chosen = [position[identity(path)] for path in images if identity(path) in position]
    return table.select(np.array(chosen, np.int64))


def _draw_missing(job: Job, paths: Sequence[Path], table: InteractionTable, messages: Console) -> int:
    """Pictures of images whose results were there already, but not their pictures; returns how many failed."""
    known = {identity(image.file): image for image in table if image.file}
    missing = [(path, known[identity(path)], job.plan[path]) for path in paths
               if identity(path) in known and not os.path.isfile(job.plan[path])]  # fmt: skip  # noqa: PTH113  # any name

    def draw(item: tuple[Path, Interactions, Path]) -> int:
        path, image, target = item
        try:
            save_picture(draw_interactions(read_image(path), image, job.show_from, show=job.show), target)
        except Exception as error:
            reason = image_problem(error)
            if reason is None:
                raise
            say(messages, f"no picture of {image.file}: {reason}")
            return 1
        return 0

    with progress(messages, "drawing", len(missing)) as advance:
        failures = 0
        for failed in prefetch(draw, missing):
            failures += failed
            advance()
    return failures


def _written(job: Job) -> Iterator[Path]:
    if job.output is not None:
        yield job.output
    drawn = [target for target in job.plan.values() if os.path.isfile(target)]  # noqa: PTH113  # any name
    if job.pictures is not None and drawn:
        yield drawn[0] if len(drawn) == 1 else job.pictures
    if job.report is not None:
        yield job.report
