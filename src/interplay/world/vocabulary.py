"""The vocabulary `generated`: what the acts of the generated world announce, in words that published data sets use.

    python -m interplay.world.vocabulary

writes it anew; it is needed whenever an act is added.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from interplay.vocabulary import Vocabulary, gerund

NAME = "generated"


def build_vocabulary() -> Vocabulary:
    """COCO's objects and the acts' verbs and pairs; verbs are spelt and phrased as in HICO-DET, else as in V-COCO."""
    from interplay.world.acts import ACTS

    objects = Vocabulary.load("coco").objects
    phrases = {r.name: r.phrase for name in ("v-coco", "hico-det") for r in Vocabulary.load(name).verb_records}
    pairs = {pair for act in ACTS.values() for pair in act.interactions}
    rows = sorted(pairs, key=lambda p: (objects.index(p[1]) if p[1] else -1, p[0]))
    return Vocabulary.from_dict(
        {
            "name": NAME,
            "description": "The generated world: verbs of HICO-DET and V-COCO over COCO's 80 objects",
            "objects": list(objects),
            "verbs": [
                {"name": v, "phrase": phrases[v]} | ({"alone": gerund(v)} if (v, "") in pairs else {})
                for v in sorted({verb for verb, _ in pairs})
            ],
            "interactions": [[verb, category or None] for verb, category in rows],
        }
    )


def vocabulary_file() -> Path:
    """Where the package keeps it."""
    return Path(str(resources.files("interplay") / "vocabularies" / f"{NAME}.json"))


if __name__ == "__main__":
    build_vocabulary().save(vocabulary_file())
