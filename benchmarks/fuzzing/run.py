"""Damaging and reading: many inputs for one reader."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .mutators import mutate
from .readers import Reader
from .watch import FINDINGS, Answer, Worker


@dataclass(frozen=True)
class Tried:
    """One damaged input and what became of it."""

    number: int
    seed_file: Path
    answer: Answer


def damaged(reader: Reader, folder: Path, worker: Worker, inputs: int, seed: int, keep: Path | None) -> Iterator[Tried]:
    """Read `inputs` damaged files, of which those that are findings are copied to `keep`.

    Args:
        folder: an empty folder for valid files and the damaged one.
        seed: the same gives the same files.
    """
    made = folder / reader.name
    made.mkdir(parents=True)
    seeds = reader.seeds(made)
    files = sorted(seeds)
    for number in range(inputs):
        draw = random.Random(f"{seed} {reader.name} {number}")
        whole = number < len(files)  # the valid files themselves come first
        file = files[number] if whole else draw.choice(files)
        original = file.read_bytes()
        file.write_bytes(original if whole else mutate(original, seeds[file], draw))
        try:
            answer = worker.read(reader.name, file)
            if whole and answer.outcome == "refused" and reader.accepts:
                answer = Answer("different", f"a valid file is refused: {answer.detail}")
            if answer.outcome in FINDINGS and keep is not None:
                place = keep / f"{reader.name}_{answer.outcome}_{seed}_{number}"
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(file.parent, place)
                (place / "found.txt").write_text(f"{file.name}\n{answer.detail}\n", encoding="utf-8")
        finally:
            file.write_bytes(original)
        yield Tried(number, file, answer)
