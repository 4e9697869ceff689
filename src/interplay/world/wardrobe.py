"""Who a person is and what they wear: body shape, skin, hair, clothes.

Clothes are the body's own surface, smoothed and lifted off the skin, and coloured where a cut says so: sleeves end
at a share of the arm, trouser legs at a share of the leg. The cuts are evaluated at every ray's hit, not at
vertices, so that hems are sharp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array, vec
from interplay.body.materials import Color, Material, colors_at, fractal_noise, hsv, srgb
from interplay.body.meshes import vertex_normals
from interplay.body.model import PARTS, BodyModel, Rest, load_body_model

REGIONS = ("skin", "hair", "top", "bottom", "shoes", "eye", "dark", "lips")
"""What a point of a dressed body can be."""

_SKIN = tuple(
    srgb(*c) for c in ((232, 192, 166), (222, 176, 144), (206, 156, 116), (182, 124, 86), (138, 86, 58), (100, 64, 46))
)
_HAIR = tuple(
    srgb(*c)
    for c in ((24, 18, 16), (48, 32, 24), (88, 56, 34), (140, 96, 56), (196, 160, 104), (150, 62, 36), (150, 148, 146))
)


_SLEEVELESS = 0.07


@dataclass(frozen=True)
class Outfit:
    """How a person looks.

    Attributes:
        skin, hair: linear RGB.
        top, bottom, shoes: materials of the garments.
        sleeve: share of the arm that is covered; `_SLEEVELESS` is the shoulder alone.
        leg: share of the leg that is covered.
        waist: where the top ends, in leg lengths below the hip (negative: above).
        hair_length: metres that the hair stands off the head.
        hair_down: how far the hair falls at the back, 0 short to 1 to the shoulders.
        loose: metres between skin and cloth.
        bare_feet: no shoes.
    """

    skin: Color
    hair: Color
    top: Material
    bottom: Material
    shoes: Material
    sleeve: float
    leg: float
    waist: float
    hair_length: float
    hair_down: float
    loose: float
    bare_feet: bool = False


@dataclass(frozen=True)
class Cut:
    """Where each vertex of the body lies for a tailor; one row a vertex, on the average adult.

    Attributes:
        fields: (V, 7) share of the arm (below 0 on the trunk), share of the leg below the hip, hairiness, neckness
            (0 trunk, 1 neck and head), and the position x, y, z.
        neighbours: sparse (V, V) averaging over each vertex and its neighbours.
    """

    fields: Array
    neighbours: object


@lru_cache(maxsize=1)
def body_cut() -> Cut:
    """The fields by which clothes are cut, computed once a process."""
    from scipy.sparse import coo_matrix, diags

    model = load_body_model()
    rest = model.template
    v = rest.vertices
    joint = {name: rest.joints[i] for i, name in enumerate(model.bones)}
    part_weight = {p: model.part == PARTS.index(p) for p in PARTS}
    arm = np.full(len(v), -1.0)
    for side, key in (("left", "L"), ("right", "R")):
        start, middle, end = (joint[f"{b}.{key}"] for b in ("upperarm01", "lowerarm01", "wrist"))
        own = part_weight[f"{side} upper arm"] | part_weight[f"{side} forearm"] | part_weight[f"{side} hand"]
        own |= part_weight[f"{side} shoulder"]
        upper = ((v - start) @ (middle - start)) / ((middle - start) @ (middle - start))
        lower = ((v - middle) @ (end - middle)) / ((end - middle) @ (end - middle))
        share = np.where(lower > 0, 0.5 + 0.5 * lower, 0.5 * np.minimum(upper, 1.0))
        share = np.where(part_weight[f"{side} hand"], np.maximum(share, 1.01), share)
        # on the trunk it goes on as it is at the shoulder, but never reaches the arm
        arm = np.where(own, share, np.maximum(arm, np.clip(np.where(v[:, 0] * start[0] > 0, upper, -1), -1, -0.02)))
    hip, ankle = joint["upperleg01.L"][2], joint["foot.L"][2]
    leg = (hip - v[:, 2]) / (hip - ankle)
    feet = part_weight["left foot"] | part_weight["right foot"]
    leg = np.where(feet, np.maximum(leg, 0.96), leg)
    neck = np.where(part_weight["head"] | part_weight["neck"], 1.0, 0.0)
    fields = np.column_stack([arm, leg, _hairiness(v, joint, part_weight["head"] | part_weight["neck"]), neck, v])

    edges = np.concatenate([model.faces[:, [0, 1]], model.faces[:, [1, 2]], model.faces[:, [2, 0]]])
    rows = np.concatenate([edges[:, 0], edges[:, 1], np.arange(len(v))])
    columns = np.concatenate([edges[:, 1], edges[:, 0], np.arange(len(v))])
    matrix = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(v), len(v))).tocsr()
    matrix.data[:] = 1.0
    neighbours = diags(1.0 / np.asarray(matrix.sum(1)).ravel()) @ matrix
    fields[:, 3] = neighbours @ (neighbours @ fields[:, 3])
    return Cut(fields, neighbours.tocsr())


_HAIRLINE = ((-0.8, 0.74), (-0.58, 0.66), (-0.38, 0.46), (-0.2, 0.24), (-0.06, 0.24), (0.12, 0.1), (0.22, -0.28))
"""From the forehead past the temple and over the ear to the nape: how far behind and above the head's joint hair
begins, in heights of the head over it."""


def _hairiness(v: Array, joint: dict[str, Array], on_head: Array) -> Array:
    """Above 0 where hair grows: over the hairline, not on the ears."""
    center = joint["head"]
    relative = (v - center) / (v[:, 2].max() - center[2])
    behind, above = np.array(_HAIRLINE).T
    over = relative[:, 2] - np.interp(relative[:, 1], behind, above)
    ear = np.hypot((relative[:, 1] - 0.02) / 0.2, (relative[:, 2] - 0.06) / 0.3) - 1
    over = np.where(np.abs(relative[:, 0]) > 0.47, np.minimum(over, 0.3 * ear), over)
    return np.where(on_head, over, -1.0)


def random_description(rng: np.random.Generator) -> tuple[float, ...]:
    """A person drawn at random: (gender, age, muscle, weight, height, proportions), each 0..1; mostly adults."""
    gender = float(rng.uniform(0.0, 0.25) if rng.random() < 0.5 else rng.uniform(0.75, 1.0))
    draw = rng.random()
    age = float(
        rng.uniform(0.34, 0.5) if draw < 0.12 else rng.uniform(0.85, 1.0) if draw > 0.85 else rng.uniform(0.55, 0.8)
    )
    muscle, weight = (float(np.clip(rng.normal(0.5, 0.16), 0.1, 0.95)) for _ in range(2))
    height = float(np.clip(rng.normal(0.42, 0.13), 0.1, 0.8))
    return (gender, age, muscle, weight, height, float(rng.uniform(0.4, 0.9)))


def random_outfit(rng: np.random.Generator, description: tuple[float, ...], style: str = "casual") -> Outfit:
    """Clothes drawn at random.

    Args:
        rng: source of randomness.
        description: the person's.
        style: ``casual``, ``sport``, ``warm`` (winter clothes) or ``beach`` (a swimsuit or wetsuit, bare feet).
    """
    gender, age = description[:2]
    skin = _SKIN[int(rng.integers(len(_SKIN)))]
    red, green, blue = (float(np.clip(c * rng.uniform(0.9, 1.1), 0, 1)) for c in skin)
    skin = (red, green, blue)
    grey = age > 0.88 and rng.random() < 0.7
    hair = _HAIR[-1] if grey else _HAIR[int(rng.integers(len(_HAIR) - 1))]
    feminine = gender > 0.5
    top = _cloth(rng, patterned=style != "warm")
    bottom = _trousers(rng)
    top, bottom = (_unlike_skin(rng, cloth, skin) for cloth in (top, bottom))
    sleeve = float(rng.choice([_SLEEVELESS, 0.3, 0.32, 0.35, 0.97, 0.97])) + float(rng.uniform(-0.03, 0.03))
    leg = float(rng.choice([0.42, 0.97, 0.97, 0.97])) + float(rng.uniform(-0.05, 0.0))
    waist, loose, bare = float(rng.uniform(-0.12, 0.03)), float(rng.uniform(0.012, 0.022)), False
    if style == "sport":
        bottom = _unlike_skin(rng, _cloth(rng, patterned=False), skin)
        sleeve, leg = float(rng.choice([_SLEEVELESS, 0.33])), float(rng.choice([0.35, 0.45, 0.97]))
    elif style == "warm":
        sleeve, leg, loose = 0.99, 0.98, float(rng.uniform(0.024, 0.036))
        bottom = _unlike_skin(rng, _cloth(rng, patterned=False), skin)
        waist = float(rng.uniform(0.0, 0.1))
    elif style == "beach":
        whole = rng.random() < 0.5
        sleeve, leg = (0.97, 0.93) if whole else (_SLEEVELESS, 0.35 if not feminine else 0.12)
        if whole:
            bottom = top = _unlike_skin(rng, _cloth(rng, patterned=False), skin)
        loose, bare, waist = 0.004, True, -0.1
    return Outfit(
        skin=skin,
        hair=hair,
        top=top,
        bottom=bottom,
        shoes=Material(hsv(rng.random(), rng.uniform(0, 0.8), rng.choice([0.15, 0.3, 0.9])), gloss=0.15),
        sleeve=sleeve,
        leg=leg,
        waist=waist,
        hair_length=float(rng.uniform(0.014, 0.03) if feminine else rng.uniform(0.008, 0.022)),
        hair_down=float(rng.uniform(0.3, 1.0)) if feminine and rng.random() < 0.75 else 0.0,
        loose=loose,
        bare_feet=bare,
    )


_APART = 0.3
"""Least distance in encoded sRGB (0..1 each) of clothes from the person's own skin; half of it from anybody's."""

_DENIM = Material(srgb(46, 66, 104), "noise", srgb(36, 52, 82), scale=0.05)


def _unlike_skin(rng: np.random.Generator, cloth: Material, skin: Color) -> Material:
    """The cloth, or one like it of another colour where it could be taken for skin."""
    for _ in range(20):
        tones = np.array([cloth.color, cloth.second if cloth.pattern != "plain" else cloth.color])
        own, anybody = (_distance(tones, np.array(skins)) for skins in ([skin], _SKIN))
        if own > _APART and anybody > _APART / 2:
            return cloth
        tone = hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.9))
        cloth = replace(cloth, color=tone, second=(tone[0] * 0.75, tone[1] * 0.75, tone[2] * 0.75))
    return _DENIM


def _distance(colors: Array, others: Array) -> float:
    """The smallest between linear colours (N, 3) and (M, 3), as they are encoded in a picture."""
    return float(np.linalg.norm(colors[:, None] ** (1 / 2.2) - others ** (1 / 2.2), axis=-1).min())


def _cloth(rng: np.random.Generator, patterned: bool) -> Material:
    color = hsv(rng.random(), rng.choice([rng.uniform(0.0, 0.2), rng.uniform(0.4, 0.95)]), rng.uniform(0.2, 0.98))
    second = hsv(rng.random(), rng.uniform(0.0, 0.9), rng.uniform(0.15, 0.98))
    pattern = (
        str(rng.choice(["plain", "plain", "plain", "stripes", "checks", "plaid", "dots", "noise"]))
        if patterned
        else "plain"
    )
    axes = (2, 0) if rng.random() < 0.8 else (0, 2)
    return Material(color, pattern, second, scale=float(rng.uniform(0.03, 0.1)), axes=axes)


def _trousers(rng: np.random.Generator) -> Material:
    kinds = (
        srgb(46, 66, 104),
        srgb(28, 34, 52),
        srgb(24, 24, 26),
        srgb(120, 104, 80),
        srgb(88, 92, 98),
        srgb(190, 178, 150),
    )
    color = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.8 else hsv(rng.random(), 0.6, 0.6)
    dark = tuple(c * 0.75 for c in color)
    return Material(color, "noise", dark, scale=0.05)  # type: ignore[arg-type]


def dressed(model: BodyModel, rest: Rest, outfit: Outfit) -> Array:
    """Rest vertices (V, 3) with hair and clothes on."""
    cut = body_cut()
    arm, leg, _, neck = cut.fields[:, :4].T
    cloth = np.clip((0.9 - neck) * 2.5, 0, 1) * np.clip((outfit.sleeve - arm) * 40 + 0.5, 0, 1)
    cloth = cloth * np.clip((outfit.leg - leg) * 40 + 0.5, 0, 1)
    smooth = _smoothed(rest.vertices, cut, 6)
    # Cloth bridges hollows, and falls straight down from what stands out of the trunk.
    hung = _smoothed(smooth, cut, 50)
    trunk = np.clip(-arm * 4, 0, 1) * np.clip((-0.05 - leg) * 8, 0, 1)
    smooth = smooth + trunk[:, None] * (hung - smooth)
    vertices = rest.vertices + 0.85 * cloth[:, None] * (smooth - rest.vertices)
    normals = vertex_normals(vertices, model.faces)
    lift = cloth * outfit.loose * (rest.height / 1.75) * (1 + 0.4 * trunk)
    lift = lift * (1 - 0.45 * np.clip((leg + 0.15) * 6, 0, 1))  # what one sits on lies closer
    lift = lift * (1 + 0.8 * fractal_noise(cut.fields[:, 4:] * 14, 2)) + 0.006 * cloth * (
        (leg > outfit.waist - 0.06) & (leg < outfit.waist)
    )
    if not outfit.bare_feet:
        lift = np.where(leg > 0.955, 0.006, lift)
    lift = lift + _hair_lift(cut.fields, outfit)
    return vertices + lift[:, None] * normals


def _smoothed(vertices: Array, cut: Cut, times: int) -> Array:
    """(V, 3) each vertex replaced so often by the mean of itself and its neighbours."""
    for _ in range(times):
        vertices = cut.neighbours @ vertices  # type: ignore[operator]
    return vertices


def _hair_lift(fields: Array, outfit: Outfit) -> Array:
    threshold = _hairline(fields, outfit)
    rooted = np.clip(threshold * 9, 0, 1)
    tufts = 0.7 + 0.6 * fractal_noise(fields[:, 4:] * 45, 2)
    fall = outfit.hair_down * 0.03 * np.clip(1.72 - fields[:, 6], 0, 0.2) / 0.2
    return rooted * (outfit.hair_length * tufts + fall)


def _hairline(fields: Array, outfit: Outfit) -> Array:
    """Above 0 where there is hair; long hair reaches further down behind the ears."""
    behind = np.clip((fields[..., 5] + 0.035) * 18, 0, 1)
    down = np.where(fields[..., 2] > -0.99, 0.75 * outfit.hair_down * behind, 0.0)
    return fields[..., 2] + down


def region_at(fields: Array, outfit: Outfit) -> NDArray[np.int64]:
    """(N,) index into `REGIONS` of points with interpolated `Cut.fields` (N, 7)."""
    arm, leg, _, neck, x, y, z = fields.T
    region = np.zeros(len(fields), np.int64)
    covered = (neck < 0.45 - 0.9 * np.clip(-y - 0.1, 0, 0.3)) & (arm < outfit.sleeve) & (leg < 0.97)
    region[covered & (leg < outfit.waist)] = REGIONS.index("top")
    region[(leg >= outfit.waist) & (leg < outfit.leg) & (arm < 0)] = REGIONS.index("bottom")
    if not outfit.bare_feet:
        region[leg >= 0.955] = REGIONS.index("shoes")
    region[_hairline(fields, outfit) > 0] = REGIONS.index("hair")
    head = neck > 0.9
    side = np.abs(x)
    face = head & (y < -0.1)
    region[face & (((side - 0.0315) / 0.013) ** 2 + ((z - 1.7245) / 0.0058) ** 2 < 1)] = REGIONS.index("eye")
    region[face & ((side - 0.0315) ** 2 + (z - 1.7245) ** 2 < 0.0056**2)] = REGIONS.index("dark")
    brow = 1.7435 - 14 * (side - 0.032) ** 2
    region[face & (np.abs(side - 0.034) < 0.019) & (np.abs(z - brow) < 0.0028)] = REGIONS.index("hair")
    region[face & ((x / 0.024) ** 2 + ((z - 1.6475) / 0.0095) ** 2 < 1)] = REGIONS.index("lips")
    return region


def outfit_colors(fields: Array, outfit: Outfit) -> Array:
    """Linear RGB (N, 3) of points of a dressed body with interpolated `Cut.fields` (N, 7)."""
    region = region_at(fields, outfit)
    skin = np.asarray(outfit.skin)
    color = np.broadcast_to(skin, (len(fields), 3)).copy()
    warm = 0.95 + 0.1 * fractal_noise(fields[:, 4:] * 25, 2)
    color *= warm[:, None]
    strands = 0.75 + 0.5 * fractal_noise(fields[:, 4:] * vec(160, 160, 30), 2)
    color = np.where((region == REGIONS.index("hair"))[:, None], np.asarray(outfit.hair) * strands[:, None], color)
    for name, material in (("top", outfit.top), ("bottom", outfit.bottom), ("shoes", outfit.shoes)):
        chosen = region == REGIONS.index(name)
        color[chosen] = colors_at(material, fields[chosen, 4:])
    sole = (region == REGIONS.index("shoes")) & (fields[:, 6] < 0.022)
    color[sole] = 0.75
    color[region == REGIONS.index("eye")] = 0.8
    color[region == REGIONS.index("dark")] = 0.02
    color[region == REGIONS.index("lips")] = skin * vec(0.8, 0.5, 0.5)
    return color
