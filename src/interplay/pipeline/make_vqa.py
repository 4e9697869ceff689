"""`make_vqa`: new answers of HOI-VQA by a vision-language model, pair by pair, so that a stopped run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.containers.text import read_lines
from interplay.datasets.contact_truth import read_contact_truth
from interplay.datasets.hoi_vqa import QUESTIONS, Topic, answers_in, read_pair, to_line
from interplay.errors import InputError, InterplayError, ModelError
from interplay.files import check_target, naming
from interplay.images import path_inside, read_image
from interplay.locks import locked
from interplay.pipeline.results import check_settings, write_record
from interplay.pipeline.screen import count, say, stoppable
from interplay.text.chat import Chat, ChatError

if TYPE_CHECKING:
    from rich.console import Console

_MOST_AT_FIRST = 5
"""Failures without any success, after which the others would fail too."""
_TRIES = 3
"""How often a model is asked that leaves a part of the answer out."""


@dataclass(frozen=True)
class VqaJob:
    """What is asked, and where the answers go.

    Attributes:
        pairs: names of images and objects.
        images: folder of the images.
        output: the file of answers, in the raw form that `interplay.datasets.hoi_vqa` reads; pairs that it has are not
            asked again.
        settings: what else determines the answers; a file of other settings is not continued.
        parallel: how many questions wait for their answer at a time.
    """

    pairs: Sequence[tuple[str, str]]
    images: Path
    output: Path
    settings: dict[str, Any] = field(default_factory=dict)
    parallel: int = 4


@dataclass
class VqaCounts:
    """What became of the pairs: answered now, answered before, and failed."""

    answered: int = 0
    before: int = 0
    failed: int = 0


def read_pairs(source: str | os.PathLike[str], split: str = "train") -> list[tuple[str, str]]:
    """Images and objects to ask about, each pair once.

    Args:
        source: a text file with lines ``IMAGE,OBJECT``, or annotated contact (`read_contact_truth`).
        split: of annotated contact.

    Raises:
        MissingFileError: there is none.
        InputError: a line has another form.
    """
    path = Path(source)
    if path.suffix in (".txt", ".csv") and path.is_file():
        found = []
        for number, line in enumerate(read_lines(path), 1):
            if not line.strip():
                continue
            image, _, name = (part.strip() for part in line.rpartition(","))
            if not image or not name:
                raise InputError(f"{path}: line {number}: expected IMAGE,OBJECT, got {line[:80]!r}")
            found.append((image, name))
    else:
        found = [(each.image, each.object) for each in read_contact_truth(source, split).without_ground().contacts]
    if not found:
        raise InputError(f"{source}: names no image and object")
    return list(dict.fromkeys(found))


def question_about(name: str) -> str:
    """What a model is asked about a person and an object: all five questions at once.

    Example:
        >>> print(question_about("cup").splitlines()[1])
        HVisual: Describe the human in terms of clothing, appearance or any distinctive feature.
    """
    lines = [f"{topic}: {asked.format(object=name.replace('_', ' '))}" for topic, asked in QUESTIONS.items()]
    return "\n".join(
        [
            f"Answer these questions about the person and the {name.replace('_', ' ')} in the image.",
            *lines,
            "Give one short sentence for each, on a line of its own that begins with the word before the colon, in "
            "this order, and nothing else.",
        ]
    )


def make_vqa(job: VqaJob, chat: Chat, console: Console) -> VqaCounts:
    """Ask about every pair, and write each complete answer as soon as it is there.

    Pairs without an answer (unreadable images, incomplete answers, a server that gives none) are told and not written;
    the same command asks them again.

    Raises:
        InputError: the output is another run's, or holds other lines.
        ModelError: the endpoint refuses the key or knows no such model, or nothing succeeds any more.
        LockedError: another process writes the output.
        KeyboardInterrupt: after saying how to go on.
    """
    check_target(job.output, (".txt",))
    counts = VqaCounts()
    with locked(job.output):
        check_settings(job.output, job.settings)
        write_record(job.output, job.settings, finished=False)
        done = _answered(job.output)
        todo = [pair for pair in job.pairs if pair not in done]
        counts.before = len(job.pairs) - len(todo)
        if counts.before:
            say(console, f"{count(counts.before, 'pair')} of {len(job.pairs):,} already answered")
        with (
            naming(job.output),
            job.output.open("a", encoding="utf-8", newline="\n") as stream,
            stoppable(console, "asking", len(todo)) as advance,
        ):
            for (image, name), answers in _ask_all(job, todo, chat):
                if isinstance(answers, str):
                    counts.failed += 1
                    say(console, f"{image}, {name}: {answers}")
                    if counts.failed >= _MOST_AT_FIRST and not counts.answered:
                        raise ModelError(f"the first {counts.failed} questions got no answer; the last: {answers}")
                else:
                    counts.answered += 1
                    stream.write(to_line(image, name, answers) + "\n")
                    stream.flush()
                advance()
        write_record(job.output, job.settings, finished=counts.failed == 0)
    return counts


def _ask_all(
    job: VqaJob, pairs: Sequence[tuple[str, str]], chat: Chat
) -> Iterator[tuple[tuple[str, str], dict[Topic, str] | str]]:
    """Each pair with its answers, or with why there are none, as they come."""
    left = iter(pairs)
    waiting: dict[Future[dict[Topic, str] | str], tuple[str, str]] = {}
    pool = ThreadPoolExecutor(job.parallel)
    try:
        while True:
            for pair in left:
                waiting[pool.submit(_ask, job.images, pair, chat)] = pair
                if len(waiting) >= job.parallel:
                    break
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask(folder: Path, pair: tuple[str, str], chat: Chat) -> dict[Topic, str] | str:
    image, name = pair
    try:
        pixels = read_image(path_inside(folder, image))
    except InterplayError as error:
        return str(error)
    missing: list[str] = []
    for _ in range(_TRIES):
        try:
            answers = answers_in(chat.ask(pixels, question_about(name)))
        except ChatError as error:
            return str(error)
        missing = [topic for topic in QUESTIONS if topic not in answers]
        if not missing:
            return answers
    return f"the answer lacks {', '.join(missing)}, asked {_TRIES} times"


def _answered(output: Path) -> set[tuple[str, str]]:
    """The pairs in a file of answers; a last line that was only half written is cut off."""
    if not output.is_file():
        return set()
    data = output.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(output, whole)
    found = set()
    for number, line in enumerate(data[:whole].decode("utf-8", "replace").splitlines(), 1):
        if line.strip():
            row = read_pair(line)
            if row is None:
                raise InputError(f"{output}: line {number} is no complete answer, so the file is left as it is")
            found.add((row.image, row.object))
    return found
