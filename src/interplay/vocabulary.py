"""`Vocabulary`: the objects, verbs and interactions that a data set or a model knows, and their names.

Built in are ``hico-det``, ``v-coco``, ``pastanet-hoi``, ``hoi-a``, ``vidhoi`` and ``coco``; one's own is a JSON file
of the same form (see ``Vocabulary.from_dict``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.defaults import DATASETS
from interplay.errors import InputError, MissingFileError, near_matches, some_of
from interplay.files import atomic_path

PERSON = "person"
"""What nearly all data sets and detectors call people."""

BUILT_IN = ("hico-det", "v-coco", "pastanet-hoi", "coco", "hoi-a", "vidhoi", "generated")
"""Names that `Vocabulary.load` knows without a file."""

_SPELLINGS = {name.replace("-", ""): name for name in (*BUILT_IN, *DATASETS)} | {
    "hico": "hico-det",
    "pastanet": "pastanet-hoi",
}

COCO_91_IDS: tuple[int, ...] = tuple(i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
"""COCO's original category id (1..90) of each of the 80 objects, in order."""


def coco_80_index(coco_91_ids: Iterable[int]) -> NDArray[np.int64]:
    """COCO's original category ids (1..90) as indices 0..79 of the 80 objects; -1 for an id that has none."""
    table = np.full(92, -1, np.int64)
    table[list(COCO_91_IDS)] = np.arange(80)
    ids = np.asarray(list(coco_91_ids), np.int64)
    return table[np.clip(ids, 0, 91)]


def normalise(name: str) -> str:
    """The form in which names are compared: lower case, single spaces instead of underscores and hyphens."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def canonical_name(name: str) -> str:
    """The one spelling of a data set's name: ``"v-coco"`` for ``"vcoco"``, ``"V-COCO"`` and ``"v_coco"``.

    Any other text comes back as it is.
    """
    return _SPELLINGS.get("".join(normalise(name).split()), name)


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        name: as it is written in result files, with spaces.
        phrase: plain English with ``{object}`` where the object goes: ``"riding {object}"``.
        alone: plain English without an object: ``"walking"``. By default the verb itself where it has no phrase and the
            vocabulary lists it without object, or lists no interactions at all; else the phrase with "something".
        official: the data set's own spelling, also accepted as input (``"hit_instr"``).
        action: the action that this verb is a role of (V-COCO: ``"hit"``), or None.
        role: ``"obj"``, ``"instr"``, or None for a body motion.
        aliases: further accepted spellings.
    """

    name: str
    phrase: str = ""
    alone: str = ""
    official: str = ""
    action: str | None = None
    role: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The classes of a data set or model.

    Attributes:
        name: what a model card and an error message call it.
        objects: object names; a label is an index into it.
        verb_records: one `Verb` per verb; a verb is an index into it.
        interactions: (I, 2) int64 rows of (verb, object), object -1 where there is none; the order is the data
            set's official one. Empty when every verb may go with every object.
        groups: named lists of interaction indices (``rare``, ``non_rare``, ``no_interaction``).
        verb_groups: named lists of verb indices (V-COCO: ``role_actions``, ``body_actions``;
            VidHOI: ``temporal``, ``spatial``).
        human: the object that people are called, ``person`` unless a vocabulary says another (``rider``).
    """

    name: str
    objects: tuple[str, ...]
    verb_records: tuple[Verb, ...]
    interactions: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    verb_groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    description: str = ""
    human: str = PERSON

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str]) -> Vocabulary:
        """A built-in vocabulary by name in any spelling of `canonical_name`, or one from a JSON file.

        Raises:
            MissingFileError: neither a built-in name nor a file.
            InputError: the file is not a vocabulary; says which field.
        """
        name = canonical_name(str(name_or_path))
        if name in BUILT_IN:
            return _built_in(name)
        path = Path(name_or_path)
        if not path.is_file():
            hint = near_matches(str(name_or_path), BUILT_IN)
            raise MissingFileError(
                f"no vocabulary {str(name_or_path)!r}: expected one of {', '.join(BUILT_IN)} or a JSON file.{hint}"
            )
        return cls.from_dict(read_json(path, "a vocabulary"), source=str(path))

    @classmethod
    def from_dict(cls, content: Any, source: str = "vocabulary") -> Vocabulary:
        """A vocabulary from its JSON form.

        ``{"name": "zoo", "objects": ["person", "horse"], "verbs": ["feed", {"name": "ride", "phrase": "riding
        {object}"}], "interactions": [["ride", "horse"], ["feed", "horse"]], "groups": {"rare": [1]}}``

        ``interactions`` and ``groups`` may be absent; an interaction's object may be null. ``"human": "worker"`` says
        which object people are, where they are not called ``person``.
        """
        if not isinstance(content, Mapping):
            raise InputError(
                f"{source}: expected a JSON object with 'objects' and 'verbs', got {type(content).__name__}"
            )
        objects = tuple(_unique_names(content.get("objects"), f"{source}: 'objects'"))
        verbs = content.get("verbs")
        if not isinstance(verbs, list):
            raise InputError(f"{source}: 'verbs' must be a list of names or of objects with a 'name'")
        human = _text(content, "human", source) or PERSON
        if human != PERSON and normalise(human) not in map(normalise, objects):
            raise InputError(f"{source}: 'human' is {brief(human)}, expected one of 'objects': {some_of(objects)}")
        records = tuple(_verb(v, f"{source}: 'verbs'[{i}]") for i, v in enumerate(verbs))
        _unique_names([r.name for r in records], f"{source}: 'verbs'")
        bare = cls(_text(content, "name", source) or Path(source).stem, objects, records)
        listed = content.get("interactions") or []
        if not isinstance(listed, list):
            raise InputError(f"{source}: 'interactions' must be a list of [verb, object], got {brief(listed)}")
        rows = []
        for i, pair in enumerate(listed):
            if not isinstance(pair, list) or len(pair) != 2:
                raise InputError(f"{source}: 'interactions'[{i}] must be [verb, object], got {brief(pair)}")
            try:
                rows.append((bare.verb_index(pair[0]), -1 if pair[1] is None else bare.object_index(pair[1])))
            except InputError as error:
                raise InputError(f"{source}: 'interactions'[{i}]: {error}") from None
        if len(set(rows)) != len(rows):
            raise InputError(f"{source}: 'interactions' names a pair twice")
        return cls(
            name=bare.name,
            objects=objects,
            verb_records=records,
            interactions=np.array(rows, np.int64).reshape(-1, 2),
            groups=_groups(content.get("groups"), len(rows), f"{source}: 'groups'"),
            verb_groups=_groups(content.get("verb_groups"), len(records), f"{source}: 'verb_groups'"),
            description=_text(content, "description", source),
            human=human,
        )

    @classmethod
    def from_names(cls, objects: Iterable[str], verbs: Iterable[str], name: str = "own") -> Vocabulary:
        """A vocabulary in which every one of `verbs` may go with every one of `objects`."""
        return cls.from_dict({"name": name, "objects": list(objects), "verbs": list(verbs)})

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that `from_dict` reads."""
        verbs = [{k: v for k, v in vars(r).items() if v not in (None, "", ())} for r in self.verb_records]
        content: dict[str, Any] = {"name": self.name, "objects": list(self.objects), "verbs": verbs}
        if self.description:
            content["description"] = self.description
        if self.human != PERSON:
            content["human"] = self.human
        if len(self.interactions):
            content["interactions"] = [
                [self.verbs[v], self.objects[o] if o >= 0 else None] for v, o in self.interactions
            ]
        for key in ("groups", "verb_groups"):
            if getattr(self, key):
                content[key] = {name: list(members) for name, members in getattr(self, key).items()}
        return content

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON form."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Verb names, in order."""
        return tuple(record.name for record in self.verb_records)

    @cached_property
    def official_verbs(self) -> tuple[str, ...]:
        """The data set's own spelling of each verb (the name with underscores where nothing else is known)."""
        return tuple(r.official or r.name.replace(" ", "_") for r in self.verb_records)

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Distinct actions in order of first appearance (V-COCO: 26); a verb without an action is its own."""
        return tuple(dict.fromkeys(record.action or record.name for record in self.verb_records))

    @cached_property
    def verb_actions(self) -> NDArray[np.int64]:
        """(V,) index into `actions` of each verb."""
        position = {action: i for i, action in enumerate(self.actions)}
        return np.array([position[r.action or r.name] for r in self.verb_records], np.int64)

    @cached_property
    def person(self) -> int:
        """Index of the object that people are; -1 if the vocabulary has none."""
        return self.find_object(self.human)

    def require_person(self, who: str) -> int:
        """As `person`.

        Args:
            who: what looks for people, for the error.

        Raises:
            InputError: the vocabulary has no such object; says how to mend it.
        """
        if self.person < 0:
            raise InputError(
                f"{who} looks for people and the vocabulary {self.name!r} has no object 'person'. Call people that, in "
                "the vocabulary and in the annotations, or give a vocabulary file that names the object that they "
                f'are, such as "human": "{self.objects[0] if self.objects else "worker"}"'
            )
        return self.person

    @cached_property
    def interaction_lookup(self) -> NDArray[np.int64]:
        """(V, O + 1) index of the interaction of a verb and an object, -1 where it is not a class.

        The last column stands for "no object", so that an object index of -1 finds it.
        """
        table = np.full((len(self.verb_records), len(self.objects) + 1), -1, np.int64)
        table[self.interactions[:, 0], self.interactions[:, 1]] = np.arange(len(self.interactions))
        return table

    def find_object(self, name: str, default: int = -1) -> int:
        """Index of an object by name (spaces or underscores, any case), `default` where there is none."""
        return _find(self._object_positions, name, default)

    def find_verb(self, name: str, default: int = -1) -> int:
        """Index of a verb by name, official spelling or alias, `default` where there is none."""
        return _find(self._verb_positions, name, default)

    def object_index(self, name: str) -> int:
        """As `find_object`.

        Raises:
            InputError: unknown; names the nearest ones.
        """
        index = self.find_object(name)
        if index < 0:
            raise self._unknown("object", name, self._object_positions)
        return index

    def verb_index(self, name: str) -> int:
        """As `find_verb`.

        Raises:
            InputError: unknown; names the nearest ones.
        """
        index = self.find_verb(name)
        if index < 0:
            raise self._unknown("verb", name, self._verb_positions)
        return index

    def interaction_index(self, verb: int | str, object: int | str | None) -> int:
        """Index of an interaction, -1 if the vocabulary does not list it."""
        v = self.verb_index(verb) if isinstance(verb, str) else verb
        o = -1 if object is None else self.object_index(object) if isinstance(object, str) else object
        return int(self.interaction_lookup[v, o])

    def pair_names(self, pairs: NDArray[np.int64]) -> list[str]:
        """``"ride bicycle"`` for each of (P, 2) verbs and objects; the verb alone where the object is -1."""
        return [f"{self.verbs[v]} {self.objects[o]}" if o >= 0 else self.verbs[v] for v, o in pairs.tolist()]

    def phrase_template(self, verb: int | str) -> str:
        """A verb in plain English, with ``{object}`` where the object goes: ``"riding {object}"``."""
        record = self.verb_records[self.verb_index(verb) if isinstance(verb, str) else verb]
        return record.phrase or f"{gerund(record.name)} {{object}}"

    def phrase(self, verb: int | str, object: int | str | None = None) -> str:
        """Plain English: ``"riding a bicycle"``, ``"walking"``, ``"eating something"``."""
        index = self.verb_index(verb) if isinstance(verb, str) else verb
        template = self.phrase_template(index)
        if "{object}" not in template:
            return template
        if object is None or object == -1:
            return self._phrase_alone(index)
        name = self.objects[self.object_index(object) if isinstance(object, str) else object]
        return template.replace("{object}", with_article(name))

    def _phrase_alone(self, verb: int) -> str:
        record = self.verb_records[verb]
        if record.alone:
            return record.alone
        listed = not len(self.interactions) or self.interaction_index(verb, None) >= 0
        if listed and not record.phrase:
            return gerund(record.name)
        return self.phrase_template(verb).replace("{object}", "something")

    @cached_property
    def _object_positions(self) -> dict[str, int]:
        return {normalise(name): i for i, name in enumerate(self.objects)}

    @cached_property
    def _verb_positions(self) -> dict[str, int]:
        positions: dict[str, int] = {}
        for spelling in ("aliases", "official", "name"):  # later ones win: a name beats another verb's alias
            for i, record in enumerate(self.verb_records):
                value = getattr(record, spelling)
                for text in value if isinstance(value, tuple) else (value,):
                    if text:
                        positions[normalise(text)] = i
        return positions

    def _unknown(self, kind: str, name: Any, positions: Mapping[str, int]) -> InputError:
        if not isinstance(name, str):
            return InputError(f"a {kind} must be a name, got {brief(name)}")
        hint = near_matches(normalise(name), positions)
        return InputError(f"unknown {kind} {brief(name)} in the vocabulary {self.name!r}.{hint}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self is other or self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.name, self.objects, self.verbs))

    def __repr__(self) -> str:
        return (
            f"Vocabulary({self.name!r}: {len(self.objects)} objects, {len(self.verbs)} verbs, "
            f"{len(self.interactions)} interactions)"
        )


@cache
def _built_in(name: str) -> Vocabulary:
    text = (resources.files("interplay") / "vocabularies" / f"{name}.json").read_text(encoding="utf-8")
    return Vocabulary.from_dict(json.loads(text), source=name)


def _find(positions: Mapping[str, int], name: Any, default: int) -> int:
    if not isinstance(name, str):
        return default
    index = positions.get(name)
    return positions.get(normalise(name), default) if index is None else index


def _unique_names(names: Any, where: str) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise InputError(f"{where} must be a list of names")
    seen: set[str] = set()
    for name in names:
        if normalise(name) in seen:
            raise InputError(f"{where}: {brief(name)} is there twice")
        seen.add(normalise(name))
    return names


def _verb(value: Any, where: str) -> Verb:
    if isinstance(value, str):
        return Verb(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise InputError(f"{where} must be a name or an object with a 'name', got {brief(value)}")
    known = set(Verb.__dataclass_fields__)
    for key in value:
        if key not in known:
            raise InputError(f"{where}: unknown field {brief(key)}; known: {', '.join(sorted(known))}")
    fields: dict[str, Any] = {key: _text(value, key, where) for key in value if key != "aliases"}
    for key in ("action", "role"):
        fields[key] = fields.get(key) or None
    aliases = value.get("aliases") or []
    if not isinstance(aliases, (list, tuple)) or not all(isinstance(alias, str) for alias in aliases):
        raise InputError(f"{where}: 'aliases' must be a list of names, got {brief(aliases)}")
    return Verb(**fields, aliases=tuple(aliases))


def _text(content: Mapping[str, Any], key: str, where: str) -> str:
    value = content.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{where}: {key!r} must be text, got {brief(value)}")
    return value or ""


def _groups(value: Any, size: int, where: str) -> dict[str, tuple[int, ...]]:
    groups: dict[str, tuple[int, ...]] = {}
    if value is not None and not isinstance(value, Mapping):
        raise InputError(f"{where} must be an object with lists of indices by name, got {brief(value)}")
    for name, members in (value or {}).items():
        if not isinstance(members, (list, tuple)) or not all(type(m) is int and 0 <= m < size for m in members):
            raise InputError(f"{where}: {brief(name)} must list indices from 0 to {size - 1}, got {brief(members)}")
        groups[name] = tuple(members)
    return groups


def with_article(name: str) -> str:
    """``"a bicycle"``, ``"an apple"``, ``"skis"``: a singular noun with its article, a plural one without."""
    if name in ("skis", "scissors"):
        return name
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def gerund(verb: str) -> str:
    """The -ing form of a verb's first word: ``"ride"`` -> ``"riding"``, ``"sit on"`` -> ``"sitting on"``."""
    first, _, rest = verb.replace("_", " ").partition(" ")
    vowels = "aeiou"
    if first.endswith("ie"):
        stem = first[:-2] + "y"
    elif first.endswith("e") and not first.endswith(("ee", "oe", "ye")):
        stem = first[:-1]
    elif (  # one syllable, consonant-vowel-consonant: the last letter doubles
        len(first) >= 3
        and first[-1] not in vowels + "wxy"
        and first[-2] in vowels
        and sum(c in vowels for c in first) == 1
    ):
        stem = first + first[-1]
    else:
        stem = first
    return f"{stem}ing {rest}".strip()
