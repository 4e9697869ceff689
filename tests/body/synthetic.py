"""Bodies that are Anny in other triangles, pose and proportions, and files of them in the SMPL family's form.

Where each of their vertices is on Anny is known, so that correspondences can be judged. Nothing here is SMPL's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from interplay.body.bodies import ContactBody, load_body
from interplay.body.parts import BONES, DECO_PARTS, parent_of_bone

SMPL_ORDER = {
    24: DECO_PARTS,
    52: (*DECO_PARTS[:22], *BONES[24:]),
    55: (*DECO_PARTS[:22], "jaw", "left eye", "right eye", *BONES[24:]),
}
COUNTS = {24: 6890, 52: 6890, 55: 10475}


@lru_cache(maxsize=3)
def file_fields(bones: int) -> tuple[dict[str, NDArray], NDArray, NDArray]:
    """What a file of the SMPL family with so many joints holds, and each vertex's triangle and place on Anny.

    The body stands with its arms spread, is a tenth larger, longer in arms and shorter in legs.
    """
    body = load_body()
    faces, corners, weights = retriangulated(body, COUNTS[bones])
    names = SMPL_ORDER[bones]
    parents = [_parent(name, names) for name in names]
    joint = dict(zip(body.bones, body.joints, strict=True))
    for side in ("left", "right"):  # SMPL's last joints of hands are at the knuckles
        joint[f"{side} fingers"] = np.mean([joint[f"{side} {f}1"] for f in ("index", "middle", "ring", "pinky")], 0)
    joint |= {"jaw": joint["head"], "left eye": joint["head"], "right eye": joint["head"]}
    here = np.stack([joint[name] for name in names])
    stretch = {"upper arm": 1.2, "forearm": 1.15, "thigh": 0.9, "shin": 0.9}
    there = np.zeros_like(here)
    turn = [np.eye(3)] * len(names)
    for index, name in enumerate(names):
        above = parents[index]
        side = 1 if name.startswith("left") else -1
        if name.endswith("upper arm"):  # horizontal
            turn[index] = _about_z(
                side * np.arctan2(*-(_child(here, index, parents) - here[index])[[1, 0]] * [1, -side])
            )
        elif above is not None:
            turn[index] = turn[above]
        if above is None:
            there[index] = here[index] * 1.1
        else:
            longer = 1.1 * next((f for part, f in stretch.items() if names[above].endswith(part)), 1.0)
            there[index] = there[above] + turn[above] @ (here[index] - here[above]) * longer
    own = np.zeros((len(body.vertices), len(names)))
    for index, bone in enumerate(body.bones):
        while bone not in names:
            bone = f"{bone.split()[0]} fingers" if bones == 24 and bone[-1].isdigit() else str(parent_of_bone(bone))
        own[:, names.index(bone)] += body.weights[:, index]
    posed = np.zeros_like(body.vertices)
    for index in range(len(names)):
        along = next((f for part, f in stretch.items() if names[index].endswith(part)), 1.0)
        axis = _child(here, index, parents) - here[index] if along != 1 else np.array([1.0, 0, 0])
        axis /= np.linalg.norm(axis)
        linear = 1.1 * turn[index] @ (np.eye(3) + (along - 1) * np.outer(axis, axis))
        posed += own[:, index, None] * ((body.vertices - here[index]) @ linear.T + there[index])
    vertices = (posed[corners] * weights[..., None]).sum(1)
    vertex_weights = (own[corners] * weights[..., None]).sum(1)
    # a regressor that gives the joints: the least change of the nearest vertices' mean
    regressor = _regressor(vertices, there)
    tree = np.stack([[2**32 - 1 if p is None else p for p in parents], np.arange(len(names))]).astype(np.int64)
    fields = {
        "v_template": vertices,
        "f": faces.astype(np.uint32),
        "weights": vertex_weights,
        "J_regressor": regressor,
        "kintree_table": tree,
        "shapedirs": np.zeros((2, 3, 1)),
    }
    return fields, corners, weights


def retriangulated(body: ContactBody, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray]:
    """Faces of a mesh with `count` vertices on Anny, and for each three vertices of Anny and their weights.

    Short edges are collapsed onto one end, and then triangles get a vertex in their middle.
    """
    faces, left = body.faces.copy(), np.ones(len(body.vertices), bool)
    random = np.random.default_rng(0)
    wanted = count - 300
    while left.sum() > wanted:
        edges = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), 1), axis=0)
        length = np.linalg.norm(body.vertices[edges[:, 0]] - body.vertices[edges[:, 1]], axis=1)
        target = np.arange(len(left))
        busy = np.zeros(len(left), bool)
        most = min(int(left.sum() - wanted), len(edges) // 20 + 1)
        around = [set() for _ in range(len(left))]
        for a, b in edges.tolist():
            around[a].add(b)
            around[b].add(a)
        for a, b in edges[np.argsort(length * random.uniform(0.5, 1, len(length)))].tolist():
            ring = list(around[a] | around[b] | {a, b})
            if most == 0 or busy[ring].any() or len(around[a] & around[b]) != 2:
                continue
            target[b], left[b] = a, False
            busy[ring] = True
            most -= 1
        faces = target[faces]
        faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    kept = np.unique(faces)
    corners, weights = np.repeat(kept[:, None], 3, 1), np.tile([1.0, 0, 0], (len(kept), 1))
    number = np.full(len(left), -1)
    number[kept] = np.arange(len(kept))
    faces = number[faces]
    split = random.choice(len(faces), count - len(kept), replace=False)
    middle = len(kept) + np.arange(len(split))
    corners = np.concatenate([corners, kept[faces[split]]])
    weights = np.concatenate([weights, np.full((len(split), 3), 1 / 3)])
    a, b, c = faces[split].T
    pieces = [np.stack(each, 1) for each in ((a, b, middle), (b, c, middle), (c, a, middle))]
    return np.concatenate([np.delete(faces, split, 0), *pieces]), corners, weights


def _parent(name: str, names: tuple[str, ...]) -> int | None:
    above = "head" if name in ("jaw", "left eye", "right eye") else parent_of_bone(name)
    return None if above is None else names.index(above)


def _child(joints: NDArray, index: int, parents: list[int | None]) -> NDArray:
    return joints[parents.index(index)]


def _about_z(angle: float) -> NDArray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _regressor(vertices: NDArray, joints: NDArray) -> NDArray:
    rows = np.zeros((len(joints), len(vertices)))
    for row, joint in zip(rows, joints, strict=True):
        near = np.argsort(np.linalg.norm(vertices - joint, axis=1))[:40]
        system = np.vstack([vertices[near].T, np.ones(len(near))])
        start = np.full(len(near), 1 / len(near))
        row[near] = start + np.linalg.pinv(system) @ (np.append(joint, 1) - system @ start)
    return rows
