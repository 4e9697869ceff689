"""How many objects people have at once for a verb, counted in HICO-DET's annotations; for V-COCO's verbs.

    python experiments/objects_at_once.py --data hico_det/ --split test -o objects_at_once.json

V-COCO annotates one object per person and verb, so that it cannot tell. The default model does not list two objects
for a verb that takes one at a time; see `interplay.models.tin_spatial.plausibility`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interplay import load_annotations
from interplay.cli import run_script
from interplay.models.tin_spatial.plausibility import objects_at_once

NAMES = {
    "hold": "hold", "sit": "sit on", "ride": "ride", "look": "watch", "hit": "hit", "eat": "eat", "jump": "jump",
    "lay": "lie on", "talk on phone": "talk on", "carry": "carry", "throw": "throw", "catch": "catch", "cut": "cut",
    "cut with": "cut with", "work on computer": "type on", "drink": "drink with", "kick": "kick", "read": "read",
}  # fmt: skip
"""V-COCO's verb -> HICO-DET's."""


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="HICO-DET's annotations")
    parser.add_argument("--split", default="train")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    counted = objects_at_once(load_annotations("hico-det", arguments.data, arguments.split))
    verbs = {
        ours: {"hico-det": theirs, "people": counted[theirs][0], "share": round(counted[theirs][1], 4)}
        for ours, theirs in NAMES.items()
        if theirs in counted
    }
    content = {"source": f"HICO-DET {arguments.split} annotations, experiments/objects_at_once.py", "verbs": verbs}
    arguments.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_script(main)
