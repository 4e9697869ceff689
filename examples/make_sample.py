"""Make the picture that `interplay detect --sample` uses: a tennis player, a racket and a ball, all of our own making.

    python examples/make_sample.py OUT.jpg

Needs the extra ``body``. The body is Anny's (CC0); clothes, racket, court and light are shapes and colours made here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from interplay.body.cameras import Camera
from interplay.body.geometry import degrees, frame, transform, unit, vec
from interplay.body.materials import Material, srgb
from interplay.body.meshes import Mesh, box, cylinder, ellipsoid, join, tube
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.files import atomic_path
from interplay.world.objects.base import ObjectModel
from interplay.world.posing.hands import Grip, close_hand, hand_goals
from interplay.world.posing.limbs import solve_arm, solve_leg
from interplay.world.rendering.image import encode_jpeg, render
from interplay.world.scene import Light, Person, Scene, SceneObject
from interplay.world.wardrobe import Outfit

WIDTH, HEIGHT = 960, 640


def racket() -> Mesh:
    """A tennis racket in the plane y = 0, its handle's butt at the origin and its head at z = 0.4 to 0.7."""
    frame_paint, grip_tape = Material(srgb(214, 40, 40), gloss=0.5), Material(srgb(30, 30, 34))
    strings = Material(srgb(240, 240, 225))
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    half_width, half_height, middle = 0.13, 0.17, 0.53
    loop = np.stack([half_width * np.sin(angle), 0 * angle, middle - half_height * np.cos(angle)], 1)
    parts = [
        cylinder((0, 0, 0), (0, 0, 0.2), 0.017, grip_tape),
        tube(loop, 0.012, frame_paint, closed=True),
        tube([(0, 0, 0.2), (0, 0, 0.26), (0.06, 0, 0.38)], 0.011, frame_paint),
        tube([(0, 0, 0.2), (0, 0, 0.26), (-0.06, 0, 0.38)], 0.011, frame_paint),
    ]
    for x in np.linspace(-0.11, 0.11, 12):
        reach = half_height * np.sqrt(1 - (x / half_width) ** 2)
        parts.append(cylinder((x, 0, middle - reach), (x, 0, middle + reach), 0.0016, strings, segments=5))
    for z in np.linspace(-0.15, 0.15, 15):
        reach = half_width * np.sqrt(1 - (z / half_height) ** 2)
        parts.append(cylinder((-reach, 0, middle + z), (reach, 0, middle + z), 0.0016, strings, segments=5))
    return join(parts)


def player() -> tuple[Person, np.ndarray]:
    """Someone about to hit a forehand, and the racket's pose in the right hand."""
    model = load_body_model()
    description = (0.1, 0.66, 0.55, 0.45, 0.5, 0.75)
    rest = model.rest(description)
    body = Body(model, rest)
    heading = degrees((0, 0, 1), 28)
    body.place_root((0, 0, 0.49 * rest.height), heading)
    body.bend_spine(forward=14, twist=-22)
    for side, foot in (("L", vec(0.30, -0.22, 0.075)), ("R", vec(-0.24, 0.16, 0.075))):
        solve_leg(body, side, heading @ foot, knee=heading @ unit(vec(0.25 if side == "L" else -0.25, -1, 0)))
    hold = body.joint("upperarm01.R") + vec(-0.36, -0.30, -0.12)
    axis = unit(vec(-0.62, -0.18, 0.76))
    normal = unit(np.cross(axis, vec(1.0, 0.25, 0.35)))
    turn = frame(axis, normal)[:, [2, 1, 0]] * vec(1, 1, 1)
    turn[:, 0] = np.cross(turn[:, 1], turn[:, 2])
    pose = transform(turn, hold - axis * 0.09)
    wrists, hands = hand_goals(body, "R", Grip(hold, axis, None, 0.017), spins=24)
    solve_arm(body, "R", wrists, hands)
    close_hand(body, "R", "bar", 0.017)
    solve_arm(body, "L", body.joint("upperarm01.L") + vec(0.26, -0.34, -0.06))
    close_hand(body, "L", "relaxed")
    body.look_at((-0.5, -1.6, 1.25))
    outfit = Outfit(
        skin=srgb(224, 172, 125),
        hair=srgb(60, 38, 26),
        top=Material(srgb(250, 214, 96), "stripes", srgb(248, 248, 244), 0.16, axes=(2, 0)),
        bottom=Material(srgb(32, 52, 110)),
        shoes=Material(srgb(240, 240, 240), gloss=0.2),
        sleeve=0.33,
        leg=0.42,
        waist=-0.03,
        hair_length=0.016,
        hair_down=0.0,
        loose=0.016,
    )
    return Person(description, rest, outfit, body), pose


def court() -> list[Mesh]:
    """A blue hard court with white lines, a green surround, a wall and a hedge."""
    hard = Material(srgb(52, 104, 168), "noise", srgb(46, 94, 154), 0.5)
    surround = Material(srgb(62, 128, 84), "noise", srgb(54, 114, 74), 0.6)
    white = Material(srgb(244, 244, 240))
    wall = Material(srgb(182, 174, 160), "noise", srgb(164, 156, 142), 0.7)
    hedge = Material(srgb(44, 88, 42), "noise", srgb(22, 52, 24), 0.16)
    rng = np.random.default_rng(3)
    bushes = [
        ellipsoid((x, 9.6 + rng.uniform(-0.3, 0.3), 1.5), (1.0, 0.7, rng.uniform(0.9, 1.5)), hedge)
        for x in np.arange(-12, 12.5, 0.9)
    ]
    return [
        box((60, 60, 0.02), surround, (0, 0, -0.02)),
        box((14, 10, 0.02), hard, (0, -2, -0.012)),
        box((14, 0.08, 0.02), white, (0, 1.3, -0.009)),
        box((0.08, 10, 0.02), white, (-2.6, -2, -0.009)),
        box((24, 0.3, 1.3), wall, (0, 8.6, 0.65)),
        *bushes,
    ]


def scene() -> Scene:
    """The whole picture."""
    person, pose = player()
    ball = ellipsoid((0, 0, 0), 0.034, Material(srgb(214, 232, 60)))
    return Scene(
        people=[person],
        objects=[
            SceneObject(ObjectModel("tennis racket", racket()), pose),
            SceneObject(ObjectModel("sports ball", ball), transform(None, (-1.15, -0.55, 1.28))),
        ],
        relations=[],
        backdrop=court(),
        light=Light(unit(vec(-0.55, -0.7, 0.95)), (2.3, 2.2, 2.0), (0.62, 0.7, 0.85), (0.3, 0.32, 0.32), 0.03),
        horizon=srgb(205, 222, 238),
        zenith=srgb(96, 148, 214),
        camera=Camera.looking_at((-0.55, -4.6, 1.35), (-0.2, 0, 0.86), 1440, WIDTH, HEIGHT),
    )


def main() -> None:
    """Render and write the picture."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("sample.jpg")
    picture = render(scene(), np.random.default_rng(0)).image
    with atomic_path(target) as temporary:
        temporary.write_bytes(encode_jpeg(picture))


if __name__ == "__main__":
    main()
