from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import detection

from interplay import load_detector
from interplay.errors import InputError, MissingFileError

BUILDERS = {
    "fasterrcnn-resnet50-fpn-v2": detection.fasterrcnn_resnet50_fpn_v2,
    "retinanet-resnet50-fpn-v2": detection.retinanet_resnet50_fpn_v2,
}


@pytest.mark.parametrize("name", BUILDERS)
def test_weights_from_a_file(name: str, tmp_path: Path) -> None:
    """With random weights: the file is taken, sizes differ in a batch, labels become COCO's 80."""
    torch.manual_seed(0)
    state = BUILDERS[name](weights=None, weights_backbone=None, num_classes=91).state_dict()
    path = tmp_path / ("w.safetensors" if name.startswith("retina") else "w.pth")
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    detector = load_detector(name, weights=path, min_score=0.0, device="cpu")
    detector.model.transform.min_size = (96,)  # type: ignore[attr-defined]  # the usual 800 would take seconds
    if name.startswith("faster"):
        detector.model.rpn._post_nms_top_n = {"testing": 20}  # type: ignore[attr-defined]
    noise = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)
    first, second = detector([noise, np.full((30, 80, 3), 200, np.uint8)])
    assert len(first) > 0
    assert (first.boxes[:, 2:] <= (48, 64)).all()
    assert (second.boxes[:, 2:] <= (80, 30)).all()
    assert (np.diff(first.scores) <= 0).all()
    assert detector([]) == []


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    name = "retinanet-resnet50-fpn-v2"
    with pytest.raises(MissingFileError, match=r"no weights .*none\.pth"):
        load_detector(name, weights=tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"bad\.pth: not a (torch|safetensors) file"):
        load_detector(name, weights=tmp_path / "bad.pth")
    (tmp_path / "bad.safetensors").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"bad\.safetensors: not a (torch|safetensors) file"):
        load_detector(name, weights=tmp_path / "bad.safetensors")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=f"other.pth: not the weights of {name}"):
        load_detector(name, weights=tmp_path / "other.pth")


def test_without_network_the_error_says_the_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(MissingFileError, match=r"curl -L .*fasterrcnn.*\.pth https://.*load_detector\(") as raised:
        load_detector("fasterrcnn-resnet50-fpn-v2")
    assert str(tmp_path / "checkpoints") in str(raised.value)
