"""TIN's networks against the published graphs: every stream's scores, features on the way, both training layouts."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from interplay.errors import InputError
from interplay.layers.crops import crop_and_resize
from interplay.layers.resnet import fold_frozen_batch_norm
from interplay.models.feature_cache import FeatureCache, Wanted, read_features
from interplay.models.tin.convert import load_tin, unused_names
from interplay.models.tin.network import PIXEL_MEANS_BGR, TinNetwork
from interplay.models.tin.parts_network import TinPartNetwork
from interplay.models.tin.start import from_faster_rcnn


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "tin"


@cache
def published_state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    spec = importlib.util.spec_from_file_location("fill", folder.parent / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scales = json.loads((folder / "config.json").read_text())["scales"][name]
    shapes = json.loads((folder / f"params_{name}.json").read_text())
    return {
        key: torch.from_numpy(np.asarray(module.fill(key, tuple(shape)) * np.float32(scales.get(key, 1))))
        for key, shape in shapes.items()
    }


@pytest.fixture(scope="module", params=["hico", "vcoco", "part"])
def network(request: pytest.FixtureRequest, folder: Path) -> tuple[str, TinNetwork | TinPartNetwork]:
    published_state.cache_clear()
    return request.param, load_tin(published_state(folder, request.param))


def scores(network: TinNetwork | TinPartNetwork, data) -> dict[str, np.ndarray]:
    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(data[f"in/{name}"])

    humans = tensor("Hsp_boxes" if "in/Hsp_boxes" in data.files else "H_boxes")
    with torch.inference_mode():
        given = tensor("image"), humans, tensor("O_boxes"), tensor("sp")
        if isinstance(network, TinPartNetwork):
            found = network(*given, tensor("part_boxes"))
        else:
            found = network(*given, int(data["in/H_num"]))
    return {name: value.numpy() for name, value in found.scores.items()}


@pytest.mark.parametrize("case", [0, 1])
def test_every_streams_scores(folder: Path, network, case: int) -> None:
    name, built = network
    data = np.load(folder / f"forward_{name}_case{case}.npz")
    found = scores(built, data)
    compared = 0
    for key in data.files:
        part, _, what = key.partition("/")
        if part != "out":
            continue
        tolerance = {"atol": 1e-5, "rtol": 0} if "prob" in what else {"atol": 2e-4, "rtol": 1e-4}
        np.testing.assert_allclose(found[what], data[key], err_msg=what, **tolerance)
        compared += 1
    assert compared == (6 if name == "part" else 9 if case == 0 else 8)
    for what in ("att_H", "att_O"):
        np.testing.assert_allclose(found[what].transpose(0, 2, 3, 1), data[f"mid/{what}"], atol=1e-6)


def test_the_image_is_the_photograph_less_the_mean(folder: Path) -> None:
    data = np.load(folder / "forward_hico_case0.npz")
    expected = data["in/image_bgr_u8"].astype(np.float32) - np.array(PIXEL_MEANS_BGR, np.float32)
    np.testing.assert_allclose(data["in/image"][0], expected, atol=1e-4)


def test_the_backbone_on_the_way(folder: Path, network) -> None:
    name, built = network
    data = np.load(folder / f"forward_{name}_case1.npz")
    image = torch.from_numpy(data["in/image"]).permute(0, 3, 1, 2)
    backbone = built.backbone
    with torch.inference_mode():
        stem = torch.nn.functional.max_pool2d(backbone.bn1(backbone.conv1(image)).relu(), 3, 2, 1)
        first = backbone.block1(stem)
        second = backbone.block2(first)
    for value, what in ((stem, "stem_c8"), (first, "block1_c8"), (second, "block2_c8")):
        np.testing.assert_allclose(value[:, :8].permute(0, 2, 3, 1), data[f"mid/{what}"], atol=2e-4, rtol=1e-4)
    with torch.inference_mode():
        head = backbone(image)
    np.testing.assert_allclose(head[:, :32].permute(0, 2, 3, 1), data["mid/head_c32"], atol=2e-4, rtol=1e-4)


def test_folding_changes_nothing(folder: Path) -> None:
    network = load_tin(published_state(folder, "vcoco"))
    data = np.load(folder / "forward_vcoco_case0.npz")
    before = scores(network, data)
    for module in (network.backbone, network.human_block, network.object_block):
        fold_frozen_batch_norm(module)
    after = scores(network, data)
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, atol=1e-4, rtol=1e-4)


def test_pairs_that_share_boxes_give_what_they_give_alone(folder: Path) -> None:
    """One pass for all pairs is what the published loop over pairs computes."""
    network = load_tin(published_state(folder, "vcoco"))
    data = np.load(folder / "forward_vcoco_case0.npz")
    image = torch.from_numpy(data["in/image"])
    human = torch.from_numpy(data["in/Hsp_boxes"])[[0, 0, 1, 1], 1:]
    object = torch.from_numpy(data["in/O_boxes"])[[2, 3, 2, 3], 1:]
    maps = torch.from_numpy(data["in/sp"])[:4]
    with torch.inference_mode():
        together = network(image, human, object, maps)
        for i in range(4):
            alone = network(image, human[i : i + 1], object[i : i + 1], maps[i : i + 1])
            for name in ("cls_prob_HO_final", "cls_prob_binary"):
                torch.testing.assert_close(together[name][i], alone[name][0], atol=1e-6, rtol=1e-5)


def test_crops(folder: Path) -> None:
    data = np.load(folder / "crop_pool.npz")
    features = torch.from_numpy(data["feature_nhwc"]).permute(0, 3, 1, 2)
    crops = crop_and_resize(features, torch.from_numpy(data["rois"]))
    np.testing.assert_allclose(crops.permute(0, 2, 3, 1), data["crops"], atol=2e-5, rtol=1e-4)


def test_tensorflows_layout_is_recognised(folder: Path) -> None:
    state = published_state(folder, "vcoco")

    def turn(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T if tensor.ndim == 2 else tensor

    there = {f"{name}:0": turn(tensor) if name.endswith("weights") else tensor for name, tensor in state.items()}
    there["global_step:0"] = torch.zeros(())
    network, expected = load_tin(there), load_tin(state)
    for (name, a), b in zip(network.state_dict().items(), expected.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert unused_names(there, network) == ["global_step:0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"a": torch.zeros(1)}, "not a checkpoint of TIN"),
        (lambda s: {k: v for k, v in s.items() if "fc9_SH/BatchNorm/gamma" not in k}, "human_head.1.norm.weight"),
        (lambda s: {k: v for k, v in s.items() if not k.startswith("classification")}, "classifier or discriminator"),
        (lambda s: {**s, "head_phi/biases": torch.zeros(3)}, r"attention.phi.bias has shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, change, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_tin(change(published_state(folder, "vcoco")))


def test_published_faster_rcnn_names_become_the_representation(folder: Path) -> None:
    """The published trainings start from a Faster R-CNN without block5, which becomes a copy of its block4."""
    state = published_state(folder, "hico")
    stem = tuple(f"resnet_v1_50/{part}/" for part in ("conv1", "block1", "block2", "block3", "block4"))
    kept = {name: value for name, value in state.items() if name.startswith(stem)}
    found = from_faster_rcnn({**kept, "resnet_v1_50/bbox_pred/weights": torch.zeros(4, 2048)})
    network = load_tin(state)
    for name, value in network.state_dict().items():
        if name.startswith(("backbone.", "human_block.")):
            torch.testing.assert_close(found[name], value, atol=0, rtol=0)
        elif name.startswith("object_block."):
            torch.testing.assert_close(found[name], found[name.replace("object", "human")], atol=0, rtol=0)
            assert found[name].shape == value.shape


def test_stored_features_give_the_published_scores(folder: Path, tmp_path: Path) -> None:
    """16 bits on disk change probabilities by less than a thousandth."""
    network = load_tin(published_state(folder, "hico"))
    data = np.load(folder / "forward_hico_case0.npz")
    pixels = np.ascontiguousarray(data["in/image_bgr_u8"][..., ::-1])
    human, object = (data[f"in/{name}"][:, 1:] for name in ("H_boxes", "O_boxes"))
    cache = FeatureCache(tmp_path, network)
    photograph = tmp_path / "a"
    photograph.write_bytes(pixels.tobytes())
    wanted = Wanted(cache.file(photograph), lambda: pixels, lambda: (human, object))
    cache.fill([wanted])
    numbered = [torch.from_numpy(boxes) for boxes in (data["in/H_boxes"], data["in/O_boxes"])]
    with torch.inference_mode():
        found = network([read_features(wanted.file)], *numbered, torch.from_numpy(data["in/sp"]))
    for name in ("cls_prob_H", "cls_prob_O", "cls_prob_sp", "cls_prob_binary"):
        np.testing.assert_allclose(found[name].numpy(), data[f"out/{name}"], atol=1e-3, err_msg=name)
