"""`ContactService`: what answers ``/v1/contact``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from interplay.detectors import Detections, Detector
from interplay.errors import InputError, InterplayError, MissingExtraError
from interplay.pipeline.contact import ContactResult, ContactTool, find_contact, load_contact, load_search
from interplay.pipeline.contact_files import coloured_glb
from interplay.pipeline.run import image_problem
from interplay.serve.pictures import Pixels
from interplay.serve.schema import GivenBox

if TYPE_CHECKING:
    from pathlib import Path

    from interplay.pipeline.contact_pairs import PairSearch

MOST_BOXES = 1000
"""People and objects that a request may give."""

_BOXES = TypeAdapter(list[GivenBox])


@dataclass(frozen=True)
class ContactQuestion:
    """What a request asks.

    Attributes:
        pixels: (H, W, 3) RGB.
        given: people and objects; None to have them found.
        objects: names to ask about; None for what is near a person.
        people: their numbers, from 1 on from left to right; None for all.
    """

    pixels: Pixels
    given: Detections | None = None
    objects: tuple[str, ...] | None = None
    people: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ContactService:
    """A model of contact with what finds people and objects for it; a batcher calls it in one thread.

    Attributes:
        tool: the model on its body.
        search: people, objects and verbs.
    """

    tool: ContactTool
    search: PairSearch

    def __call__(self, questions: Sequence[ContactQuestion]) -> list[ContactResult | Exception]:
        """An answer for each question; an exception for one that cannot be answered."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: ContactQuestion) -> ContactResult | Exception:
        try:
            return find_contact(
                self.tool,
                question.pixels,
                question.objects,
                question.people,
                search=self.search,
                given=question.given,
            )
        except Exception as error:
            reason = image_problem(error)
            if reason is None:
                raise
            return InputError(reason)

    def glb(self, result: ContactResult, pair: int) -> bytes:
        """The body of a pair as a GLB file, from grey to red where it is touched.

        Raises:
            InputError: there is no such pair.
        """
        if pair >= len(result.pairs):
            raise InputError(f"no pair {pair}: there are {len(result.pairs)}, counted from 0")
        body = self.tool.body
        assert body is not None  # `load_service` takes no object's mesh
        return coloured_glb(body.vertices, body.faces, result.pairs[pair].contact.scores)


def load_service(
    model: str | Path, detector: Detector | str | None = None, device: str | None = None
) -> ContactService:
    """A model of contact, with everything that it needs loaded.

    Args:
        model, device: as of `load_contact`.
        detector: what finds people and objects, or its name; None for the default.

    Raises:
        MissingExtraError, MissingFileError, InputError: as of `load_contact`.
    """
    try:
        import trimesh  # noqa: F401 - before the first request needs it
    except ImportError as error:
        raise MissingExtraError("contact", "trimesh") from error
    tool = load_contact(model, device=device)
    service = ContactService(tool, load_search(tool, detector, device))
    service.search.inference.prepare()
    return service


def given_boxes(text: str) -> Detections:
    """People and objects that a request gives, as JSON.

    Keypoints count where every person has them.

    Raises:
        InputError: no list of boxes, none or too many, or numbers that are no box.
    """
    try:
        boxes = _BOXES.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"boxes{f' ({where})' if where else ''}: {first['msg']}; expected a list such as "
            '[{"box": [x1, y1, x2, y2], "label": "person"}, ...]'
        ) from None
    if not 0 < len(boxes) <= MOST_BOXES:
        raise InputError(f"boxes: expected 1 to {MOST_BOXES:,} people and objects, got {len(boxes):,}")
    names = tuple(dict.fromkeys(one.label for one in boxes))
    missing = [[float("nan")] * 3] * 17
    posed = all(one.keypoints is not None for one in boxes if one.label == "person")
    try:
        return Detections(
            boxes=[one.box for one in boxes],  # type: ignore[arg-type]  # converted there
            labels=[names.index(one.label) for one in boxes],  # type: ignore[arg-type]
            scores=[one.score for one in boxes],  # type: ignore[arg-type]
            keypoints=[one.keypoints or missing for one in boxes] if posed else None,  # type: ignore[arg-type]
            objects=names,
        )
    except InterplayError as error:
        raise InputError(f"boxes: {error}") from None
