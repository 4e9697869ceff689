"""What the API answers, as types that also make its documentation."""

from __future__ import annotations

from pydantic import BaseModel, Field

from interplay.interactions import Interactions


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


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class Model(BaseModel):
    """A model that this server has."""

    name: str
    system: str
    vocabulary: str
    default_min_score: float
    verbs: list[str]


def detection_of(image: Interactions, name: str | None, model: str) -> Detection:
    """An answer for one picture."""
    names = image.vocabulary
    keypoints = image.keypoints
    boxes = []
    for i, box in enumerate(image.boxes.tolist()):
        pose = None
        if keypoints is not None and not (keypoints[i] != keypoints[i]).any():
            pose = [[round(v, 3) for v in point] for point in keypoints[i].tolist()]
        label, score = names.objects[image.labels[i]], round(float(image.box_scores[i]), 4)
        boxes.append(Box(box=[round(v, 2) for v in box], label=label, score=score, keypoints=pose))
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
    return Detection(name=name, width=width, height=height, model=model, boxes=boxes, interactions=interactions)
