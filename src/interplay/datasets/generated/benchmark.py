"""Fixed benchmarks of generated scenes, defined by seeds, and whether a folder holds what they should.

Two digests tell. That of the *scenes* covers what was drawn: places, people, objects and who does what; it must
agree. That of the *labels* covers ``annotations.jsonl`` to the last byte; where processors round differently an
outline may shift by a pixel and this digest with it, which is worth a note.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from interplay.containers.json_files import parse_json
from interplay.containers.text import read_lines
from interplay.errors import InputError

from .files import ANNOTATIONS, SETTINGS_FILE, read_settings
from .settings import EDITION, Settings

DIGESTS = "benchmarks.json"


@dataclass(frozen=True)
class Benchmark:
    """A fixed set of generated scenes.

    Attributes:
        name: of the benchmark.
        splits: name of the split -> what to generate.
        edition: of the world (`settings.EDITION`) that draws it; older ones can be checked, and not made any more.
    """

    name: str
    splits: dict[str, Settings]
    edition: int = EDITION


BENCHMARKS = {
    "generated-v1": Benchmark(
        "generated-v1",
        {
            "train": Settings(4000, seed=2101, size=256),
            "val": Settings(500, seed=2102, size=256),
            "test": Settings(1000, seed=2103, size=256),
        },
        edition=1,
    ),
    "generated-v2": Benchmark(
        "generated-v2",
        {
            "train": Settings(4000, seed=2201, size=256),
            "val": Settings(500, seed=2202, size=256),
            "test": Settings(1000, seed=2203, size=256),
        },
    ),
}
"""All benchmarks by name."""


@dataclass(frozen=True)
class Verified:
    """What came of comparing a folder with a benchmark.

    Attributes:
        name: ``"generated-v2 train"``.
        status: ``ok``; ``note``: the scenes agree, the labels' bytes do not; ``different``; ``missing``.
        detail: in words.
    """

    name: str
    status: Literal["ok", "note", "different", "missing"]
    detail: str


def verify(folder: Path) -> Verified | None:
    """Compare a folder with the benchmark whose settings it has; None if it has none's.

    Raises:
        InputError: the folder's description or annotations cannot be read.
    """
    found = benchmark_of(folder)
    if found is None:
        return None
    name, settings = found
    annotations = folder / ANNOTATIONS
    if not annotations.is_file():
        return Verified(
            name, "missing", f"unfinished; 'interplay synthesize' goes on with it ({settings.scenes} scenes)"
        )
    lines = read_lines(annotations)
    if len(lines) != settings.scenes:
        return Verified(name, "different", f"{len(lines):,} scenes, expected {settings.scenes:,}")
    expected = known_digests().get(name)
    if expected is None:
        return Verified(name, "note", "its digest is not known to this version")
    actual = digests(lines, annotations)
    if actual["labels"] == expected["labels"]:
        return Verified(name, "ok", f"{len(lines):,} scenes, labels as published (sha256 {actual['labels'][:12]})")
    if actual["scenes"] == expected["scenes"]:
        return Verified(
            name, "note", f"{len(lines):,} scenes as published; labels differ in rounding from another processor's"
        )
    return Verified(
        name,
        "different",
        f"not the scenes of the benchmark (sha256 {actual['scenes'][:12]}, expected {expected['scenes'][:12]}): "
        "made by another version of interplay, or changed since",
    )


def digests(lines: list[str], source: Path) -> dict[str, str]:
    """Hexadecimal SHA-256 of the scenes and of the labels.

    Raises:
        InputError: a line is not the record of a generated scene.
    """
    scenes, labels = hashlib.sha256(), hashlib.sha256()
    for number, line in enumerate(lines, 1):
        record: dict[str, Any] = parse_json(line, f"{source}: line {number}")
        try:
            drawn = record["scene"]
            facts = [record["width"], record["height"], *(drawn[k] for k in ("index", "setting", "people", "things"))]
            facts.append(drawn["relations"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{source}, line {number}: not the record of a generated scene ({error})") from None
        scenes.update(json.dumps(facts, separators=(",", ":")).encode() + b"\n")
        labels.update(line.encode() + b"\n")
    return {"scenes": scenes.hexdigest(), "labels": labels.hexdigest()}


@lru_cache(maxsize=1)
def known_digests() -> dict[str, dict[str, str]]:
    """Digests of every benchmark's splits: ``{"generated-v2 train": {"scenes", "labels"}}``."""
    path = resources.files(__package__) / DIGESTS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def benchmark_of(folder: Path) -> tuple[str, Settings] | None:
    """Name ("generated-v2 train") and settings of the benchmark's split that a folder was made as, if any.

    Raises:
        InputError: the folder's description cannot be read.
    """
    described = folder / SETTINGS_FILE
    if not described.is_file():
        return None
    content = read_settings(described)
    for benchmark in BENCHMARKS.values():
        if content.get("edition", 1) != benchmark.edition:
            continue
        for split, settings in benchmark.splits.items():
            mine = json.loads(json.dumps(settings.fingerprint()))
            if all(mine[k] == content.get(k) for k in mine if k not in ("interplay", "labels", "glb", "edition")):
                return f"{benchmark.name} {split}", settings
    return None
