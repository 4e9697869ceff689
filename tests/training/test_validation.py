"""Which boxes one-stage systems are validated on."""

from __future__ import annotations

from pathlib import Path

import pytest

from interplay.errors import InputError, MissingFileError
from interplay.training import train, validate_config

from .pictures import rows, tiny, write_pictures

NETWORK = {"backbone": "hourglass-nano", "head_width": 8, "gaze_steps": 0}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("validation") / "pictures", 4)


def test_a_model_that_takes_given_boxes_is_validated_on_them(pictures: Path, tmp_path: Path) -> None:
    content = tiny(pictures, tmp_path, epochs=1, validate_every=1, data={"holdout": 0})
    del content["augmentation"]
    content |= {"system": "ggnet", "optimiser": {"learning_rate": 1e-3, "reference_batch": 4}}
    content["model"] = {"network": NETWORK, "decoding": {"input_size": 128, "boxes": "detector"}}
    content["data"]["validation_detections"] = str(pictures / "annotations.jsonl")
    weights = train(validate_config(content))
    assert 0 <= float(rows(weights.parent / "log.csv")[-1]["score"]) <= 1
    content |= {"name": "other", "data": {**content["data"], "validation_detections": str(pictures / "none.jsonl")}}
    with pytest.raises(MissingFileError, match=r"no file .*none\.jsonl"):
        train(validate_config(content))
    assert not (tmp_path / "other" / "log.csv").exists()


def test_a_model_that_finds_people_itself_takes_no_boxes(pictures: Path, tmp_path: Path) -> None:
    data = {"validation_detections": str(pictures / "annotations.jsonl")}
    with pytest.raises(InputError, match="finds people and objects by itself"):
        train(validate_config(tiny(pictures, tmp_path, data=data)))
