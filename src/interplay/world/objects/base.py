"""What an object is: a mesh, its category, and what can be done with which part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from interplay.body.geometry import Array, apply
from interplay.body.meshes import Mesh

GripKind = Literal["bar", "slab", "palm", "pinch"]


@dataclass(frozen=True)
class Grip:
    """A place on an object where a hand takes hold, in the object's frame.

    Attributes:
        position: (3,) centre of what is held: a point on a bar's axis, on a slab's near edge or on a surface.
        axis: (3,) direction of a bar's axis or a slab's edge; ignored for a palm laid on a surface.
        normal: (3,) direction in which the palm looks, or None where a bar may be taken from all round.
        radius: half the thickness of what is held, metres; 0 for a surface.
        kind: ``bar`` (fingers around it), ``slab`` (fingers on one side, thumb on the other), ``palm`` (flat hand on
            a surface), ``pinch`` (fingertips, as for cutlery).
        flip: whether the thumb may also point against `axis`.
    """

    position: Array
    axis: Array
    normal: Array | None = None
    radius: float = 0.015
    kind: GripKind = "bar"
    flip: bool = True

    def moved(self, matrix: Array) -> Grip:
        """The grip in the frame that a transform (4, 4) of the object leads to."""
        r = matrix[:3, :3]
        normal = None if self.normal is None else r @ self.normal
        return replace(self, position=apply(matrix, self.position), axis=r @ self.axis, normal=normal)


@dataclass(frozen=True)
class Spot:
    """A named flat place on an object: a seat, a table's top, a pedal.

    Attributes:
        position: (3,) centre, in the object's frame.
        normal: (3,) out of the surface.
        ahead: (3,) the direction in which someone using it looks.
        size: extents across (to the left and right of someone looking ahead) and along `ahead`, metres.
    """

    position: Array
    normal: Array
    ahead: Array
    size: tuple[float, float]

    def moved(self, matrix: Array) -> Spot:
        """The spot in the frame that a transform (4, 4) of the object leads to."""
        turn = matrix[:3, :3]
        return Spot(apply(matrix, self.position), turn @ self.normal, turn @ self.ahead, self.size)


@dataclass(frozen=True)
class ObjectModel:
    """One individual of a category.

    The frame: z is up as the object stands or lies ready for use, its resting plane is z = 0, and -y is its front
    (the way it faces, or drives).

    Attributes:
        category: COCO's name.
        mesh: the shape, fine enough for labels on vertices.
        grips: places for hands, by name.
        spots: flat places, by name.
        points: other named points (3,): a bat's sweet spot, a bottle's mouth.
    """

    category: str
    mesh: Mesh
    grips: Mapping[str, Grip] = field(default_factory=dict)
    spots: Mapping[str, Spot] = field(default_factory=dict)
    points: Mapping[str, Array] = field(default_factory=dict)

    @property
    def size(self) -> Array:
        """(3,) extents of the bounding box, metres."""
        low, high = self.mesh.bounds()
        return high - low
