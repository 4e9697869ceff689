"""The card of a generated data set: what is in it, in numbers and in a picture."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from interplay.datasets.generated.files import ANNOTATIONS, read_records
from interplay.datasets.generated.settings import Settings
from interplay.files import atomic_path

from .files import write_bytes

CARD, STATISTICS, SHEET = "README.md", "statistics.json", "contact_sheet.jpg"


def write_card(folder: Path, settings: Settings) -> None:
    """Write ``README.md``, ``statistics.json`` and ``contact_sheet.jpg`` of a finished data set."""
    from interplay.datasets.show import show
    from interplay.datasets.statistics import statistics
    from interplay.formats import read

    table = read(folder / ANNOTATIONS, "generated")
    records = read_records(folder / ANNOTATIONS)
    counts = statistics(table).to_dict() | _label_counts(records)
    write_bytes(folder / STATISTICS, (json.dumps(counts, indent=1) + "\n").encode())
    write_bytes(folder / CARD, _card(settings, counts).encode())
    with atomic_path(folder / SHEET) as temporary:
        show(table, folder, temporary, count=min(24, len(table)), seed=0, width=1600)


def _label_counts(records: list[dict[str, Any]]) -> dict[str, Any]:
    people = [(r, i) for r in records for i, name in enumerate(r["labels"]) if name == "person"]
    heights = np.array([r["boxes"][i][3] - r["boxes"][i][1] for r, i in people]).reshape(-1)
    visibility = Counter(p[2] for r in records for pose in r["keypoints"] if pose is not None for p in pose)
    contacts = [c for r in records for c in r["contact"]]
    missed = [metres for r in records for metres in r["scene"]["residuals"].values()]
    return {
        "settings": dict(sorted(Counter(r["scene"]["setting"] for r in records).items())),
        "instances": dict(sorted(Counter(n for r in records for n in r["labels"]).items())),
        "person_height_pixels": [float(v) for v in np.quantile(heights, (0.05, 0.25, 0.5, 0.75, 0.95)).round(1)]
        if len(heights)
        else [],
        "keypoints": {name: visibility[v] for v, name in enumerate(("outside", "hidden", "visible"))},
        "relations_of_labelled_people": _relations(records),
        "contacts_with_things": sum(c["object"] is not None for c in contacts),
        "contacts_with_ground": sum(c["object"] is None for c in contacts),
        "parts_in_contact": dict(
            sorted(Counter(p for c in contacts if c["object"] is not None for p in c["parts"]).items())
        ),
        "pose_goals_missed_metres": [float(v) for v in np.quantile(missed or [0.0], (0.5, 0.9, 0.99, 1.0)).round(4)],
        "visible_quantiles": [
            float(v) for v in np.quantile([v for r in records for v in r["visible"]] or [0], (0.05, 0.25, 0.5, 0.75))
        ],
    }


def _relations(records: list[dict[str, Any]]) -> dict[str, int]:
    """How many interactions with objects were drawn of people with a box, and what became of them."""
    counts = Counter[str]()
    for r in records:
        drawn, unlabelled = r["scene"], r.get("unlabelled") or []
        box_of = {instance: box for box, instance in enumerate(drawn["instances"])}
        for human, _, object in drawn["relations"]:
            if object is not None and human in box_of:
                seen = drawn["people"] + object in box_of
                counts["labelled" if seen else "unknown" if box_of[human] in unlabelled else "missing"] += 1
    return {"drawn": counts.total(), **{name: counts[name] for name in ("labelled", "unknown", "missing")}}


def _card(settings: Settings, counts: dict[str, Any]) -> str:
    verbs = {k: v for k, v in counts["per_verb"].items() if v}
    objects = counts["instances"]
    command = [f"interplay synthesize OUT --scenes {settings.scenes} --seed {settings.seed} --size {settings.size}"]
    command += [f"--start {settings.start}"] if settings.start else []
    command += [f"--acts {','.join(settings.acts)}"] if settings.acts else []
    command += [f"--mesh {category}=FILE" for category in settings.meshes]
    command += ["--labels image"] if settings.labels == "image" else []
    command += ["--glb"] if settings.glb else []
    quantiles = ", ".join(f"{v:g}" for v in counts["person_height_pixels"])
    missed = ", ".join(f"{1000 * v:.0f}" for v in counts["pose_goals_missed_metres"])
    relations = counts["relations_of_labelled_people"]
    lines = [
        "# Generated scenes of human-object interaction",
        "",
        f"{counts['images']:,} pictures, {counts['people']:,} people, {counts['boxes']:,} boxes, "
        f"{counts['interactions']:,} interactions on {counts['pairs']:,} pairs; made by",
        "",
        f"    {' '.join(command)}",
        "",
        "The bodies are Anny's (CC0); everything else is computed. ![contact sheet](contact_sheet.jpg)",
        "",
        "| what | count |",
        "| --- | --- |",
        f"| pictures without interaction | {counts['images_without_interactions']:,} |",
        f"| people who do something | {counts['acting_people']:,} of {counts['people']:,} |",
        f"| height of people in pixels, quantiles 5, 25, 50, 75, 95 % | {quantiles} |",
        *(f"| keypoints {name} | {number:,} |" for name, number in counts["keypoints"].items()),
        f"| goals of hands, feet and seats missed by mm, quantiles 50, 90, 99, 100 % | {missed} |",
        f"| interactions with things drawn of people who are seen | {relations['drawn']:,} |",
        f"| of these labelled | {relations['labelled']:,} |",
        f"| not to be seen, and the person marked as `unlabelled` | {relations['unknown']:,} |",
        f"| not to be seen, and the person not marked | {relations['missing']:,} |",
        f"| contacts of a person with a thing | {counts['contacts_with_things']:,} |",
        f"| contacts of a person with the ground | {counts['contacts_with_ground']:,} |",
        "",
        *_table("place", counts["settings"]),
        *_table("verb", verbs),
        *_table("object (boxes)", objects),
        *_table("interaction", {k: v for k, v in counts["per_interaction"].items() if v}),
        *_table("body part touching a thing", counts["parts_in_contact"]),
    ]
    return "\n".join(lines)


def _table(title: str, counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"| {title} | count |", "| --- | --- |", *(f"| {name} | {number:,} |" for name, number in ordered), ""]
