"""Places have what their kind needs and leave room for people."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("embreex")

from interplay.body.raycast import RayScene
from interplay.world.places import Place, make_place
from interplay.world.places.kinds import INDOORS, PLACE_KINDS, PlaceKind

CLEAR = 2.0


@pytest.fixture(scope="module", params=PLACE_KINDS)
def places(request: pytest.FixtureRequest) -> list[Place]:
    return [make_place(request.param, np.random.default_rng(i), CLEAR) for i in range(4)]


def _rays(place: Place) -> RayScene:
    return RayScene([(m.vertices, m.faces) for m in place.backdrop])


def test_the_ground_is_level_and_free_around_the_origin(places: list[Place]) -> None:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rim = CLEAR * np.stack([np.cos(angle), np.sin(angle)], 1)
    for place in places:
        start = np.column_stack([np.vstack([0.95 * rim, 0.5 * rim]), np.full(32, 2.3)])
        hits = _rays(place).cast(start, np.broadcast_to((0, 0, -1.0), start.shape))
        np.testing.assert_allclose(2.3 - hits.distance, 0.0, atol=0.011)
        assert (np.abs(rim) < place.bounds[1]).all()
        assert (-np.abs(rim) > place.bounds[0]).all()
        for block in place.blocks:
            nearest = np.clip(0.0, block[0], block[1])
            assert np.linalg.norm(nearest) > 0.5 * CLEAR


def test_the_camera_has_air_around_it(places: list[Place]) -> None:
    for place in places:
        low, high = place.view
        assert (high - low > 1.0).all()
        assert np.isfinite(place.weather.light.direction).all()


def test_materials_are_light_that_surfaces_can_send_back(places: list[Place]) -> None:
    for place in places:
        for mesh in place.backdrop:
            assert np.isfinite(mesh.vertices).all()
            assert mesh.faces.max() < len(mesh.vertices)
            for material in mesh.materials:
                assert min(material.color) >= 0
                assert max(material.color) <= 1.5


def test_places_of_a_kind_differ(places: list[Place]) -> None:
    assert len({p.weather.light.direction.tobytes() for p in places}) == len(places)
    assert len({m.materials[0].color for p in places for m in p.backdrop[:1]}) > 1 or places[0].kind == "snow"


@pytest.mark.parametrize("kind", INDOORS)
def test_rooms_are_closed_and_let_light_through_their_walls(kind: PlaceKind) -> None:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(200, 3))
    for seed in range(3):
        place = make_place(kind, np.random.default_rng(seed), CLEAR)
        assert place.indoors
        hits = _rays(place).cast(np.array([0.0, 0, 1.2]), directions)
        assert (hits.mesh >= 0).all()
        assert place.weather.light.source is not None
        assert all(e.height > 2 for e in place.edges)
        for edge in place.edges:
            assert ((edge.hangable >= 0) & (edge.hangable <= edge.length)).all()
        assert place.ledges
        for ledge in place.ledges:
            down = _rays(place).cast(ledge.position[None] + [0, 0, 0.3], np.array([[0, 0, -1.0]]))
            assert abs(down.distance[0] - 0.3) < 0.02


def test_outdoors_the_sky_is_open() -> None:
    for kind in set(PLACE_KINDS) - set(INDOORS):
        place = make_place(kind, np.random.default_rng(0), CLEAR)
        assert not place.indoors
        assert _rays(place).cast(np.array([0.0, 0, 1.5]), np.array([[0, 0, 1.0]])).mesh[0] < 0


def test_who_is_afloat_has_water_all_round() -> None:
    place = make_place("beach", np.random.default_rng(0), CLEAR, afloat=True)
    angle = np.linspace(0, 2 * np.pi, 12)
    start = np.column_stack([6 * np.cos(angle), 6 * np.sin(angle), np.full(12, 3.0)])
    hits = _rays(place).cast(start, np.broadcast_to((0, 0, -1.0), start.shape))
    materials = [place.backdrop[m].materials[0] for m in hits.mesh]
    assert all(m.color[2] > m.color[0] for m in materials)
