"""Write the digests of the fixed benchmarks anew, from folders that hold them.

    interplay synthesize OUT --benchmark generated-v2 --workers 2
    python -m interplay.datasets.generated.record_digests OUT

Needed whenever acts, objects, sampling or labels change.
"""

from __future__ import annotations

import argparse
import json
from importlib import resources
from pathlib import Path

from interplay.containers.text import read_lines
from interplay.errors import InputError
from interplay.files import atomic_path

from .benchmark import DIGESTS, benchmark_of, digests
from .files import ANNOTATIONS


def record_digests(folder: Path, target: Path) -> list[str]:
    """Put the digests of all benchmark splits in a folder, or below it, into a file that may know others.

    Args:
        folder: of one split, or with a folder for each.
        target: the JSON file.

    Returns:
        Names of the splits.

    Raises:
        InputError: there is no finished split of a benchmark.
    """
    known = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    found = []
    for path in sorted([*folder.glob(ANNOTATIONS), *folder.glob(f"*/{ANNOTATIONS}")]):
        described = benchmark_of(path.parent)
        lines = read_lines(path)
        if described is not None and len(lines) == described[1].scenes:
            known[described[0]] = digests(lines, path)
            found.append(described[0])
    if not found:
        raise InputError(f"{folder} holds no finished split of a benchmark")
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8", newline="\n")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    record_digests(parser.parse_args().folder, Path(str(resources.files(__package__))) / DIGESTS)
