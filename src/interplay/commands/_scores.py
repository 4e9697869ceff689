"""Scores of several result files: printed as they come, then side by side, and written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from interplay.files import check_target
from interplay.metrics.comparison import check_table_path, compare
from interplay.metrics.report import print_scores, write_json


def check_outputs(arguments: argparse.Namespace) -> None:
    """Whether ``--json`` and ``--table`` can be written.

    Raises:
        InputError: they cannot.
    """
    if arguments.json:
        check_target(arguments.json)
    if arguments.table:
        check_table_path(arguments.table)
        check_target(arguments.table)


def score_all(
    names: Mapping[str, str], score: Callable[[str], Any], arguments: argparse.Namespace, console: Console
) -> dict[str, Any]:
    """Score each result file, print, and write ``--json`` and ``--table``; returns the scores by name.

    Args:
        names: name to print -> the file.
        score: a file's scores.
    """
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
    return results
