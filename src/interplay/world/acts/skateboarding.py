"""Riding, jumping on and carrying skateboards."""

from __future__ import annotations

from interplay.body.geometry import Y, Z, degrees, transform, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.boarding import ALONG, ride_deck, spread_arms, tip
from interplay.world.posing.group import Group
from interplay.world.scene import Person, SceneObject

from .registry import act

RIDING = ("ride", "stand on", "skateboard")
PLACES: tuple[PlaceKind, ...] = ("park", "street")


def mount(group: Group, board: SceneObject, person: Person, depth: float, lean: float) -> str:
    """Stand on a skateboard that rolls along x. Returns the side of the foot in front."""
    front = "L" if group.rng.random() < 0.6 else "R"
    board.pose = transform(ALONG if front == "L" else ALONG.T, vec(0, 0, 0))
    deck = board.model.spots["deck"].moved(transform(ALONG, vec(0, 0, 0)))
    spread = min(0.24, 0.44 / person.rest.height) * float(group.rng.uniform(0.8, 1.0))
    ride_deck(group, person, board, deck, depth, spread, lean, front)
    return front


@act("ride a skateboard", {"skateboard": RIDING}, PLACES, weight=2.0)
def ride_skateboard(group: Group) -> None:
    rng = group.rng
    person, board = group.person(), group.make("skateboard")
    depth = float(rng.uniform(0.1, 0.75))
    mount(group, board, person, depth, lean=float(rng.uniform(4, 14)) + 26 * depth)
    spread_arms(group, person, most=0.06)
    group.relate(person, "ride,stand on,skateboard", board, "deck")


@act("jump on a skateboard", {"skateboard": ("ride", "jump", "skateboard")}, PLACES, weight=1.4, style="sport")
def jump_skateboard(group: Group) -> None:
    rng = group.rng
    person, board = group.person(), group.make("skateboard")
    depth = float(rng.uniform(0.55, 0.95))
    front = mount(group, board, person, depth, lean=float(rng.uniform(12, 30)))
    spread_arms(group, person, most=0.16)
    nose_up = float(rng.uniform(-6, 24)) * (1 if front == "L" else -1)
    tip(group, vec(0, 0, 0.1), -nose_up, Y)
    tip(group, vec(0, 0, 0.1), float(rng.uniform(-10, 10)))
    group.move(transform(degrees(Z, float(rng.uniform(-40, 40))), vec(0, 0, float(rng.uniform(0.25, 0.8)))))
    group.relate(person, "ride,jump,skateboard", board, "deck")
