"""Objects that nobody uses stand on something, hang on a wall, and are in nobody's way."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("embreex")

from interplay.body.raycast import RayScene
from interplay.world.places import Place, make_place
from interplay.world.places.kinds import INDOORS, PLACE_KINDS, PlaceKind
from interplay.world.places.placement import Floor
from interplay.world.places.props import Surroundings
from interplay.world.scene import SceneObject

SOMEBODY = np.random.default_rng(0).uniform((-0.3, -0.3, 0.0), (0.3, 0.3, 1.7), (2000, 3))


def _furnished(kind: PlaceKind, seed: int) -> tuple[Place, list[SceneObject]]:
    rng = np.random.default_rng([seed, PLACE_KINDS.index(kind)])
    place = make_place(kind, rng, 2.0)
    floor = Floor(place.bounds)
    floor.take(SOMEBODY[:, :2])
    for block in place.blocks:
        floor.take_block(block)
    objects: list[SceneObject] = []
    Surroundings(place, [SOMEBODY], objects, floor, rng, None).fill()
    return place, objects


@pytest.mark.parametrize("kind", PLACE_KINDS)
def test_objects_rest_and_keep_apart(kind: PlaceKind) -> None:
    met = 0
    for seed in range(5):
        place, objects = _furnished(kind, seed)
        solid = [(t.vertices(), t.model.mesh.faces) for t in objects]
        walls = [(m.vertices, m.faces) for m in place.backdrop]
        for k, (vertices, _) in enumerate(solid):
            others = RayScene(solid[:k] + solid[k + 1 :] + walls)
            lowest = vertices[vertices[:, 2] < vertices[:, 2].min() + 0.005]
            down = others.cast(lowest + np.array([0, 0, 0.01]), np.broadcast_to((0, 0, -1.0), lowest.shape))
            if objects[k].category == "clock":
                back = objects[k].pose[:3, 1]
                assert others.cast(vertices.mean(0)[None], back[None]).distance[0] < 0.1
            else:
                assert abs(down.distance.min() - 0.01) < 0.01, f"a {objects[k].category} floats"
            low, high = vertices.min(0), vertices.max(0)
            assert not ((low + 0.02 < SOMEBODY) & (high - 0.02 > SOMEBODY)).all(1).any()
            assert (low[:2] > place.bounds[0] - 0.15).all()
            assert (high[:2] < place.bounds[1] + 0.15).all()
            met += 1
    assert met >= 5


def test_tables_and_sideboards_carry_small_objects() -> None:
    high_up = 0
    for kind in INDOORS:
        for seed in range(6):
            objects = _furnished(kind, seed)[1]
            high_up += sum(t.pose[2, 3] > 0.4 and t.category != "clock" for t in objects)
    assert high_up > 30


def test_floor_knows_what_is_taken() -> None:
    floor = Floor(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    assert floor.is_free(np.zeros((1, 2)), 0.3)
    floor.take(np.zeros((1, 2)))
    assert not floor.is_free(np.array([[0.05, 0.0]]))
    assert floor.is_free(np.array([[0.5, 0.0]]))
    assert not floor.is_free(np.array([[0.5, 0.0]]), 0.5)
    assert not floor.is_free(np.array([[1.2, 0.0]])), "outside"
    floor.take_block(np.array([[0.4, -0.2], [0.9, 0.2]]))
    assert not floor.is_free(np.array([[0.5, 0.0]]))
