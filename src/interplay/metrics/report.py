"""Scores for people: a table on the screen, a row per class in CSV, JSON for tools."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interplay.files import atomic_path
from interplay.metrics.contact_evaluation import ContactEvaluation
from interplay.metrics.pose import PoseScores
from interplay.metrics.scores import HoiScores, Scores, VcocoScores, in_unit, percent, unit

if TYPE_CHECKING:
    from rich.console import Console

_EVERY_CLASS = 30
"""Up to so many classes are all shown on the screen."""


def print_scores(scores: Scores, console: Console) -> None:
    """Print means, the classes that fit on a screen, and the notes. Scores are in percent."""
    if isinstance(scores, HoiScores):
        _print_hoi(scores, console)
    elif isinstance(scores, PoseScores):
        _print_poses(scores, console)
    elif isinstance(scores, VcocoScores):
        _print_vcoco(scores, console)
    elif isinstance(scores, ContactEvaluation):
        _print_contact(scores, console)
    if scores.coverage.partial:
        console.print(f"PARTIAL: this {scores.coverage.label}", highlight=False, markup=False, style="bold")
    for note in scores.notes:
        console.print(f"note: {note}", highlight=False, markup=False)


def write_json(
    scores: Scores | Mapping[str, Scores],
    path: str | os.PathLike[str],
) -> None:
    """Write ``scores.to_dict()``, or one by name for several result files.

    Figures are fractions, 0..1, and null where there is none.
    """
    write_json_content(
        {k: v.to_dict() for k, v in scores.items()} if isinstance(scores, Mapping) else scores.to_dict(), path
    )


def write_json_content(content: Any, path: str | os.PathLike[str]) -> None:
    """Write what `plain` made plain."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(scores: HoiScores | VcocoScores, path: str | os.PathLike[str]) -> None:
    """Write one row per class; metrics are fractions, 0..1, and empty where there is none."""
    header, rows = _hoi_rows(scores) if isinstance(scores, HoiScores) else _vcoco_rows(scores)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def _print_hoi(scores: HoiScores, console: Console) -> None:
    from rich.table import Table

    split = f", zero-shot {scores.zero_shot}" if scores.zero_shot else ""
    table = Table(title=f"{scores.dataset}: protocol {scores.protocol}, setting {scores.setting}{split}{_part(scores)}")
    for name in ("classes", "mAP %", "max recall %", "annotated", "predicted"):
        table.add_column(name, justify="left" if name == "classes" else "right")
    positives, detections = scores.hits.positives, scores.hits.detections
    for name, value in scores.map.items():
        members = range(len(scores.classes)) if name == "full" else scores.groups.get(name, ())
        if not len(members):
            continue
        rows = list(members)
        table.add_row(
            f"{name.replace('_', '-')} ({len(rows)})",
            percent(value),
            percent(scores.mean_max_recall[name]),
            f"{int(positives[rows].sum()):,}",
            f"{int(detections[rows].sum()):,}",
        )
    if len(scores.classes) <= _EVERY_CLASS:
        table.add_section()
        for i, name in enumerate(scores.classes):
            numbers = f"{positives[i]:,}", f"{detections[i]:,}"
            table.add_row(name, percent(scores.ap[i]), percent(scores.max_recall[i]), *numbers)
    console.print(table)


def _print_vcoco(scores: VcocoScores, console: Console) -> None:
    from rich.table import Table

    caption = "S1, S2: role AP in scenarios 1 and 2" if scores.ap_role_s1 else None
    table = Table(title=f"v-coco: protocol {scores.protocol}{_part(scores)}", caption=caption)
    agents = {name: i for i, name in enumerate(scores.ap_agent)}
    metrics = ["S1 %", "S2 %"] if scores.ap_role_s1 else ["role %"]
    columns = ["action", "annotated", "agent %", "role", *metrics]
    for name in columns:
        table.add_column(name, justify="left" if name in ("action", "role") else "right")
    positives = _positives(scores)
    shown: set[str] = set()
    for name in scores.labels.get("ap_role_s2", scores.labels.get("ap", [])):
        action, role = _action_and_role(name, scores)
        agent = percent(scores.ap_agent[action]) if action in agents and action not in shown else ""
        first = [percent(scores.ap_role_s1.get(name, math.nan))] if scores.ap_role_s1 else []
        second = percent(scores.ap_role_s2[name]) if name in scores.ap_role_s2 else ""
        label = action if action not in shown else ""
        table.add_row(label, f"{positives[name]:,}", agent, role, *(first if role else [""] * len(first)), second)
        shown.add(action)
    table.add_section()
    mean = scores.mean
    for label, suffix in (("mean", ""), ("mean without point", "_24")):
        first = [percent(mean[f"role_s1{suffix}"])] if scores.ap_role_s1 else []
        agent_mean = "" if suffix else percent(mean["agent"])
        table.add_row(label, "", agent_mean, "", *first, percent(mean[f"role_s2{suffix}"]))
    console.print(table)


def _print_poses(scores: PoseScores, console: Console) -> None:
    from rich.table import Table

    ranked = "boxes" if scores.rank_by == "box" else "keypoints"
    table = Table(title=f"poses: COCO's keypoint protocol, ranked by the scores of {ranked}{_part(scores)}")
    for name in ("OKS", "people", "annotated", "AP %", "AR %"):
        table.add_column(name, justify="left" if name in ("OKS", "people") else "right")
    rows = (("0.50 to 0.95", "all", ""), ("0.50", "all", "50"), ("0.75", "all", "75"))
    for similarity, area, suffix in (*rows, *(("0.50 to 0.95", area, f"_{area}") for area in ("medium", "large"))):
        means = (percent(scores.means[f"{kind}{suffix}"]) for kind in ("ap", "ar"))
        table.add_row(similarity, area, f"{scores.people[area]:,}", *means)
    console.print(table)
    console.print(f"{scores.poses:,} poses", highlight=False)


def _print_contact(scores: ContactEvaluation, console: Console) -> None:
    from rich.table import Table

    table = Table(title=f"{scores.title}{_part(scores)}")
    metrics = list(dict.fromkeys(name for rows in scores.tables.values() for row in rows.values() for name in row))
    shown = [
        m for m in metrics if any(m in r and not math.isnan(r[m]) for t in scores.tables.values() for r in t.values())
    ]
    for name in ("", *shown):
        shown_in = "" if name in ("", "samples") else f" {unit(name)}"
        table.add_column(f"{name.replace('_', ' ')}{shown_in}", justify="right" if name else "left")
    for name, rows in scores.tables.items():
        table.add_section()
        if len(scores.tables) > 1:
            table.add_row(name, style="bold")
        for label, row in rows.items():
            cells = (f"{row[m]:,.0f}" if m == "samples" else _shown(m, row.get(m, math.nan)) for m in shown)
            table.add_row(label, *cells)
    console.print(table)


def _shown(name: str, value: float) -> str:
    return "-" if math.isnan(value) else f"{in_unit(name, value):.2f}"


def _action_and_role(name: str, scores: VcocoScores) -> tuple[str, str]:
    """``hit_instr`` -> ``hit``, ``instr``; a body motion has no role."""
    if name not in scores.ap_role_s2:
        return name, ""
    action, _, role = name.rpartition("_")
    return action, role


def _positives(scores: VcocoScores) -> dict[str, int]:
    """How many people do the action of every action-role."""
    counts: dict[str, int] = {}
    for key, hits in scores.hits.items():
        for name, count in zip(scores.labels[key], hits.positives.tolist(), strict=True):
            counts[name] = max(count, counts.get(name, 0))  # body motions count as actions, not as roles
    return counts


def _hoi_rows(scores: HoiScores) -> tuple[list[str], list[list[str]]]:
    names = [name for name in scores.groups if name in ("rare", "no_interaction", "unseen")]
    members = {name: set(scores.groups[name].tolist()) for name in names}
    rows = [
        [
            str(i),
            name,
            *(str(int(i in members[group])) for group in names),
            str(int(scores.hits.positives[i])),
            str(int(scores.hits.detections[i])),
            _number(scores.ap[i]),
            _number(scores.max_recall[i]),
        ]
        for i, name in enumerate(scores.classes)
    ]
    return ["class", "name", *names, "annotated", "predicted", "ap", "max_recall"], rows


def _vcoco_rows(scores: VcocoScores) -> tuple[list[str], list[list[str]]]:
    rows = []
    for kind, hits in scores.hits.items():
        metrics = getattr(scores, kind)
        for i, name in enumerate(scores.labels[kind]):
            if name in metrics:
                count, found = int(hits.positives[i]), int(hits.detections[i])
                rows.append([kind, name, str(count), str(found), _number(metrics[name])])
    return ["metric", "name", "annotated", "predicted", "ap"], rows


def _part(scores: Scores) -> str:
    """What a title says of scores that are of a part only."""
    return f"; {scores.coverage.label}" if scores.coverage.partial else ""


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
