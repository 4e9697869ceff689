"""What a generated scene consists of: people, things, who does what with which, and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .body_model import Rest
from .camera import Camera
from .geometry import Array, apply
from .materials import Color
from .meshes import Mesh
from .objects.base import ObjectModel
from .pose import Body
from .wardrobe import Outfit, dressed


@dataclass
class Person:
    """A dressed, posed person.

    Attributes:
        description: six numbers, see `body_model.PHENOTYPES`.
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
class Thing:
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
        thing: index into the scene's things, None for a motion without object.
        affordance: name of the object's part that is used, if any.
    """

    human: int
    verb: str
    thing: int | None
    affordance: str | None = None


@dataclass(frozen=True)
class Light:
    """A distant sun (or window) and light from all round.

    Attributes:
        direction: (3,) unit vector towards the sun.
        sun: linear RGB strength of the sun.
        sky: linear RGB of the light from above.
        bounce: linear RGB of the light from below.
        softness: half the sun's apparent size, radians; larger gives softer shadows.
    """

    direction: Array
    sun: Color
    sky: Color
    bounce: Color
    softness: float = 0.05


@dataclass
class Scene:
    """Everything that is rendered and labelled.

    Attributes:
        people: with triplets or without.
        things: objects of COCO's categories.
        relations: who does what with which thing.
        backdrop: meshes in the world without labels: ground, walls, trees, houses.
        light: the light.
        horizon, zenith: linear RGB of the sky where a ray hits nothing.
        camera: the camera.
        setting: name of the place.
        residuals: how well the poses met their goals (metres), by name.
    """

    people: list[Person]
    things: list[Thing]
    relations: list[Relation]
    backdrop: list[Mesh]
    light: Light
    horizon: Color
    zenith: Color
    camera: Camera
    setting: str = ""
    residuals: dict[str, float] = field(default_factory=dict)
