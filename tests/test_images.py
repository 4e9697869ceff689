import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay.errors import InputError, InterplayError, MissingFileError
from interplay.image_files import find_images
from interplay.images import ImageError, read_image


def encode(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def corners(height=40, width=60):
    """A picture whose four quarters differ, so that a wrong turn shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = (255, 255, 255)
    return pixels


TURNS = [None, None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
         Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
         Image.Transpose.ROTATE_270]  # fmt: skip
"""For each EXIF orientation, how an upright picture lies in the file (the orientation's inverse)."""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_read_upright(orientation):
    upright = Image.fromarray(corners())
    stored = upright if TURNS[orientation] is None else upright.transpose(TURNS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_image(encode(stored, exif=exif)), corners())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_refuse_the_picture():
    data = encode(Image.fromarray(corners()), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 40)
    assert read_image(data).shape == (40, 60, 3)


def test_colour_modes_become_rgb():
    grey = Image.fromarray(np.full((5, 7), 100, np.uint8))
    assert (read_image(encode(grey)) == 100).all()
    assert (read_image(encode(grey.point(lambda v: 255).convert("1"))) == 255).all()
    palette = Image.fromarray(corners()).convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.array_equal(read_image(encode(palette)), corners())
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = read_image(encode(cmyk, "JPEG", quality=95))[4, 4].astype(int)
    assert red[0] > 230
    assert red[1:].max() < 30


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_brightness(kind):
    ramp = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert read_image(encode(Image.fromarray(ramp), kind))[0, :, 1].tolist() == [0, 100, 255]


def test_floating_point_tiff_in_either_range():
    for top in (1.0, 255.0):
        image = Image.fromarray(np.array([[0.0, top / 2, top, np.nan]], np.float32))
        assert read_image(encode(image, "TIFF"))[0, :, 0].tolist() == [0, 128, 255, 0]


def test_transparency_is_laid_on_white():
    rgba = Image.new("RGBA", (2, 1))
    rgba.putdata([(10, 20, 30, 255), (10, 20, 30, 0)])
    assert read_image(encode(rgba)).tolist() == [[[10, 20, 30], [255, 255, 255]]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.putpixel((1, 0), 1)
    assert read_image(encode(palette, transparency=0)).tolist() == [[[255] * 3, [9] * 3]]
    grey = Image.new("LA", (1, 1), (0, 128))
    assert read_image(encode(grey))[0, 0, 0] == 127


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        pixels = read_image(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert pixels[0, 0, 0] > 200, kind
        assert pixels[0, 0, 2] < 60, kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"broken.{kind.lower()}"
    data = encode(Image.fromarray(noise), kind)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"broken\.") as raised:
        read_image(path)
    assert raised.value.file == str(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"<html>not found</html>", "web page"),
        (b'{"error": "not found"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"\x00\x00\x00\x18ftypheic" + b"\0" * 20, "HEIC"),
        (b"\x00\x00\x00\x18ftypisom" + b"\0" * 20, "video"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\x01\x02\x03\x04", "no known format"),
    ],
)
def test_what_is_no_image_is_told_apart(tmp_path, content, reason):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=reason):
        read_image(path)


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 60_000])
@pytest.mark.filterwarnings("error")
def test_a_decompression_bomb_is_refused_before_decoding(side):
    with pytest.raises(ImageError, match=f"{side} x {side} pixels, more than the limit of 89,478,485"):
        read_image(bomb(side, side))


@pytest.mark.filterwarnings("error")
def test_max_pixels_is_the_limit_in_both_directions(monkeypatch):
    data = encode(Image.fromarray(corners()))
    with pytest.raises(ImageError, match="max_pixels"):
        read_image(data, max_pixels=100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_image(data, max_pixels=10_000).shape == (40, 60, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("whole", [1.0, 255.0])
def test_floating_point_arrays_in_either_range_and_a_little_beyond(whole: float) -> None:
    values = np.array([[-0.05, 0.0, 0.5, 1.0, 1.05]]) * whole
    assert read_image(values)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(("least", "most"), [(-2.1, 2.6), (-1.0, 1.0), (0.0, 2.6), (-100.0, 255.0), (0.0, 65535.0)])
def test_normalised_arrays_are_refused(least: float, most: float) -> None:
    with pytest.raises(ImageError, match=r"from 0 to 1 or from 0 to 255, got .* undo their normalisation"):
        read_image(np.linspace(least, most, 12).reshape(2, 2, 3))


def test_arrays_and_pillow_images():
    assert np.array_equal(read_image(corners()), corners())
    assert np.array_equal(read_image(Image.fromarray(corners())), corners())
    assert read_image(np.full((2, 3), 65535, np.uint16)).tolist() == np.full((2, 3, 3), 255).tolist()
    assert (read_image(np.full((2, 3, 1), 0.5)) == 128).all()
    assert (read_image(np.ones((2, 3), bool)) == 255).all()
    assert (read_image(np.zeros((2, 3, 4), np.uint8)) == 255).all()
    source = corners()
    read_image(source)[:] = 7
    assert source.max() == 255  # the caller's array is not shared
    for wrong in (np.zeros((3, 5, 6)), np.zeros((2, 2, 3), np.int32), np.zeros((0, 4, 3)), object(), None):
        with pytest.raises(ImageError, match="expected"):
            read_image(wrong)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.jpg"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path)


@pytest.fixture
def tree(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.jpeg", "sub/notes.txt", ".hidden/d.jpg", "sub/._c.jpg", "deep/er/e.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(paths, base):
    return [p.relative_to(base).as_posix() for p in paths]


def test_folders_are_searched_and_sorted(tree):
    assert names(find_images([tree]), tree) == ["a.png", "b.JPG", "deep/er/e.webp", "sub/c.jpeg"]


def test_linked_folders_are_followed_once(tree):
    (tree / "sub" / "circle").symlink_to(tree)
    (tree / "only").mkdir()
    (tree / "only" / "linked").symlink_to(tree / "deep")
    assert len(find_images([tree])) == 4
    assert names(find_images([tree / "only"]), tree) == ["only/linked/er/e.webp"]


def test_patterns(tree):
    assert names(find_images([f"{tree}/*"]), tree) == ["a.png", "b.JPG"]
    assert names(find_images([f"{tree}/**/*.jp*"]), tree) == ["sub/c.jpeg"]
    (tree / "odd[1].txt").write_bytes(b"x")
    assert names(find_images([tree / "odd[1].txt"]), tree) == ["odd[1].txt"]  # exists: not a pattern


def test_list_on_standard_input_and_no_file_twice(tree):
    listed = io.StringIO(f"{tree}/sub/c.jpeg\n\n{tree}/a.png\n")
    found = find_images([tree / "b.JPG", "-", f"{tree}/./a.png", tree / "sub"], stdin=listed)
    assert names(found, tree) == ["b.JPG", "sub/c.jpeg", "a.png"]


@pytest.mark.parametrize("spec", ["nothing.jpg", "no*.jpg", "empty", "https://example.com/a.jpg"])
def test_what_is_not_there_is_named(tmp_path, spec):
    (tmp_path / "empty").mkdir()
    given = spec if "://" in spec else str(tmp_path / spec)
    with pytest.raises(InputError) as raised:
        find_images([given])
    assert spec in str(raised.value)


def test_photographs_read(data):
    for path in find_images([data / "photos"]):
        pixels = read_image(path)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3


@pytest.mark.skipif(os.name == "nt", reason="needs pipes and links")
def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    found = find_images([tmp_path])
    assert names(found, tmp_path) == ["circle.jpg", "dangling.jpg", "pipe.jpg"]
    for path, reason in zip(found, ["symbolic links", "no image", "it is a pipe"], strict=True):
        with pytest.raises(InterplayError, match=reason):
            read_image(path)


def test_a_file_larger_than_any_image_is_not_read(tmp_path):
    path = tmp_path / "m.jpg"
    with path.open("wb") as stream:
        stream.truncate(30 << 30)
    with pytest.raises(ImageError, match="more than any image"):
        read_image(path)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
def test_a_folder_that_cannot_be_looked_into_is_named(tree):
    for folder in (tree, *tree.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(0o755)
    (tree / "sub").chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)  # root may look into every folder
    try:
        found = find_images([tree])
        assert names(found, tree) == ["a.png", "b.JPG", "deep/er/e.webp", "sub"]
        with pytest.raises(ImageError, match="Permission denied"):
            read_image(found[-1])
    finally:
        os.seteuid(before)
        (tree / "sub").chmod(0o755)


def test_a_name_that_begins_with_a_tilde_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (4, 3)).save("~photo.png")
    assert [path.name for path in find_images(["~photo.png"])] == ["~photo.png"]
    assert read_image("~photo.png").shape == (3, 4, 3)
    with pytest.raises(InputError, match="no such file"):
        find_images(["~nobody-of-this-name/x.png"])
    with pytest.raises(MissingFileError, match="no image"):
        read_image("~nobody-of-this-name/x.png")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lists_in_any_encoding(tmp_path, encoding):
    for name in (" spaced .png", "täg.png"):
        Image.new("RGB", (4, 3)).save(tmp_path / name)
    text = f"{tmp_path} \r\n{tmp_path}/täg.png\r\n{tmp_path}/ spaced .png\n"
    found = find_images(["-"], stdin=io.TextIOWrapper(io.BytesIO(text.encode(encoding))))
    assert sorted(names(found, tmp_path)) == [" spaced .png", "täg.png"]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_list_is_said(text):
    with pytest.raises(InputError, match="standard input names no image"):
        find_images(["-"], stdin=io.StringIO(text))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "CMYK", "PA"])
def test_large_images_are_converted_in_parts_as_in_one(mode):
    rows, columns = np.mgrid[0:1100, 0:1000]
    base = Image.fromarray(np.stack([rows % 251, columns % 241, (rows + columns) % 256], -1).astype(np.uint8))
    image = base.convert(mode) if mode != "PA" else base.convert("P").convert("PA")
    if image.has_transparency_data:
        front = image.convert("RGBA")
        whole = Image.alpha_composite(Image.new("RGBA", front.size, "white"), front).convert("RGB")
    else:
        whole = image.convert("RGB")
    assert np.array_equal(read_image(image), np.asarray(whole))
