from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions
from interplay.errors import InputError, ModelError
from interplay.pipeline import Detected, Failure, detect_images, run


def test_every_image_has_its_result_in_order(model: Any, photo: Callable[..., Path]) -> None:
    paths = [photo(f"{i}.png", 20 * i) for i in range(10)]
    done = list(detect_images(paths, model, batch_size=4))
    assert [item.path for item in done] == paths
    assert [len(batch) for batch in model.batches] == [4, 4, 2]
    for i, item in enumerate(done):
        assert isinstance(item, Detected)
        assert item.interactions.file == paths[i].as_posix()
        assert (item.interactions.width, item.interactions.height) == (48, 40)
        assert item.interactions.score[1] == pytest.approx(20 * i / 255)


def test_broken_images_are_named_and_the_others_done(model: Any, photo: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "clip.mp4").write_bytes(b"....ftypmp42")
    paths = [photo("a.png"), tmp_path / "broken.jpg", tmp_path / "gone.jpg", photo("b.png"), tmp_path / "clip.mp4"]
    done = list(detect_images(paths, model))
    assert [type(item) for item in done] == [Detected, Failure, Failure, Detected, Failure]
    assert "a clip among images" in done[4].reason
    assert model.seen == ["a.png", "b.png"]


def test_only_broken_images(model: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"")
    assert len(list(detect_images([tmp_path / "broken.jpg"] * 3, model, batch_size=2))) == 3
    assert model.batches == []


def test_filters(model: Any, photo: Callable[..., Path]) -> None:
    (low,) = detect_images([photo("a.png", 51)], model, min_score=0.3)
    assert low.interactions.verb.tolist() == [3]
    (best,) = detect_images([photo("b.png", 255)], model, top_k=1)
    assert best.interactions.verb.tolist() == [0]


def test_pictures_are_drawn_for_the_images_that_have_a_place(
    model: Any, photo: Callable[..., Path], tmp_path: Path
) -> None:
    a, b = photo("a.png"), photo("b.png")
    target = tmp_path / "out" / "a.png"
    first, second = detect_images([a, b], model, pictures={a: target})
    assert (first.picture, second.picture) == (target, None)
    drawn = np.asarray(Image.open(target))
    assert drawn.shape == (40, 48, 3)
    assert drawn.std() > 1


def test_an_image_that_the_model_refuses_does_not_take_its_batch_along(model: Any, photo: Callable[..., Path]) -> None:
    def choosy(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        if any(name.endswith("b.png") for name in names):
            raise InputError("no boxes for b.png")
        return model(images, names)

    done = list(detect_images([photo("a.png"), photo("b.png"), photo("c.png")], choosy))
    assert [type(item) for item in done] == [Detected, Failure, Detected]
    assert done[1].reason == "no boxes for b.png"


def test_a_fault_in_the_model_is_not_hidden(photo: Callable[..., Path]) -> None:
    def faulty(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(detect_images([photo("a.png")], faulty))


def test_stopping_early_leaves_the_rest_undone(model: Any, photo: Callable[..., Path]) -> None:
    paths = [photo(f"{i}.png") for i in range(40)]
    stream = detect_images(paths, model, batch_size=2)
    next(stream)
    stream.close()
    assert len(model.seen) < 20


def test_very_wide_and_very_high_images_are_alone(model: Any, tmp_path: Path) -> None:
    sizes = [(40, 30), (1, 900), (900, 1), (30, 40), (40, 30)]
    for i, size in enumerate(sizes):
        Image.new("RGB", size).save(tmp_path / f"{i}.png")
    list(detect_images([tmp_path / f"{i}.png" for i in range(5)], model, batch_size=4))
    assert [[Path(name).stem for name in batch] for batch in model.batches] == [["0"], ["1"], ["2"], ["3", "4"]]


def test_batches_are_bounded_by_pixels(model: Any, photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_PIXELS", 3 * 48 * 40)
    done = list(detect_images([photo(f"{i}.png") for i in range(7)], model, batch_size=6))
    assert [type(item) for item in done] == [Detected] * 7
    assert [len(batch) for batch in model.batches] == [3, 3, 1]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 412 GB")])
def test_an_image_that_needs_too_much_memory_does_not_stop_the_others(
    model: Any, photo: Callable[..., Path], error: Exception
) -> None:
    def small(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        if any(name.endswith("b.png") for name in names):
            raise error
        return model(images, names)

    done = list(detect_images([photo("a.png"), photo("b.png"), photo("c.png")], small))
    assert [type(item) for item in done] == [Detected, Failure, Detected]
    assert "memory" in done[1].reason


def test_a_model_that_cannot_be_used_is_said_once(photo: Callable[..., Path]) -> None:
    def broken(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        raise ModelError("its outputs are not finite")

    with pytest.raises(ModelError):
        list(detect_images([photo("a.png"), photo("b.png")], broken))
