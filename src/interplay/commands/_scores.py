"""Scores of several result files: printed as they come, then side by side, and written."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from rich.console import Console

from interplay.commands._options import distinct_names
from interplay.files import check_target
from interplay.metrics.comparison import check_table_path, compare
from interplay.metrics.report import print_scores, write_json


def score_all(
    arguments: argparse.Namespace, prepare: Callable[[Console], Callable[[str], Any]]
) -> tuple[dict[str, Any], Console]:
    """Score each result file, print, and write ``--json`` and ``--table``.

    Args:
        arguments: of `add_compared`.
        prepare: reads the annotations, once it is sure that the scores can be written; returns what scores a file.

    Returns:
        The scores by the files' short names, and where they were printed.

    Raises:
        InputError: a file is given twice, ``--json`` or ``--table`` cannot be written, or what `prepare` raises.
    """
    names = distinct_names(arguments.predictions)
    if arguments.json:
        check_target(arguments.json)
    if arguments.table:
        check_table_path(arguments.table)
        check_target(arguments.table)
    console = Console()
    score = prepare(console)
    results = {}
    for name, predictions in names.items():
        results[name] = score(predictions)
        if len(names) > 1:
            console.print(name, style="bold", highlight=False, markup=False)
        print_scores(results[name], console)
    comparison = compare(results)
    if len(names) > 1:
        comparison.print(console)
    if arguments.table:
        comparison.write(arguments.table)
    if arguments.json:
        write_json(results if len(names) > 1 else next(iter(results.values())), arguments.json)
    return results, console
