"""HOI-VQA: five questions about a person and an object in a photograph, answered by a vision-language model.

The raw files have one line per image and object: ``IMAGE,OBJECT-HVisual: ...\\nHContact: ...``, where ``\\n`` are two
characters. Some models decorate: bold headings, empty lines, a sentence before the first answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interplay.containers.text import read_lines
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError

Topic = Literal["HVisual", "HContact", "Interaction", "OVisual", "OContact"]

QUESTIONS: dict[Topic, str] = {
    "HVisual": "Describe the human in terms of clothing, appearance or any distinctive feature.",
    "HContact": "What part of the human's body is in contact with the {object}?",
    "Interaction": "Describe the interaction of human with {object}?",
    "OVisual": "Can you describe the {object} in terms of shape, color or distinctive feature?",
    "OContact": "Which part of the {object} is in contact with human?",
}
"""What was asked."""

_LINE = re.compile(r"(?P<image>.+?\.\w+)\s*,\s*(?P<object>.+?)-(?P<answers>[\s*#]*HVisual.*)")
_OTHER_LINE = re.compile(r"(?P<image>.+?\.\w+)\s*,\s*(?P<object>.+?)-(?P<answers>.*)")
_HEADING = re.compile(r"(?:^|\\n)[\s*#]*(HVisual|HContact|H?Interaction|OVisual|OContact)[\s*]*:[\s*]*")


@dataclass(frozen=True)
class HoiVqa:
    """The answers about one image and object.

    Attributes:
        image, object: as the file has them.
        answers: one per topic, all five.
    """

    image: str
    object: str
    answers: dict[Topic, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Questions about the object, in words, with their answers."""
        name = self.object.replace("_", " ")
        return [(QUESTIONS[topic].format(object=name), self.answers[topic]) for topic in QUESTIONS]


@dataclass(frozen=True)
class HoiVqaFile:
    """What a raw file holds.

    Attributes:
        rows: the complete rows, in the file's order.
        incomplete: numbers of the lines, from 1, that lack the image, the object or an answer; the published code skips
            them too.
    """

    rows: list[HoiVqa]
    incomplete: list[int]


def read_hoi_vqa(path: str | os.PathLike[str]) -> HoiVqaFile:
    """A raw file of answers.

    Raises:
        MissingFileError: no such file.
        InputError: most lines are incomplete, so that this is probably another file.
    """
    rows, incomplete = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        row = read_pair(line)
        if row is None:
            incomplete.append(number)
        else:
            rows.append(row)
    if len(rows) <= len(incomplete):
        raise InputError(
            f"{path}: expected lines IMAGE,OBJECT-HVisual: ... with all of {', '.join(QUESTIONS)}; "
            f"{len(incomplete):,} of {len(rows) + len(incomplete):,} lines are not so"
        )
    return HoiVqaFile(rows, incomplete)


def read_pair(line: str) -> HoiVqa | None:
    """A line of a raw file; None if it is not a complete one."""
    found = _LINE.fullmatch(line) or _OTHER_LINE.fullmatch(line)
    answers = answers_in(found["answers"]) if found else {}
    complete = found and len(answers) == len(QUESTIONS)
    return HoiVqa(found["image"].strip(), found["object"].strip(), answers) if found and complete else None


def to_line(image: str, name: str, answers: Mapping[Topic, str]) -> str:
    """A line of a raw file, without its end.

    Raises:
        InputError: it could not be read again.
    """
    line = f"{image},{name}-" + "\\n".join(f"{topic}: {' '.join(answers[topic].split())}" for topic in QUESTIONS)
    row = read_pair(line)
    if row is None or (row.image, row.object) != (image, name):
        raise InputError(f"{image}, {name}: these names, or the answers, cannot be written as a line of HOI-VQA")
    return line


def conversations(rows: Iterable[HoiVqa]) -> list[dict[str, Any]]:
    """Rows as LLaVA's training data: ``id``, ``image`` and alternating ``conversations``.

    The image's place is before the first question.
    """
    made = []
    for number, row in enumerate(rows):
        turns: list[dict[str, str]] = []
        for asked, answered in row.pairs:
            prefix = "" if turns else "<image>\n"
            turns += [{"from": "human", "value": prefix + asked}, {"from": "gpt", "value": answered}]
        made.append({"id": f"{Path(row.image).stem}_{row.object}_{number}", "image": row.image, "conversations": turns})
    return made


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of HOI-VQA in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    findings = []
    for path in sorted(root.rglob("*.txt")):
        if path.is_file() and _begins_like_answers(path):

            def describe(path: Path = path) -> str:
                found = read_hoi_vqa(path)
                skipped = f"; {len(found.incomplete):,} incomplete, skipped" if found.incomplete else ""
                return f"{len(found.rows):,} answered{skipped}"

            findings.append(try_reading("hoi-vqa", path, root, describe))
    return findings


def answers_in(text: str) -> dict[Topic, str]:
    """The answers in a model's text by topic; of a topic that comes twice the first, none that is empty."""
    pieces = _HEADING.split(text.replace("\n", "\\n"))
    found: dict[Any, str] = {}
    for topic, answer in zip(pieces[1::2], pieces[2::2], strict=True):
        plain = " ".join(answer.replace("\\n", " ").split()).strip("* ")
        if plain:
            found.setdefault(topic.replace("HInteraction", "Interaction"), plain)
    return {topic: found[topic] for topic in QUESTIONS if topic in found}


def _begins_like_answers(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return b"HVisual" in stream.read(4096)
    except OSError:
        return False
