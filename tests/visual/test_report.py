import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.visual import write_report

VCOCO = Vocabulary.load("v-coco")


def scene(file: str | None) -> Interactions:
    return Interactions(
        [[20, 10, 80, 120], [10, 60, 110, 140]], [0, 1], [0, 0], [1, -1], [3, 23], VCOCO, score=[0.9, 0.25], file=file
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    Image.fromarray(np.full((150, 200, 3), 128, np.uint8)).save(tmp_path / "a.png")
    return tmp_path


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def test_one_file_holds_everything(photos: Path) -> None:
    path = write_report([scene("a.png")], photos / "out", folder=photos, title="My <photos>")
    assert path == photos / "out" / "report.html"
    text = path.read_text()
    assert "My &lt;photos&gt;" in text
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", text)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
    page = Page(text)
    (article,) = page.all("article")
    assert article["data-name"] == "a.png"
    picture = next(i for i in page.all("img") if i.get("src"))
    assert picture["alt"] == "a.png: riding a bicycle, smiling"
    drawn = Image.open(io.BytesIO(base64.b64decode(str(picture["src"]).partition("base64,")[2])))
    assert drawn.size == (200, 150)
    assert np.asarray(drawn).std() > 5


def test_the_score_filter_reaches_the_best_score(photos: Path) -> None:
    for best, most in ((0.9, "1"), (1.4, "2")):
        image = scene("a.png")
        image.score[:] = np.linspace(0.1, best, len(image))
        page = Page(write_report([image], photos / "out", folder=photos).read_text())
        [slider] = [i for i in page.all("input") if i.get("type") == "range"]
        assert slider["max"] == most


def test_rows_carry_what_the_filters_need(photos: Path) -> None:
    page = Page(write_report([scene("a.png")], photos / "r.html", folder=photos).read_text())
    ride, smile = page.all("li")
    assert (ride["data-v"], ride["data-o"], ride["data-s"]) == ("ride", "bicycle", "0.9000")
    assert ride["data-b"] == "10.0 6.7 30.0 73.3;5.0 40.0 50.0 53.3"
    assert (smile["data-v"], smile["data-o"]) == ("smile", "")
    values = [option["value"] for option in page.all("option")]
    assert values == ["", "ride", "smile", "", "bicycle", "first", "score", "many", "name"]


def test_filters_apply(photos: Path) -> None:
    page = Page(write_report([scene("a.png")], photos / "r.html", folder=photos, min_score=0.5).read_text())
    assert [row["data-v"] for row in page.all("li")] == ["ride"]


def test_a_broken_image_is_named_and_the_others_shown(photos: Path) -> None:
    seen: list[int] = []
    (photos / "b.jpg").write_bytes(b"nothing")
    files = [scene("b.jpg"), scene("gone.jpg"), scene("a.png")]
    text = write_report(files, photos / "r.html", folder=photos, on_image=lambda: seen.append(1)).read_text()
    assert len(Page(text).all("article")) == len(seen) == 3
    assert text.count('class="none">no picture') == 2
    assert text.count("data:image/jpeg") == 1


def test_names_cannot_inject(photos: Path) -> None:
    Image.new("RGB", (20, 20)).save(photos / "x.png")
    evil = '"><script>alert(1)</script>.jpg'
    assert "<script>alert" not in write_report([scene(evil)], photos / "r.html", folder=photos).read_text()


def test_words_of_a_vocabulary_are_words_and_nothing_else(photos: Path) -> None:
    words = Vocabulary.from_dict(
        {
            "name": "evil",
            "objects": ["person", "x onmouseover=alert(1)//", '" onerror="alert(2)'],
            "verbs": ["{{objects}}", "{{ options(objects) }}", "{% raw %}</li><img src=x onerror=alert(3)>"],
        }
    )
    found = Interactions(
        [[20, 10, 80, 120], [10, 60, 110, 140], [5, 5, 9, 9]], [0, 1, 2], [0, 0, 0], [1, 2, 1], [0, 1, 2], words,
        score=[0.9, 0.5, 0.4], file="a.png",
    )  # fmt: skip
    title = "{{objects}} & <b>"
    page = Page(write_report([found], photos / "r.html", folder=photos, title=title).read_text())
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    assert {row["data-v"] for row in page.all("li")} == set(words.verbs)
    assert [option["value"] for option in page.all("option")][:-4] == [
        "",
        *sorted(words.verbs),
        "",
        *sorted(words.objects[1:]),
    ]
    assert len(page.all("img")) == 2


def test_pictures_outside_the_folder_are_not_shown_unasked(photos: Path) -> None:
    inside = photos / "inside"
    inside.mkdir()
    names = ["../a.png", str(photos / "a.png"), "x/../../a.png"]
    (inside / "x").mkdir()
    for outside, pictures in ((False, 0), (True, 3)):
        path = write_report([scene(name) for name in names], photos / "r.html", folder=inside, outside=outside)
        assert path.read_text().count("data:image/jpeg") == pictures
        assert path.read_text().count("leads out of the folder") == 3 - pictures


def test_what_cannot_be_reported(photos: Path) -> None:
    with pytest.raises(InputError, match="no file name"):
        write_report([scene(None)], photos / "r.html")
    with pytest.raises(InputError, match=r"\.html"):
        write_report([scene("a.png")], photos / "r.pdf")
    assert not list(photos.glob("*.html"))


def test_images_with_interactions_come_first_and_the_others_say_what_was_seen(photos: Path) -> None:
    scenes = [scene("b/c/none.png")[[]], scene("a.png"), scene("low.png")]
    scenes[2].score[:] = 0.1
    text = write_report(scenes, photos / "r.html", folder=photos, min_score=0.2).read_text()
    articles = [article["data-name"] for article in Page(text).all("article")]
    assert articles == ["a.png", "b/c/none.png", "low.png"]
    assert "1 person, 1 object, no interaction above 0.2</p>" in text
    assert "1 person, 1 object, no interaction above 0.2; best: riding a bicycle 0.10</p>" in text


def test_cards_are_named_by_the_file_with_the_path_as_title(photos: Path) -> None:
    text = write_report([scene("some/long/folder/a.png")], photos / "r.html", folder=photos).read_text()
    assert '<h2 title="some/long/folder/a.png">a.png</h2>' in text


def test_the_page_sorts_and_steps_through_pictures(photos: Path) -> None:
    text = write_report([scene("a.png")], photos / "r.html", folder=photos).read_text()
    page = Page(text)
    names = {attributes.get("id") for _, attributes in page.seen}
    assert {"sort", "some", "empty", "previous", "next", "close"} <= names
    annotated = replace(scene("a.png"), scored=False)
    values = [
        o["value"] for o in Page(write_report([annotated], photos / "s.html", folder=photos).read_text()).all("option")
    ]
    assert "score" not in values
    assert "many" in values


def test_only_interactions_if_wanted(photos: Path) -> None:
    def shown(name: str, **options: Any) -> str:
        page = Page(write_report([scene("a.png")[[]]], photos / name, folder=photos, **options).read_text())
        return str(next(i["src"] for i in page.all("img") if i.get("src")))

    assert shown("a.html") != shown("b.html", show="interactions")
    with pytest.raises(InputError, match="interactions, all"):
        shown("c.html", show="none")
