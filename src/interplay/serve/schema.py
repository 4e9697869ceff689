"""What the API answers, as types that also make its documentation."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, model_validator

from interplay.interactions import Interactions

if TYPE_CHECKING:
    from interplay.pipeline.contact import ContactResult


class GivenBox(BaseModel):
    """A person or object that a request gives; what ``/v1/detect`` answers can be sent as it is."""

    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] = Field(description="x1, y1, x2, y2 in pixels")
    label: str = Field(min_length=1, max_length=100)
    score: float = Field(1.0, ge=0, le=1)
    keypoints: list[tuple[FiniteFloat, FiniteFloat, FiniteFloat]] | None = Field(
        None, min_length=17, max_length=17, description="COCO's 17: x, y, score"
    )

    @model_validator(mode="after")
    def _has_area(self) -> GivenBox:
        x1, y1, x2, y2 = self.box
        if not (x2 > x1 and y2 > y1):
            raise ValueError(f"{[x1, y1, x2, y2]} is no box: expected x1 < x2 and y1 < y2")
        return self


class Box(BaseModel):
    """A person or object."""

    box: list[float] = Field(description="x1, y1, x2, y2 in pixels of the upright picture")
    label: str
    score: float
    keypoints: list[list[float]] | None = Field(None, description="COCO's 17: x, y, score")


class Interaction(BaseModel):
    """Who does what with which object."""

    person: int = Field(description="position in `boxes`")
    object: int | None = Field(description="position in `boxes`; null where no object takes part")
    verb: str
    phrase: str = Field(description='in English: "riding a bicycle"')
    score: float


class Detection(BaseModel):
    """What is in a picture."""

    name: str | None = Field(description="the file's name")
    width: int
    height: int
    model: str
    boxes: list[Box]
    interactions: list[Interaction] = Field(description="the surest first")


class ContactPair(BaseModel):
    """Where a person touches an object."""

    person: int = Field(description="position in `boxes`")
    number: int = Field(description="of the person, from 1 on from left to right")
    object: int | None = Field(description="position in `boxes`; null for an object that no detector knows")
    label: str = Field(description="the object's name")
    touches: bool = Field(description="whether any vertex is in contact")
    score: float = Field(description="of the surest vertex")
    parts: list[str] = Field(description="parts of the body that touch, most vertices first")
    sentence: str = Field(description='"person 1, bicycle: right hand, buttocks (612 of 12,272 vertices)"')
    vertices: list[int] = Field(description="in contact: of a probability of `threshold` or more")
    scores: str | None = Field(
        None, description="where asked for: the probability of each vertex in a byte, 0 to 255, all in base64"
    )


class Contact(BaseModel):
    """Where on their bodies the people of a picture touch objects."""

    name: str | None = Field(description="the file's name")
    width: int
    height: int
    model: str
    body: str = Field(description="whose vertices these are: `anny`, or one of the SMPL family")
    num_vertices: int
    threshold: float
    boxes: list[Box]
    pairs: list[ContactPair] = Field(description="people from left to right")


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class Model(BaseModel):
    """A model that this server has."""

    name: str
    task: Literal["interactions", "contact"] = Field(description="`/v1/detect` or `/v1/contact` takes it")
    system: str | None = None
    vocabulary: str | None = None
    default_min_score: float
    verbs: list[str] = []


def detection_of(image: Interactions, name: str | None, model: str) -> Detection:
    """An answer for one picture."""
    names = image.vocabulary
    labels = image.object_labels
    interactions = [
        Interaction(
            person=int(image.human[t]),
            object=int(image.object[t]) if image.object[t] >= 0 else None,
            verb=names.verbs[image.verb[t]],
            phrase=names.phrase(int(image.verb[t]), int(labels[t])),
            score=round(float(image.score[t]), 4),
        )
        for t in (-image.score).argsort(kind="stable").tolist()
    ]
    width, height = image.width or 0, image.height or 0
    return Detection(
        name=name, width=width, height=height, model=model, boxes=_boxes_of(image), interactions=interactions
    )


def contact_of(result: ContactResult, name: str | None, model: str, body: str, scores: bool = False) -> Contact:
    """An answer for contact in one picture.

    Args:
        name: the file's.
        model: what found it.
        body: whose vertices these are.
        scores: add the probability of every vertex.
    """
    from interplay.pipeline.contact import THRESHOLD

    image = result.interactions
    pairs = []
    for pair in result.pairs:
        found, thing = pair.contact, int(image.object[pair.row])
        pairs.append(
            ContactPair(
                person=int(image.human[pair.row]),
                number=pair.person,
                object=thing if thing >= 0 else None,
                label=found.object,
                touches=pair.touches,
                score=round(float(found.scores.max(initial=0)), 4),
                parts=list(pair.parts),
                sentence=pair.in_words(),
                vertices=found.vertices(THRESHOLD).tolist(),
                scores=base64.b64encode(np.rint(found.scores * 255).astype(np.uint8).tobytes()).decode()
                if scores
                else None,
            )
        )
    return Contact(
        name=name,
        width=image.width or 0,
        height=image.height or 0,
        model=model,
        body=body,
        num_vertices=len(result.pairs[0].contact.scores) if result.pairs else 0,
        threshold=THRESHOLD,
        boxes=_boxes_of(image),
        pairs=pairs,
    )


def _boxes_of(image: Interactions) -> list[Box]:
    keypoints = image.keypoints
    boxes = []
    for i, box in enumerate(image.boxes.tolist()):
        pose = None
        if keypoints is not None and not (keypoints[i] != keypoints[i]).any():
            pose = [[round(v, 3) for v in point] for point in keypoints[i].tolist()]
        label, score = image.vocabulary.objects[image.labels[i]], round(float(image.box_scores[i]), 4)
        boxes.append(Box(box=[round(v, 2) for v in box], label=label, score=score, keypoints=pose))
    return boxes
