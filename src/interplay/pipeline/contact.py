"""Contact in a photograph: the model, the pairs that it is asked about, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.bodies import ANNY, ContactBody, load_body
from interplay.body.transfer import Transfer, read_matrix, transfer_between
from interplay.body.views import unit_object
from interplay.columns import registered_columns
from interplay.containers.meshes import read_mesh
from interplay.defaults import DEFAULT_CONTACT_MODEL, DEFAULT_POSE_ESTIMATOR
from interplay.errors import InputError
from interplay.files import home_path
from interplay.interactions import Interactions
from interplay.models.contact import ContactFinder, ContactPair, VertexContact
from interplay.pipeline.contact_pairs import FoundPair, PairSearch
from interplay.text.encoders import require_transformers
from interplay.vocabulary import Vocabulary
from interplay.zoo.load import load_contact_finder

if TYPE_CHECKING:
    from interplay.detectors import Detections, Detector
    from interplay.models.interactvlm.memory import MemoryOptions

MOST_FACES = 500_000
"""Of an object's mesh."""
TOUCH = "touch"
"""The verb of the triplets that carry contact."""
THRESHOLD = 0.5
"""From this score on a vertex is in contact."""
_LEAST_STORED = 0.05
"""Lower scores are left out of result files."""


@dataclass(frozen=True)
class Onto:
    """A body that contact is carried to.

    Attributes:
        body: its vertices.
        transfer: how.
    """

    body: ContactBody
    transfer: Transfer


@dataclass(frozen=True)
class ContactTool:
    """What finds contact, with the body or mesh that it answers on.

    Attributes:
        finder: the model.
        body: whose vertices the scores are; None for contact of an object.
        onto: other bodies that they are carried to.
    """

    finder: ContactFinder
    body: ContactBody | None
    onto: tuple[Onto, ...] = ()


@dataclass(frozen=True)
class PairContact:
    """Contact of one person and one object.

    Attributes:
        pair: what was asked.
        person: number of the person, from 1 on from left to right; 0 where nobody was looked for.
        row: of the triplet in the result's `interactions`.
        contact: scores, and what a language model said.
        parts: body parts that touch in words, most vertices first; empty for contact of an object.
    """

    pair: ContactPair
    person: int
    row: int
    contact: VertexContact
    parts: tuple[str, ...]

    @property
    def touches(self) -> bool:
        """Whether any vertex is in contact."""
        return self.contact.found and bool((self.contact.scores >= THRESHOLD).any())

    def in_words(self) -> str:
        """One line.

        Example: ``person 1, bicycle: right hand, left hand, buttocks (612 of 12,272 vertices)``
        """
        who = f"person {self.person}, {self.contact.object}" if self.person else self.contact.object
        count = len(self.contact.vertices(THRESHOLD))
        if not self.touches:
            return f"{who}: no contact"
        return f"{who}: {', '.join(self.parts) or 'touched'} ({count:,} of {len(self.contact.scores):,} vertices)"


@dataclass(frozen=True)
class ContactResult:
    """Contact in one photograph.

    Attributes:
        interactions: boxes and triplets; each pair that was asked about has one with the verb "touch", whose columns
            (`body_contact` or `object_contact`, `contact_object`, `contact_parts`) say where.
        pairs: the same with all scores.
    """

    interactions: Interactions
    pairs: tuple[PairContact, ...]


def load_contact(
    model: str | Path = DEFAULT_CONTACT_MODEL,
    *,
    mesh: Path | None = None,
    body: str | Path = ANNY,
    onto: Sequence[str | Path] = (),
    matrix: Path | None = None,
    device: str | None = None,
    memory: MemoryOptions | None = None,
) -> ContactTool:
    """What finds contact on a body, or on an object's mesh.

    Args:
        model: a folder of published InteractVLM weights, or one that ``interplay import interactvlm`` wrote; or the
            name of a model that comes with interplay, or a file of weights that ``interplay train`` wrote.
        mesh: the object's mesh; None for contact of people.
        body: ``anny``, or a file of SMPL, SMPL-H or SMPL-X.
        onto: other such bodies that contact is carried to.
        matrix: the user's own correspondence to the one body of `onto`, instead of one that is computed.
        device: where to run, by default a GPU where there is one.
        memory: how a large model is kept in memory.

    Raises:
        MissingFileError, MissingExtraError, InputError: something is not there, cannot be read, or does not go
            together.
    """
    if mesh is not None and (onto or str(body) != ANNY):
        raise InputError("--mesh asks where the object is touched: no --body and no --onto go with it")
    if matrix is not None and len(onto) != 1:
        raise InputError("--matrix says how contact is carried to one other body: give it with one --onto")
    if (folder := home_path(model)).is_dir():
        own = None if mesh is not None else load_body(body)
        finder = _published(folder, mesh, own, device, memory)
    else:
        if mesh is not None:
            raise InputError(
                f"{model} knows contact of people alone: where a mesh is touched an InteractVLM says, --model FOLDER"
            )
        if str(body) != ANNY:
            raise InputError(
                f"{model} answers on Anny's vertices, not on {body}: carry its contact there with --onto {body}"
            )
        finder = load_contact_finder(model, device=device)
        own = load_body()
    if own is None:
        return ContactTool(finder, None)
    return ContactTool(finder, own, tuple(_onto(own, load_body(each), matrix) for each in onto))


def load_search(tool: ContactTool, detector: Detector | str | None = None, device: str | None = None) -> PairSearch:
    """What finds people and objects for a model of contact; poses only for one that looks at them.

    Args:
        tool: of `load_contact`.
        detector: as of `HoiModel.predict`.
        device: where models run.
    """
    pose = DEFAULT_POSE_ESTIMATOR if tool.finder.uses_poses else None
    return PairSearch(detector, pose, device)


def find_contact(
    tool: ContactTool,
    image: NDArray[np.uint8],
    objects: Sequence[str] | None = None,
    people: Sequence[int] | None = None,
    *,
    search: PairSearch | None = None,
    given: Detections | None = None,
    file: str | None = None,
) -> ContactResult:
    """Contact of people and objects in a photograph; all pairs go through the model together.

    Args:
        tool: of `load_contact`.
        image: (H, W, 3) RGB.
        objects: names to ask about; by default every object that is found near a person. One whose name no detector
            knows is asked about without a box.
        people: their numbers, from 1 on from left to right; by default all.
        search: what finds people, objects and verbs; None asks about the whole photograph.
        given: people and objects for `search`, instead of a detector's.
        file: the photograph's name, for the result.

    Raises:
        InputError: nobody, or no such object or person, is found; no name without `search`; or the model needs boxes
            that are not there.
    """
    if search is None:
        if not objects:
            raise InputError("without a detector the objects have to be named")
        found = _unseen(Vocabulary.from_names(("person", *objects), (TOUCH,), "contact"), image)
        asked = [FoundPair(ContactPair(name), 0, -1) for name in dict.fromkeys(objects)]
        numbers = {0: 0}
    else:
        found, asked = _search(search, image, objects, file, given)
        order = np.argsort(found.boxes[:, [0, 2]].sum(1), kind="stable").tolist()
        there = [row for row in order if any(each.human == row for each in asked)]
        numbers = {row: number for number, row in enumerate(there, 1)}
        asked = sorted(_chosen(asked, numbers, people), key=lambda each: numbers[each.human])
    contacts = tool.finder.predict_pairs(image, [each.pair for each in asked])
    parts = [() if tool.body is None else tool.body.in_words(each.vertices(THRESHOLD)) for each in contacts]
    interactions = _with_contact(found, asked, contacts, parts, tool)
    first = len(interactions) - len(asked)
    pairs = tuple(
        PairContact(each.pair, numbers[each.human], first + index, contact, words)
        for index, (each, contact, words) in enumerate(zip(asked, contacts, parts, strict=True))
    )
    return ContactResult(replace(interactions, file=file or found.file), pairs)


def _published(
    folder: Path, mesh: Path | None, body: ContactBody | None, device: str | None, memory: MemoryOptions | None
) -> ContactFinder:
    """A network of a folder, on a body or on an object's mesh."""
    require_transformers("contact")  # the tokenizer and the network are of it
    from interplay.devices import choose_device
    from interplay.models.interactvlm.convert import load_folder
    from interplay.models.interactvlm.predict import ContactPredictor
    from interplay.models.interactvlm.tokenizer import load_tokenizer

    if body is not None:
        vertices, faces = body.vertices, body.faces
    else:
        assert mesh is not None
        read = read_mesh(mesh, MOST_FACES)
        vertices, faces = unit_object(read.vertices), read.faces
    tokenizer = load_tokenizer(folder)
    network = load_folder(folder, device=choose_device(device), memory=memory)
    return ContactPredictor(network, tokenizer, vertices, faces, "object" if body is None else "human")


def _onto(source: ContactBody, target: ContactBody, matrix: Path | None) -> Onto:
    if matrix is None:
        return Onto(target, transfer_between(source, target))
    return Onto(target, read_matrix(matrix, len(source.vertices), len(target.vertices)))


def _search(
    search: PairSearch,
    image: NDArray[np.uint8],
    objects: Sequence[str] | None,
    file: str | None,
    given: Detections | None,
) -> tuple[Interactions, list[FoundPair]]:
    """Pairs with boxes, and each person with objects whose names the detector does not know."""
    names = None if objects is None else list(dict.fromkeys(objects))
    if names is None:
        return search(image, None, file, given)
    known = search.inference.model.vocabulary
    seen = [name for name in names if known.find_object(name) >= 0]
    unseen = [name for name in names if known.find_object(name) < 0]
    if not unseen:
        return search(image, seen, file, given)
    try:
        found, asked = search(image, seen or None, file, given)
    except InputError:
        if seen:
            raise
        return _unseen(known, image), [FoundPair(ContactPair(name), 0, -1) for name in unseen]
    people = {each.human: each.pair for each in reversed(asked)}
    more = [
        FoundPair(replace(pair, object=name, object_box=None, verbs=()), human, -1)
        for human, pair in sorted(people.items())
        for name in unseen
    ]
    return found, [*(asked if seen else ()), *more]


def _chosen(asked: list[FoundPair], numbers: dict[int, int], people: Sequence[int] | None) -> list[FoundPair]:
    if people is None:
        return asked
    missing = sorted(set(people) - set(numbers.values()))
    if missing:
        raise InputError(f"no person {missing[0]}: {len(numbers)} are beside objects here, numbered from left to right")
    return [each for each in asked if numbers[each.human] in set(people)]


def _unseen(vocabulary: Vocabulary, image: NDArray[np.uint8]) -> Interactions:
    """The whole photograph as the one person, with score 0: nobody looked for them."""
    height, width = image.shape[:2]
    box = np.array([[0, 0, width, height]], np.float32)
    none = np.zeros(0, np.int64)
    person = np.array([vocabulary.require_person("contact")])
    return Interactions(
        box, person, none, none, none, vocabulary, box_scores=np.zeros(1, np.float32), width=width, height=height
    )


def _with_contact(
    found: Interactions,
    asked: Sequence[FoundPair],
    contacts: Sequence[VertexContact],
    parts: Sequence[tuple[str, ...]],
    tool: ContactTool,
) -> Interactions:
    """The interactions with one more for each pair, which carries its contact."""
    vocabulary = _with_touch(found.vocabulary)
    added: dict[str, Any] = {
        "contact_object": [each.pair.object for each in asked],
        "contact_parts": [", ".join(words) for words in parts],
        "object_contact" if tool.body is None else "body_contact": [_sparse(each.scores) for each in contacts],
    }
    columns: dict[str, Any] = dict(found.columns)
    for column in registered_columns("triplet"):
        if column.name in added or column.name in columns:
            old = columns.get(column.name, column.filled(len(found)))
            new = column.as_array(added[column.name], len(asked)) if column.name in added else column.filled(len(asked))
            columns[column.name] = np.concatenate([old, new])
    if tool.body is not None:
        columns["contact_body"] = tool.body.name
    touch = np.full(len(asked), vocabulary.verb_index(TOUCH))
    return replace(
        found,
        vocabulary=vocabulary,
        human=np.append(found.human, [each.human for each in asked]).astype(np.int64),
        object=np.append(found.object, [each.object for each in asked]).astype(np.int64),
        verb=np.append(found.verb, touch),
        score=np.append(found.score, [each.scores.max(initial=0) for each in contacts]).astype(np.float32),
        columns=columns,
    )


def _with_touch(vocabulary: Vocabulary) -> Vocabulary:
    """A vocabulary in which people may touch every object."""
    if vocabulary.find_verb(TOUCH) >= 0:
        return vocabulary
    content = vocabulary.to_dict()
    content["verbs"].append({"name": TOUCH})
    if content.get("interactions"):
        content["interactions"] += [[TOUCH, name] for name in (*vocabulary.objects, None)]
    content["name"] = f"{vocabulary.name} with {TOUCH}"
    return Vocabulary.from_dict(content)


def _sparse(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """(K, 2) index and score of the vertices whose score is not nearly 0."""
    kept = np.flatnonzero(scores >= _LEAST_STORED)
    return np.stack([kept, np.round(scores[kept], 3)], 1).astype(np.float32)
