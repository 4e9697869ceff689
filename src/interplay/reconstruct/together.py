"""Several people and objects of one photograph in one scene: each pair is fitted first, then all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.errors import InputError

from .bodies import Thing, best_factor, orders, wrong_orders
from .camera import Intrinsics
from .energy import contact_distances
from .fit import Fit, apart_in_words, fit_again, fit_object, fit_untouched, pose_of, usual_scale
from .scene import (
    HUMAN_CONTACT,
    OBJECT_CONTACT,
    Inputs,
    Problem,
    checked_mask,
    checked_mesh,
    checked_scores,
    filled_box,
)
from .sizes import SizePrior
from .tilts import Upright

BODY_SPREAD = 0.06
"""Standard deviation of the logarithm of adults' height, about 10 of 170 cm."""

_ROUNDS = 3
_STILL = 0.002  # metres
_NEAR = 0.05  # metres between boxes from which on two things may matter to each other
_APART = 0.1  # metres between what should touch, from which on a warning says so


@dataclass(frozen=True)
class SceneBody:
    """A person.

    Attributes:
        vertices: (V, 3) metres in the camera's frame, x right, y down, z forward.
        faces: (F, 3) indices, counter-clockwise seen from outside.
        mask: (height, width) of what is seen of the person, or None; it tells who is before whom.
    """

    vertices: Any
    faces: Any
    mask: Any = None


@dataclass(frozen=True)
class SceneObject:
    """An object.

    Attributes:
        vertices, faces: (W, 3) metres, turned and placed anyhow, and (G, 3).
        mask: (height, width) of what is seen of it.
        scale_spread, size, outline, upright: as of `fit_object`.
    """

    vertices: Any
    faces: Any
    mask: Any
    scale_spread: float = 0.0
    size: str | SizePrior | None = None
    outline: bool = True
    upright: Upright | None = None


@dataclass(frozen=True)
class ScenePair:
    """A person who touches an object.

    Attributes:
        body, object: which of the bodies and of the objects.
        body_contact, object_contact: scores (V,) and (W,), as of `fit_object`.
        fit: where the object is beside this person alone, if that is known already.
    """

    body: int
    object: int
    body_contact: Any
    object_contact: Any
    fit: Fit | None = None


@dataclass(frozen=True)
class SceneFit:
    """Where everything is, in the camera's frame.

    Attributes:
        objects: a place for each object.
        body_scales: what each body's vertices are multiplied by: somebody who is larger and as much farther away looks
            the same.
        contact_distances: metres between what touches, for each pair.
        warnings: what speaks against the scene, in plain English; each object's fit has its own.
    """

    objects: tuple[Fit, ...]
    body_scales: tuple[float, ...]
    contact_distances: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    def place_body(self, index: int, vertices: Any) -> Array:
        """Vertices (V, 3) of a body where it is."""
        return self.body_scales[index] * np.asarray(vertices, np.float64)


def fit_scene(
    bodies: Sequence[SceneBody],
    objects: Sequence[SceneObject],
    pairs: Sequence[ScenePair],
    camera: Intrinsics,
    *,
    body_spread: float | Sequence[float] = BODY_SPREAD,
    starts: int = 512,
    seed: int = 0,
) -> SceneFit:
    """Place several people and objects in one scene.

    Each pair is fitted alone (`fit_object`). Then, in up to three rounds, each body moves along the line of sight, its
    size with its distance, and each object is fitted again with everything else around it: to all who touch it at once,
    out of people and other objects, before and behind them as the masks say. An object that nobody touches is placed by
    its size and by what hides it or is hidden. What a person alone touches moves with the person. The same input and
    seed give the same result.

    Args:
        bodies, objects, pairs: what is in the scene, and who touches what; two people may touch one object, and one
            person several. All masks have the photograph's height and width.
        camera: the photograph's, shared by all.
        body_spread: how uncertain people's size is, of all or of each, as a standard deviation of its logarithm; 0
            leaves a body where it is.
        starts, seed: as of `fit_object`.

    Raises:
        InputError: meshes, scores, masks or indices that cannot be, named by their place in the list.
    """
    spreads = [body_spread] * len(bodies) if isinstance(body_spread, float | int) else list(body_spread)
    if len(spreads) != len(bodies) or not all(0 <= spread < 1 for spread in spreads):
        raise InputError(f"body_spread: expected a number from 0 to 1, or one for each body, got {body_spread}")
    if starts < 1:
        raise InputError(f"starts: expected 1 or more, got {starts}")
    scene = _Scene(bodies, objects, pairs, camera, starts, seed)
    scene.place_each()
    for _ in range(_ROUNDS):
        moved = scene.move_bodies(spreads)
        moved = max(moved, scene.move_objects())
        if moved < _STILL:
            break
    return scene.result()


class _Scene:
    """Where everything is at present; objects have their usual size here."""

    def __init__(
        self,
        bodies: Sequence[SceneBody],
        objects: Sequence[SceneObject],
        pairs: Sequence[ScenePair],
        camera: Intrinsics,
        starts: int,
        seed: int,
    ) -> None:
        self.camera, self.starts, self.seed = camera, starts, seed
        masks: dict[str, NDArray[np.bool_]] = {}
        self.bodies: list[Thing] = []
        for k, body in enumerate(bodies):
            vertices, faces = checked_mesh(body.vertices, body.faces, f"bodies[{k}]")
            if body.mask is not None:
                masks[f"bodies[{k}]"] = checked_mask(body.mask, f"bodies[{k}].mask")
            self.bodies.append(Thing(vertices, faces, masks.get(f"bodies[{k}]")))
        self.own: list[tuple[Array, NDArray[np.int64], NDArray[np.bool_]]] = []
        self.sizes = []
        self.kinds: list[tuple[bool, Upright | None]] = []
        for k, each in enumerate(objects):
            vertices, faces = checked_mesh(each.vertices, each.faces, f"objects[{k}]")
            mask = masks[f"objects[{k}]"] = checked_mask(each.mask, f"objects[{k}].mask")
            usual, spread = usual_scale(vertices, each.scale_spread, each.size)
            self.own.append((vertices * usual, faces, mask))
            self.kinds.append((each.outline, each.upright))
            self.sizes.append((usual, spread))
        if len({mask.shape for mask in masks.values()}) > 1:
            shapes = ", ".join(f"{name} {mask.shape}" for name, mask in masks.items())
            raise InputError(f"masks: expected all to have the photograph's height and width, got {shapes}")
        self.pairs = [self._pair(k, pair) for k, pair in enumerate(pairs)]
        if len({(pair.body, pair.object) for pair in self.pairs}) < len(self.pairs):
            raise InputError("pairs: the same person and object are named twice")
        self.scales = [1.0] * len(bodies)
        self.fits: list[Fit | None] = [None] * len(objects)
        self.placed: dict[int, tuple[Fit, Thing]] = {}

    def _pair(self, k: int, pair: ScenePair) -> ScenePair:
        for name, index, count in (("body", pair.body, len(self.bodies)), ("object", pair.object, len(self.own))):
            if not 0 <= index < count:
                raise InputError(f"pairs[{k}].{name}: expected an index below {count}, got {index}")
        body, own = self.bodies[pair.body].vertices, self.own[pair.object][0]
        touching = checked_scores(pair.body_contact, len(body), HUMAN_CONTACT, f"pairs[{k}].body_contact")
        touched = checked_scores(pair.object_contact, len(own), OBJECT_CONTACT, f"pairs[{k}].object_contact")
        if not (body[touching >= HUMAN_CONTACT, 2] > 0).all():
            raise InputError(f"pairs[{k}]: some of the body in contact is behind the camera; expected z forward")
        fit = None if pair.fit is None else replace(pair.fit, scale=pair.fit.scale / self.sizes[pair.object][0])
        return replace(pair, body_contact=touching, object_contact=touched, fit=fit)

    def place_each(self) -> None:
        """Every pair alone, then what nobody touches."""
        for k, pair in enumerate(self.pairs):
            if pair.fit is None:
                body, own = self.bodies[pair.body], self.own[pair.object]
                fit = fit_object(
                    body.vertices,
                    body.faces,
                    pair.body_contact,
                    own[0],
                    own[1],
                    pair.object_contact,
                    own[2],
                    self.camera,
                    scale_spread=self.sizes[pair.object][1],
                    outline=self.kinds[pair.object][0],
                    upright=self.kinds[pair.object][1],
                    starts=self.starts,
                    seed=self.seed,
                )
                self.pairs[k] = replace(pair, fit=fit)
        for j in range(len(self.own)):
            if alone := self._alone(j):  # the others who touch it move to it, then it moves to all
                self.fits[j] = max(alone, key=lambda fit: fit.iou)
        for j in range(len(self.own)):
            if self.fits[j] is None:
                self.fits[j] = fit_untouched(self._problem(j), self.starts, self.sizes[j][1], self.seed)

    def move_bodies(self, spreads: Sequence[float]) -> float:
        """Each body along the line of sight; returns by how many metres one moved at most."""
        farthest = 0.0
        for k, body in enumerate(self.bodies):
            shared = [p for p in self.pairs if p.body == k and len(self._touching(p.object)) > 1]
            along = [j for j in range(len(self.own)) if self._touching(j) == [k]]
            others = [
                *(self._body(i) for i in range(len(self.bodies)) if i != k),
                *(self._object(j) for j in range(len(self.own)) if j not in along),
            ]
            if not others or not spreads[k]:
                continue
            contacts = [
                (p.body_contact, self._object(p.object).vertices[p.object_contact >= OBJECT_CONTACT]) for p in shared
            ]
            moving = [body, *(replace(self._object(j), scaled=1 / self.scales[k]) for j in along)]
            factor = best_factor(moving, others, contacts, self.camera, spreads[k])
            change = factor / self.scales[k]
            self.scales[k] = factor
            for j in along:  # keeps its size: its middle moves
                fit = self._fit(j)
                middle = fit.place(self.own[j][0]).mean(0)
                self.fits[j] = replace(fit, translation=fit.translation + (change - 1) * middle)
            farthest = max(farthest, abs(change - 1) * float(np.linalg.norm(body.vertices.mean(0))))
        return farthest

    def move_objects(self) -> float:
        """Each object that anything else matters to; returns by how many metres one moved at most."""
        farthest = 0.0
        for j, (vertices, _, _) in enumerate(self.own):
            if not self._matters(j):
                continue
            before = self._fit(j)
            after = fit_again(self._problem(j), [before, *self._alone(j)], self.sizes[j][1])
            self.fits[j] = after
            apart = np.linalg.norm(after.place(vertices) - before.place(vertices), axis=1)
            farthest = max(farthest, float(np.median(apart)))
        return farthest

    def result(self) -> SceneFit:
        """The scene, with objects in their own units."""
        distances: dict[int, float] = {}
        for j in range(len(self.own)):
            touching = [k for k, pair in enumerate(self.pairs) if pair.object == j]
            if touching:
                found = contact_distances(problem := self._problem(j), pose_of(problem, self._fit(j)))
                distances.update(zip(touching, found, strict=True))
        fits = tuple(replace(self._fit(j), scale=self._fit(j).scale * usual) for j, (usual, _) in enumerate(self.sizes))
        warnings = []
        for k, pair in enumerate(self.pairs):
            if distances[k] > _APART and len(self._touching(pair.object)) > 1:
                warnings.append(f"person {pair.body} and object {pair.object}: {apart_in_words(distances[k])}")
        names = [f"person {k}" for k in range(len(self.bodies))] + [f"object {j}" for j in range(len(self.own))]
        things = [*map(self._body, range(len(self.bodies))), *map(self._object, range(len(self.own)))]
        warnings += [
            f"{names[i]} is before {names[k]} in the photograph, and behind in the scene"
            for i, k in wrong_orders(orders(things, self.camera))
        ]
        return SceneFit(fits, tuple(self.scales), tuple(distances[k] for k in range(len(self.pairs))), tuple(warnings))

    def _alone(self, j: int) -> list[Fit]:
        """Where an object is beside each person alone."""
        return [pair.fit for pair in self.pairs if pair.object == j and pair.fit is not None]

    def _touching(self, j: int) -> list[int]:
        return [pair.body for pair in self.pairs if pair.object == j]

    def _fit(self, j: int) -> Fit:
        fit = self.fits[j]
        assert fit is not None
        return fit

    def _body(self, k: int) -> Thing:
        return replace(self.bodies[k], scaled=self.scales[k])

    def _object(self, j: int) -> Thing:
        fit, known = self._fit(j), self.placed.get(j)
        if known is None or known[0] is not fit:
            vertices, faces, mask = self.own[j]
            seen = mask if self.kinds[j][0] else None  # a box does not say who is before whom
            known = self.placed[j] = (fit, Thing(fit.place(vertices), faces, seen, hard=True))
        return known[1]

    def _matters(self, j: int) -> bool:
        """Whether there is anything near an object, in space or in the picture, but the one person who touches it."""
        touching, own = self._touching(j), self._object(j)
        if len(touching) > 1:
            return True
        others = [self._body(k) for k in range(len(self.bodies)) if k not in touching]
        others += [self._object(i) for i in range(len(self.own)) if i != j]
        return any(own.is_near(other, _NEAR) or own.overlaps(other, self.camera) for other in others)

    def _problem(self, j: int) -> Problem:
        """One object beside all people and the other objects that are placed."""
        around = [self._body(k) for k in range(len(self.bodies))]
        around += [self._object(i) for i in range(len(self.own)) if i != j and self.fits[i] is not None]
        first = np.cumsum([0, *(len(thing.vertices) for thing in around)])
        total = int(first[-1])
        touches = []
        for pair in self.pairs:
            if pair.object == j:
                scores = np.zeros(total)
                scores[first[pair.body] : first[pair.body + 1]] = pair.body_contact
                touches.append((scores, pair.object_contact))
        vertices, faces, mask = self.own[j]
        if not around:
            raise InputError(f"objects[{j}]: there is no person and no other object that it could be placed beside")
        nothing = np.zeros(total), np.zeros(len(vertices))
        outline, upright = self.kinds[j]
        return Problem(
            Inputs(
                np.concatenate([thing.placed for thing in around]),
                np.concatenate([thing.faces + offset for thing, offset in zip(around, first, strict=False)]),
                nothing[0],
                vertices,
                faces,
                nothing[1],
                mask if outline else filled_box(mask),
                self.camera,
                tuple(touches),
                tuple(thing.solid for thing in around),
                outline,
                None if upright is None else upright.of_units(),
            ),
            self.seed,
        )
