"""What a generated scene consists of: people, objects, who does what with which, and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, apply
from interplay.body.materials import Color
from interplay.body.meshes import Mesh
from interplay.body.model import Rest
from interplay.body.pose import Body
from interplay.body.raycast import RayScene
from interplay.world.objects.base import ObjectModel

from .wardrobe import Outfit, dressed


@dataclass
class Person:
    """A dressed, posed person.

    Attributes:
        description: six numbers, see `BodyModel.rest`.
        rest: shape before posing, without clothes.
        outfit: clothes, skin and hair.
        body: the pose.
    """

    description: tuple[float, ...]
    rest: Rest
    outfit: Outfit
    body: Body

    @cached_property
    def dressed_rest(self) -> Array:
        """(V, 3) rest vertices with clothes."""
        return dressed(self.body.model, self.rest, self.outfit)

    def vertices(self) -> Array:
        """(V, 3) posed and dressed, in the world."""
        return self.body.skin(self.dressed_rest)


@dataclass
class SceneObject:
    """An object in the world.

    Attributes:
        model: the object's shape and affordances.
        pose: (4, 4) from the object's frame to the world.
    """

    model: ObjectModel
    pose: Array

    @property
    def category(self) -> str:
        """COCO's name."""
        return self.model.category

    def vertices(self) -> Array:
        """(V, 3) in the world."""
        return apply(self.pose, self.model.mesh.vertices)


@dataclass(frozen=True)
class Relation:
    """One person doing something.

    Attributes:
        human: index into the scene's people.
        verb: name in the generated vocabulary.
        object: index into the scene's objects, None for a motion without object.
        affordance: name of the object's part that is used, if any.
    """

    human: int
    verb: str
    object: int | None
    affordance: str | None = None


@dataclass(frozen=True)
class Light:
    """A distant sun, or a lamp or window nearby, and light from all round.

    Attributes:
        direction: (3,) unit vector towards the sun.
        sun: linear RGB strength of the sun.
        sky: linear RGB of the light from above.
        bounce: linear RGB of the light from below.
        softness: half the sun's apparent size, radians; larger gives softer shadows.
        source: (3,) where a lamp or window is; the light then comes from there instead of from `direction` and
            fades with the distance. `sun` is its strength at `SOURCE_REACH` metres.
    """

    direction: Array
    sun: Color
    sky: Color
    bounce: Color
    softness: float = 0.05
    source: Array | None = None


SOURCE_REACH = 2.5
"""Metres from a `Light.source` at which it is as strong as its `Light.sun` says."""


@dataclass
class Scene:
    """Everything that is rendered and labelled.

    `posed` and `rays` are computed once: nobody and nothing may be moved afterwards, except the camera.

    Attributes:
        people: with triplets or without.
        objects: objects of COCO's categories.
        relations: who does what with which object.
        backdrop: meshes in the world without labels: ground, walls, trees, houses.
        light: the light.
        horizon, zenith: linear RGB of the sky where a ray hits nothing.
        camera: the camera.
        place: its kind.
        residuals: how well the poses met their goals (metres), by name.
        clouds: share of the sky that they cover, 0..1.
        haze: metres at which objects have faded by two thirds into the horizon's colour.
        shell: how many meshes, from the backdrop's first on, cast no shadow: the walls of a room and its lamp.
    """

    people: list[Person]
    objects: list[SceneObject]
    relations: list[Relation]
    backdrop: list[Mesh]
    light: Light
    horizon: Color
    zenith: Color
    camera: Camera
    place: str = ""
    residuals: dict[str, float] = field(default_factory=dict)
    clouds: float = 0.0
    haze: float = float("inf")
    shell: int = 0

    @cached_property
    def posed(self) -> list[Array]:
        """(V, 3) vertices in the world of each person, then of each object."""
        return [p.vertices() for p in self.people] + [t.vertices() for t in self.objects]

    @cached_property
    def rays(self) -> RayScene:
        """To cast at: mesh k is person k, then object k - people, then the backdrop."""
        faces = [p.body.model.faces for p in self.people] + [t.model.mesh.faces for t in self.objects]
        meshes = list(zip(self.posed, faces, strict=True))
        return RayScene(meshes + [(m.vertices, m.faces) for m in self.backdrop])

    def __getstate__(self) -> dict[str, object]:
        """Everything but `rays`, which cannot be copied and is built anew where it is needed."""
        return {name: value for name, value in self.__dict__.items() if name != "rays"}
