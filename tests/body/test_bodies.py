"""Bodies from files, their named parts, and contact carried from one to another, on re-triangulated Annys."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from interplay.body.parts import BONES, DECO_NAMES, DECO_PARTS, merged_part, parent_of_bone, part_of_bone
from interplay.errors import InputError, MissingFileError

pytest.importorskip("anny")
pytest.importorskip("embreex")

from tests.body.synthetic import COUNTS, file_fields

from interplay.body.bodies import ContactBody, load_body
from interplay.body.model import PARTS
from interplay.body.transfer import Transfer, correspondence, read_matrix, transfer_between


@pytest.fixture(scope="module")
def anny() -> ContactBody:
    return load_body()


@pytest.fixture(scope="module", params=[24, 55], ids=["smpl", "smplx"])
def bones(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(scope="module")
def other(bones: int, tmp_path_factory: pytest.TempPathFactory) -> ContactBody:
    file = tmp_path_factory.mktemp("body") / "body.npz"
    np.savez(file, **file_fields(bones)[0])
    return load_body(file)


def test_every_bone_has_a_part_and_hangs_on_the_hips() -> None:
    assert len(DECO_PARTS) == len(DECO_NAMES) == len(set(DECO_PARTS)) == 24
    for bone in BONES:
        assert part_of_bone(bone) in DECO_PARTS
        above: str | None = bone
        for _ in range(12):
            above = parent_of_bone(above) if above is not None else None
        assert above is None
    assert {merged_part(part) for part in DECO_PARTS} == set(PARTS)


def test_anny_has_all_parts_on_their_sides(anny: ContactBody) -> None:
    parts = anny.deco_parts()
    assert sum(map(len, parts.values())) == len(anny.vertices) == 12_272
    for name, members in parts.items():
        assert len(members) > 20, name
        if name.startswith(("left", "right")):
            assert (np.sign(anny.vertices[members, 0]).mean() > 0.9) == name.startswith("left")
    heights = [anny.vertices[parts[name], 1].mean() for name in ("left toes", "left shin", "hips", "belly", "midriff",
                                                                 "chest", "neck", "head")]  # fmt: skip
    assert heights == sorted(heights)


def test_a_file_gives_the_body_with_its_legs_spread(other: ContactBody, bones: int) -> None:
    template = file_fields(bones)[0]["v_template"]
    assert other.name == {24: "smpl", 55: "smplx"}[bones]
    assert other.vertices.shape == template.shape == (COUNTS[bones], 3)
    shin, arm = other.deco_parts()["left shin"], other.deco_parts()["left forearm"]
    assert other.vertices[shin, 0].min() > template[shin, 0].max(), "outwards"
    np.testing.assert_allclose(other.vertices[arm], template[arm], atol=1e-6)
    hip, knee = (other.joints[other.bones.index(f"left {name}")] for name in ("thigh", "shin"))
    fields = file_fields(bones)[0]
    before = fields["J_regressor"] @ template
    angles = [np.degrees(np.arctan2(d[0], -d[1])) for d in (knee - hip, before[4] - before[1])]
    assert angles[0] - angles[1] == pytest.approx(30, abs=0.1)


class _Chumpy:
    """Stands for chumpy's arrays in a pickle."""

    def __init__(self, x: Any) -> None:
        self.x, self._dirty, self._cache = x, set(), {"drs": {}}


class _Sparse:
    """Stands for scipy's sparse matrix in a pickle."""

    def __init__(self, dense: np.ndarray) -> None:
        from scipy.sparse import csc_matrix

        made = csc_matrix(dense)
        self._shape, self.data, self.indices, self.indptr = made.shape, made.data, made.indices, made.indptr


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_sparse_matrices_and_chumpy(tmp_path: Path, protocol: int, monkeypatch: Any) -> None:
    fields = dict(file_fields(24)[0])
    made = {}
    monkeypatch.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
    for module, kind, name in (("chumpy.ch", _Chumpy, "Ch"), ("scipy.sparse.csc", _Sparse, "csc_matrix")):
        fake = ModuleType(module)
        own = type(name, (kind,), {"__module__": module})
        setattr(fake, name, own)
        monkeypatch.setitem(sys.modules, module, fake)
        made[name] = own
    template = fields["v_template"]
    changed = {
        "v_template": made["Ch"](template),
        "J_regressor": made["csc_matrix"](fields["J_regressor"]),
        "bs_type": "lrotmin",
    }
    (tmp_path / "body.pkl").write_bytes(pickle.dumps({**fields, **changed}, protocol))
    np.savez(tmp_path / "body.npz", **fields)
    read, plain = load_body(tmp_path / "body.pkl"), load_body(tmp_path / "body.npz")
    np.testing.assert_allclose(read.vertices, plain.vertices, atol=1e-9)
    np.testing.assert_allclose(read.joints, plain.joints, atol=1e-9)


def _without(name: str) -> dict:
    return {key: value for key, value in file_fields(24)[0].items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: _without("weights"), "no body of the SMPL family: it has no weights"),
        (lambda f: {**f, "weights": f["weights"][:, :20]}, "6,890 vertices and 20 joints are no topology"),
        (lambda f: {**f, "weights": f["weights"][:100]}, "100 vertices and 24 joints are no topology.*smplh"),
        (lambda f: {**f, "v_template": f["v_template"][:100]}, r"v_template: expected shape \(6890, 3\)"),
        (lambda f: {**f, "f": f["f"] + 1}, "faces: expected indices of 6890 vertices"),
        (lambda f: {**f, "weights": f["weights"] * np.nan}, "expected finite numbers"),
        (lambda f: {**f, "kintree_table": f["kintree_table"][:, ::-1]}, "each joint's parent before it"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    np.savez(tmp_path / "body.npz", **change(file_fields(24)[0]))
    with pytest.raises(InputError, match=message):
        load_body(tmp_path / "body.npz")


def test_what_is_no_body_at_all(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_body(tmp_path / "none.npz")
    with pytest.raises(InputError, match=r"expected anny, or an \.npz or \.pkl file"):
        load_body(tmp_path / "body.obj")
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(InputError, match="not plain data"):
        load_body(tmp_path / "evil.pkl")


def _errors(source: ContactBody, corners: np.ndarray, weights: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.linalg.norm((source.vertices[corners] * weights[..., None]).sum(1) - truth, axis=1)


def test_anny_to_another_body_finds_where_its_vertices_come_from(
    anny: ContactBody, other: ContactBody, bones: int
) -> None:
    corners, weights = correspondence(anny, other)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-9)
    _, true_corners, true_weights = file_fields(bones)
    truth = (anny.vertices[true_corners] * true_weights[..., None]).sum(1)
    errors = _errors(anny, corners, weights, truth)
    assert np.median(errors) < 0.001
    assert errors.max() < 0.02
    nearest = corners[np.arange(len(corners)), weights.argmax(1)]
    assert (anny.deco_part[nearest] == other.deco_part).mean() > 0.99


def test_there_and_back_stays_in_place(anny: ContactBody, other: ContactBody) -> None:
    there, back = correspondence(anny, other), correspondence(other, anny)
    middle = (anny.vertices[there[0]] * there[1][..., None]).sum(1)  # each vertex of the other, on Anny
    again = (middle[back[0]] * back[1][..., None]).sum(1)
    errors = np.linalg.norm(again - anny.vertices, axis=1)
    assert np.median(errors) < 0.003
    assert np.quantile(errors, 0.99) < 0.015


def test_scores_are_carried(
    anny: ContactBody, other: ContactBody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    transfer = transfer_between(anny, other)
    assert np.allclose(transfer(np.full(len(anny.vertices), 0.7)), 0.7), "a constant stays one"
    hand = np.zeros((2, len(anny.vertices)))
    hand[0, np.isin(anny.part, [PARTS.index("right hand")])] = 1
    hand[1, anny.part == PARTS.index("left foot")] = 1
    carried = transfer(hand)
    assert carried.shape == (2, len(other.vertices))
    assert carried.min() >= 0
    assert carried.max() <= 1
    for row, name in zip(carried, ("right hand", "left foot"), strict=True):
        expected = other.part == PARTS.index(name)
        overlap = ((row >= 0.5) & expected).sum() / ((row >= 0.5) | expected).sum()
        assert overlap > 0.95
        assert other.in_words(np.flatnonzero(row >= 0.5)) == (name,)
    (kept,) = (tmp_path / "interplay" / "transfer").iterdir()
    stamp = kept.stat().st_mtime_ns
    assert np.array_equal(transfer_between(anny, other)(hand), carried)
    assert kept.stat().st_mtime_ns == stamp, "taken from the cache"
    kept.write_bytes(b"damaged")
    assert np.array_equal(transfer_between(anny, other)(hand), carried)
    with pytest.raises(InputError, match="expected scores of 12,272 vertices"):
        transfer(np.zeros(5))


def test_a_body_is_itself(anny: ContactBody) -> None:
    corners, weights = correspondence(anny, anny)
    assert _errors(anny, corners, weights, anny.vertices).max() < 0.005


def test_a_matrix_of_ones_own(tmp_path: Path) -> None:
    matrix = np.array([[1, 0, 0], [0, 0.5, 0.5]], np.float32)
    np.save(tmp_path / "a.npy", matrix)
    np.savez(tmp_path / "a.npz", matrix=matrix)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"matrix": matrix}))
    for suffix in ("npy", "npz", "pkl"):
        transfer = read_matrix(tmp_path / f"a.{suffix}", 3, 2)
        assert transfer([0.2, 0.4, 0.8]).tolist() == pytest.approx([0.2, 0.6])
        assert isinstance(transfer.compose(transfer_of([[1, 1]])), Transfer)
    with pytest.raises(InputError, match=r"expected finite numbers of shape \(3, 2\)"):
        read_matrix(tmp_path / "a.npy", 2, 3)
    np.savez(tmp_path / "b.npz", other=matrix)
    with pytest.raises(InputError, match="under the name matrix"):
        read_matrix(tmp_path / "b.npz", 3, 2)
    with pytest.raises(InputError, match="expected a matrix in an"):
        read_matrix(tmp_path / "b.txt", 3, 2)


def transfer_of(rows: list) -> Transfer:
    from scipy.sparse import csr_matrix

    return Transfer(csr_matrix(np.array(rows, float)))


def test_hips_are_buttocks_from_behind(anny: ContactBody) -> None:
    hips = np.flatnonzero(anny.part == PARTS.index("hips"))
    behind = hips[anny.normals[hips, 2] < -0.3]
    front = hips[anny.normals[hips, 2] > 0.3]
    assert anny.in_words(behind) == ("buttocks",)
    assert anny.in_words(front) == ("hips",)
    hand = anny.parts()["right hand"]
    assert anny.in_words(np.concatenate([behind, hand])) == ("right hand", "buttocks")
    assert anny.in_words(hand[:3]) == ("right hand",), "few vertices are better than no word"
    assert anny.in_words(np.zeros(0, np.int64)) == ()
