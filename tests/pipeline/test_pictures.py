from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay.errors import InputError
from interplay.pipeline.pictures import inside, plan_pictures, save_picture


def names(paths: list[Path], folder: Path) -> list[str]:
    return [target.relative_to(folder).as_posix() for target in plan_pictures(paths, folder).values()]


def test_one_name_in_two_folders_gives_two_pictures(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg", tmp_path / "b" / "c" / "x.jpg"]
    assert names(paths, tmp_path / "out") == ["a/x.jpg", "b/x.jpg", "b/c/x.jpg"]


def test_images_of_one_folder_lie_flat(tmp_path: Path) -> None:
    assert names([tmp_path / "p" / "x.jpg"], tmp_path / "out") == ["x.jpg"]
    assert plan_pictures([], tmp_path) == {}


def test_other_formats_become_jpeg_without_meeting_another_picture(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("x.tif", "x.tif.jpg", "X.TIF.JPG", "x.png", "raw")]
    assert names(paths, tmp_path / "out") == ["x.tif.jpg", "x.tif-2.jpg", "X.TIF-3.JPG", "x.png", "raw.jpg"]


def test_a_photograph_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="replace an image"):
        plan_pictures([tmp_path / "x.jpg", tmp_path / "y.jpg"], tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp"])
def test_pictures_are_written_in_the_format_of_their_name(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / "new" / f"x{suffix}"
    save_picture(np.full((20, 30, 3), 200, np.uint8), target)
    with Image.open(target) as image:
        assert image.size == (30, 20)
        assert image.format == {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[suffix.lower()]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_inside(tmp_path: Path, photo: Callable[..., Path]) -> None:
    path = photo("out/a/x.png")
    assert inside(path, tmp_path / "out")
    assert not inside(path, tmp_path / "ou")
