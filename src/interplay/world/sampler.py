"""From one seed to a whole scene."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from interplay.body.cameras import Camera
from interplay.body.geometry import Array
from interplay.errors import InputError
from interplay.world.acts import Act, find_acts, perform
from interplay.world.places.kinds import INDOORS, PLACE_KINDS, PlaceKind
from interplay.world.places.placement import Floor, arrange
from interplay.world.places.props import ON_ROADS, Surroundings
from interplay.world.posing.group import Group
from interplay.world.posing.nearby import idle
from interplay.world.rendering.views import Scout, find_camera, picture_shape, resized

from .objects import ObjectModel
from .places import Place, make_place
from .scene import Relation, Scene, SceneObject

_STYLES: dict[PlaceKind, str] = {"beach": "beach", "snow": "warm", "tennis court": "sport", "field": "sport"}
_ATTEMPTS = 6


def sample_scene(
    seed: int,
    index: int,
    size: int = 384,
    *,
    library: Mapping[str, ObjectModel] | None = None,
    acts: Collection[str] | None = None,
) -> Scene:
    """One scene of the generated world: groups of people in a place, with objects around, seen by a camera.

    Args:
        seed: which world, 0 or more.
        index: which of its scenes, 0 or more; a scene does not depend on which others were made.
        size: longer side of the picture in pixels; changes nothing but the resolution.
        library: the user's own objects by category (`user_meshes.load_user_meshes`), which take the place of ours.
        acts: names of the acts that may occur; all of them by default.

    Raises:
        InputError: a negative seed or index, a size below 32, or an unknown act.
    """
    if seed < 0 or index < 0:
        raise InputError(f"seed and index must be 0 or more, got seed {seed} and index {index}")
    if size < 32:
        raise InputError(f"size must be at least 32 pixels, got {size}")
    chosen = find_acts(acts)
    streams = np.random.default_rng([seed, index]).spawn(_ATTEMPTS)
    for rng in streams:
        scene = _try_scene(rng, size, chosen, library, crowded=rng is not streams[-1])
        if scene is not None:
            return scene
    raise InputError(f"scene {index} of seed {seed} has no place for a camera; a user's mesh may be far too large")


def _try_scene(
    rng: np.random.Generator,
    size: int,
    acts: Sequence[Act],
    library: Mapping[str, ObjectModel] | None,
    crowded: bool,
) -> Scene | None:
    """A scene, or None where no camera sees anybody; without bystanders and props unless `crowded`."""
    for_kind, for_groups, for_layout, for_place, for_props, for_view = rng.spawn(6)
    kind = _draw_kind(for_kind, acts)
    groups = _draw_groups(for_groups, kind, acts, library, crowded)
    afloat = _is_afloat(groups[0])
    indoors = kind in INDOORS
    layout = arrange(groups, for_layout, spread=0.5 if indoors else float(for_layout.choice([1.0, 3.0, 10.0])))
    groups = layout.groups
    off_road = any(t.category not in ON_ROADS and _is_on_ground(t) for g in groups for t in g.objects)
    place = make_place(kind, for_place, layout.half_size + 0.3, afloat, off_road)
    people = [p for g in groups for p in g.people]
    objects = [t for g in groups for t in g.objects]
    if crowded and not afloat:
        floor = _floor(place, layout.covered)
        Surroundings(place, [p.vertices() for p in people], objects, floor, for_props, library).fill()
    width, height = picture_shape(for_view)
    weather = place.weather
    scene = Scene(
        people=people,
        objects=objects,
        relations=_relations(groups),
        backdrop=place.backdrop,
        light=weather.light,
        horizon=weather.horizon,
        zenith=weather.zenith,
        camera=Camera.looking_at((0, -5, 1.5), (0, 0, 1), width, width, height),  # until a better one is found
        place=kind,
        residuals=_residuals(groups),
        clouds=weather.clouds,
        haze=weather.haze,
        shell=place.shell,
    )
    camera = find_camera(Scout(scene, place), for_view, width, height, _acting(groups))
    if camera is None:
        return None
    scene.camera = resized(camera, size)
    return scene


def _draw_kind(rng: np.random.Generator, acts: Sequence[Act]) -> PlaceKind:
    """A kind of place, more often one in which more can be done."""
    weights = np.array([sum(a.weight for a in acts if s in a.places) for s in PLACE_KINDS]) ** 0.5
    if not weights.any():
        return "park"
    return PLACE_KINDS[int(rng.choice(len(PLACE_KINDS), p=weights / weights.sum()))]


def _draw_groups(
    rng: np.random.Generator,
    kind: PlaceKind,
    acts: Sequence[Act],
    library: Mapping[str, ObjectModel] | None,
    crowded: bool,
) -> list[Group]:
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])) if crowded else 1
    fitting = [a for a in acts if kind in a.places]
    groups: list[Group] = []
    for own in rng.spawn(count):
        if not fitting or (groups and own.random() < 0.25):
            groups.append(_bystander(own, _STYLES.get(kind, "casual"), library))
            continue
        weights = np.array([a.weight for a in fitting])
        act = fitting[int(own.choice(len(fitting), p=weights / weights.sum()))]
        groups.append(perform(act, Group(own, style=act.style, library=library, outdoors=kind not in INDOORS)))
        if _is_afloat(groups[0]):
            break
        fitting = [a for a in fitting if a is not act]
    return groups


def _bystander(rng: np.random.Generator, style: str, library: Mapping[str, ObjectModel] | None) -> Group:
    """Somebody who stands or walks about."""
    group = Group(rng, style=style, library=library)
    idle(group, group.person(), walking=0.4)
    return group


def _is_on_ground(object: SceneObject) -> bool:
    return float(object.vertices()[:, 2].min()) < 0.05


def _is_afloat(group: Group) -> bool:
    """Whether somebody surfs."""
    return any(r.verb == "surf" for r in group.relations)


def _floor(place: Place, covered: Sequence[Array]) -> Floor:
    floor = Floor(place.bounds)
    for block in place.blocks:
        floor.take_block(block)
    for points in covered:
        floor.take(points)
    return floor


def _acting(groups: Sequence[Group]) -> list[int]:
    """Indices in the scene of people who do something with an object, and of the first person."""
    found, first = {0}, 0
    for group in groups:
        found |= {first + r.human for r in group.relations if r.object is not None}
        first += len(group.people)
    return sorted(found)


def _relations(groups: Sequence[Group]) -> list[Relation]:
    made, people, objects = [], 0, 0
    for group in groups:
        for r in group.relations:
            object = None if r.object is None else r.object + objects
            made.append(Relation(r.human + people, r.verb, object, r.affordance))
        people, objects = people + len(group.people), objects + len(group.objects)
    return made


def _residuals(groups: Sequence[Group]) -> dict[str, float]:
    """The largest miss of each kind of goal."""
    worst: dict[str, float] = {}
    for group in groups:
        for name, metres in group.residuals:
            worst[name] = max(worst.get(name, 0.0), metres)
    return worst
