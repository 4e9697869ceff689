"""The published fit, step by step, against values computed with the published code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.parity.interactvlm_reference import arrays
from torch import Tensor

from interplay.body.alignment import Similarity, align, rotation_from_6d, rotation_to_6d, transformed
from interplay.reconstruct import published
from interplay.reconstruct.camera import Intrinsics


@pytest.fixture
def units(goldens: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays(goldens, "optim_units").items()}


@pytest.fixture
def stored(goldens: Path) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays(goldens, "optim_scene_1").items()}


@pytest.fixture
def scene(stored: dict[str, Tensor]) -> published.Scene:
    human = stored["human_vertices_camera"]
    return published.Scene(
        human=human - human.mean(0),
        offset=human.mean(0),
        human_contact=stored["human_contact_prob"],
        object=published.centred_object(stored["object_vertices_file"]),
        faces=stored["object_faces"].long(),
        object_contact=stored["object_contact_prob"],
        mask=stored["object_mask"].float(),
        camera=Intrinsics.of_osx(stored["bbox_xywh"].tolist()),
    )


def _near(got: Tensor, wanted: Tensor, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_rotations_transform_and_centroid(units: dict[str, Tensor]) -> None:
    rotations = rotation_from_6d(units["rot6d"])
    _near(rotations, units["rot6d_to_matrix"])
    _near(rotation_to_6d(rotations), units["matrix_to_rot6d"])
    _near(transformed(units["v"], rotations[0], units["t"], units["s"][0]), units["apply_transformation"])
    _near(published.centroid(units["mask"]), units["centroid"])


@pytest.mark.parametrize("name", ["rigid", "scale", "weighted", "mirror", "mirror_reflect"])
def test_alignment(units: dict[str, Tensor], name: str) -> None:
    target = units["align_Y"]
    if name.startswith("mirror"):
        target = target * torch.tensor([-1.0, 1, 1])
    found = align(
        units["align_X"],
        target,
        weights=units["align_w"] if name == "weighted" else None,
        scale=name in ("scale", "weighted"),
        reflection=name == "mirror_reflect",
        published_behaviour=True,
    )
    _near(found.R, units[f"align_{name}_R"])
    _near(found.t, units[f"align_{name}_T"])
    if f"align_{name}_s" in units:
        _near(found.s, units[f"align_{name}_s"])


@pytest.mark.parametrize("name", ["normals", "scale"])
def test_start_from_closest_points(units: dict[str, Tensor], name: str) -> None:
    points = (units[f"icp_{each}"] for each in ("obj", "obj_n", "hum", "hum_n"))
    found = published.closest_point_start(*points, units["icp_T0"][0], scale=name == "scale")
    _near(found.transform.R, units[f"icp_{name}_R"][0])
    _near(found.transform.t, units[f"icp_{name}_T"][0])
    _near(found.transform.s, units[f"icp_{name}_s"][0])
    assert found.rmse == pytest.approx(units[f"icp_{name}_rmse"].item(), abs=1e-5)
    assert found.iterations == int(units[f"icp_{name}_iters"])
    assert found.converged == bool(units[f"icp_{name}_converged"])


def test_camera(units: dict[str, Tensor]) -> None:
    camera = Intrinsics.of_osx(units["cam_bbox"].tolist())
    _near(torch.tensor(camera.focal), units["cam_focal"])
    _near(torch.tensor(camera.principal), units["cam_princpt"])


def test_start_of_a_scene(stored: dict[str, Tensor], scene: published.Scene) -> None:
    normals = published.vertex_normals(scene.human, stored["human_faces"].long())
    _near(published.first_translation(scene), stored["init_T"])
    found = published.start(scene, normals)
    _near(found.transform.R, stored["icp_R"])
    _near(found.transform.t, stored["icp_T"])
    assert found.iterations == int(stored["icp_iterations_used"])


@pytest.mark.parametrize(("which", "silhouette"), [("icp", "first"), ("final", "last")])
def test_silhouettes(stored: dict[str, Tensor], scene: published.Scene, which: str, silhouette: str) -> None:
    alpha = scene.silhouette(transformed(scene.object, stored[f"{which}_R"], stored[f"{which}_T"]))
    _near(alpha, stored[f"silhouette_{silhouette}"].float(), 5e-4)  # stored in half precision


def test_trajectory_and_terms(stored: dict[str, Tensor], scene: published.Scene) -> None:
    start = Similarity(stored["icp_R"], stored["icp_T"], torch.tensor(1.0))
    found = published.descend(scene, start, steps=20)
    names = ("hist_total", "hist_mask_loss", "hist_centroid_loss", "hist_contact_loss")
    wanted = torch.stack([stored[name][:20] for name in names], 1)
    _near(torch.tensor(found.terms, dtype=torch.float64), wanted, 1e-4)
    six, t = stored["traj_rot6d_trans"][:20].split([6, 3], 1)
    _near(torch.stack([each.R for each in found.similarities[:20]]), rotation_from_6d(six), 1e-3)
    _near(torch.stack([each.t for each in found.similarities[:20]]), t, 1e-3)
