"""Two people and one object: playing catch with a ball or a frisbee."""

from __future__ import annotations

from interplay.body.geometry import Array, Z, degrees, transform, vec
from interplay.world.posing.balls import center_of, make_ball, put_ball
from interplay.world.posing.group import Group
from interplay.world.scene import SceneObject

from .ball_in_hand import GAMES, catch, throw, wind_up
from .frisbee import LAWNS, catch_disc, throw_disc
from .registry import act


def across(group: Group) -> None:
    """Move all that is there some metres away and turn it round, so that it looks at the origin."""
    rng = group.rng
    there = vec(float(rng.uniform(-0.3, 0.3)), -float(rng.uniform(2.2, 3.6)), 0)
    group.move(transform(degrees(Z, 180 + float(rng.uniform(-8, 8))), there))


def where(object: SceneObject) -> Array:
    """(3,) the middle of an object in the world."""
    return object.pose[:3, :3] @ center_of(object.model) + object.pose[:3, 3]


def on_the_way(group: Group, start: Array, end: Array) -> Array:
    """(3,) a point of a flight from one hand to another."""
    share = float(group.rng.uniform(0.05, 0.95))
    return start + share * (end - start) + vec(0, 0, 1.2 * share * (1 - share))


@act("play catch with a ball", {"sports ball": ("throw", "catch")}, GAMES, weight=1.6, style="sport")
def play_catch(group: Group) -> None:
    catcher = group.person()
    ball = make_ball(group, ("football", "basketball", "volleyball"))
    catch(group, catcher, ball, caught=True)
    across(group)
    thrower = group.person()
    end = where(ball)
    throw(group, thrower, wind_up(group, thrower), ball, released=True)
    put_ball(group, ball, on_the_way(group, where(ball), end))
    thrower.body.look_at(where(ball), share=0.9)
    catcher.body.look_at(where(ball), share=0.9)


@act("play with a frisbee", {"frisbee": ("throw", "catch")}, LAWNS, weight=1.6, style="sport")
def play_frisbee(group: Group) -> None:
    catcher = group.person()
    disc = group.make("frisbee")
    catch_disc(group, catcher, disc, up=float(group.rng.uniform(0.02, 0.22)))
    across(group)
    thrower = group.person()
    end = disc.pose[:3, 3].copy()
    throw_disc(group, thrower, disc, released=True)
    disc.pose[:3, 3] = on_the_way(group, disc.pose[:3, 3], end)
    for person in (catcher, thrower):
        person.body.look_at(disc.pose[:3, 3], share=0.9)
