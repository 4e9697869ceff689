"""`interplay contact` on a tiny random network, with people and objects that a detector found."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.body.synthetic import file_fields
from tests.models.interactvlm_tiny import SEG, tiny

from interplay import Interactions, Vocabulary, read
from interplay.cli import main
from interplay.models.interactvlm.folder import save_folder

pytest.importorskip("transformers")
pytest.importorskip("embreex")
pytest.importorskip("anny")
trimesh = pytest.importorskip("trimesh")

NAMES = Vocabulary.load("v-coco")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network and a tokenizer of 60 words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_folder(tiny(), folder)
    words = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"w{n}": n for n in range(3, SEG)}, "[SEG]": SEG}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "<unk>", "pad_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=plain, **special).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random language model would not ask for a mask."""
    import torch

    from interplay.models.interactvlm.network import InteractVlm

    def answer(self: InteractVlm, ids: torch.Tensor, *rest: object) -> torch.Tensor:
        return torch.cat([ids, ids.new_tensor([[SEG, 2]] * len(ids))], 1)

    monkeypatch.setattr(InteractVlm, "generate", answer)


def finds(monkeypatch: pytest.MonkeyPatch, found: Interactions) -> None:
    """Let this be what the library finds in a photograph."""
    from interplay.pipeline.contact_pairs import PairSearch

    class Search:
        model = type("Model", (), {"vocabulary": NAMES})

        def __call__(self, images: list[Any], files: list[Any]) -> list[Interactions]:
            return [found]

    monkeypatch.setattr(PairSearch, "inference", Search())


@pytest.fixture
def two_riders(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library finds: two people, each on a bicycle, and a far bench."""
    person, bicycle, bench = (NAMES.object_index(name) for name in ("person", "bicycle", "bench"))
    ride = NAMES.verb_index("ride")
    found = Interactions(
        [[200, 20, 260, 160], [20, 20, 80, 160], [190, 80, 280, 180], [10, 80, 100, 180], [110, 10, 115, 15]],
        [person, person, bicycle, bicycle, bench],
        *([0, 1], [2, 3], [ride, ride]),
        NAMES,
        score=[0.9, 0.8],
        box_scores=[0.9, 0.9, 0.8, 0.8, 0.9],
        width=300,
        height=200,
    )

    finds(monkeypatch, found)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)).save(file)
    return file


def contact(photo: Path, model: Path, out: Path, *given: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return main(["contact", str(photo), "--model", str(model), "-o", str(out), *given])


@pytest.mark.usefixtures("two_riders")
def test_every_person_and_object(model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert contact(photo, model, out) == 0
    printed = capsys.readouterr().out
    assert "person 1, bicycle: " in printed
    assert "person 2, bicycle: " in printed
    assert "of 12,272 vertices" in printed
    names = ["person1_bicycle", "person2_bicycle"]
    expected = {"contact.jsonl", "contact.jpg", *(f"{n}.{end}" for n in names for end in ("npz", "obj", "glb"))}
    assert {file.name for file in out.iterdir() if not file.name.startswith(".")} == expected
    [image] = read(out / "contact.jsonl", Vocabulary.from_names(NAMES.objects, (*NAMES.verbs, "touch")))
    assert image.contact_body == "anny"
    assert [image.vocabulary.verbs[verb] for verb in image.verb] == ["ride", "ride", "touch", "touch"]
    assert image.body_contact[:2].tolist() == [None, None]
    assert image.contact_object.tolist() == ["", "", "bicycle", "bicycle"]
    assert [image.object[t] for t in (2, 3)] == [image.object[image.human == image.human[t]][0] for t in (2, 3)]
    for number, (name, row) in enumerate(zip(names, (3, 2), strict=True)):
        row = int(np.flatnonzero((image.human == (1, 0)[number]) & (image.verb == image.verb[-1]))[0])
        with np.load(out / f"{name}.npz") as stored:
            scores = stored["scores"]
            assert stored["body"] == "anny"
            assert stored["vertices"].tolist() == np.flatnonzero(scores >= 0.5).tolist()
        sparse = image.body_contact[row]
        np.testing.assert_allclose(scores[sparse[:, 0].astype(int)], sparse[:, 1], atol=6e-4)
        assert set(np.flatnonzero(scores >= 0.051)) <= set(sparse[:, 0].astype(int))
        assert image.score[row] == pytest.approx(scores.max(), abs=1e-5)
        mesh = trimesh.load(out / f"{name}.glb", force="mesh", process=False)
        assert len(mesh.vertices) == 12_272
        red = mesh.visual.vertex_colors[:, 0].astype(int) - mesh.visual.vertex_colors[:, 1]
        assert red[scores.argmax()] == red.max()


@pytest.mark.usefixtures("two_riders")
def test_some_people_some_objects_another_body(
    model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    np.savez(tmp_path / "smplx.npz", **file_fields(55)[0])
    out = tmp_path / "out"
    asked = ["--object", "bench", "--object", "unicycle", "--people", "2", "--onto", str(tmp_path / "smplx.npz")]
    assert contact(photo, model, out, *asked) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[:2]] == [
        "person 2, bench", "person 2, unicycle"
    ]  # fmt: skip
    with np.load(out / "person2_unicycle.npz") as stored:
        assert stored["scores_smplx"].shape == (10_475,)
    assert len(trimesh.load(out / "person2_bench_smplx.glb", force="mesh", process=False).vertices) == 10_475
    [image] = read(out / "contact.jsonl", Vocabulary.from_names(NAMES.objects, (*NAMES.verbs, "touch")))
    assert image.contact_object.tolist() == ["", "", "bench", "unicycle"]
    assert image.object.tolist() == [2, 3, 4, -1]


def test_people_and_objects_far_apart(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, bench = NAMES.object_index("person"), NAMES.object_index("bench")
    found = Interactions(
        [[200, 20, 260, 160], [5, 180, 20, 190]], [person, bench], [], [], [], NAMES, box_scores=[0.9, 0.9],
        width=300, height=200,
    )  # fmt: skip

    finds(monkeypatch, found)
    assert contact(photo, Path("contact-geometry"), tmp_path / "out") == 0
    assert "no object is near a person; name what is touched with --object" in capsys.readouterr().out
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"contact.jsonl", "contact.jpg"}


def test_the_network_that_looks_at_pixels_comes_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["contact", "--sample", "--model", "interactvlm-nano", "-o", str(tmp_path / "out")]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("person 1, tennis racket: ")]
    assert "hand" in line
    with np.load(tmp_path / "out" / "person1_tennis_racket.npz") as stored:
        assert str(stored["answer"]) == "It is tennis racket [SEG]."


@pytest.mark.parametrize("folder", [False, True])
def test_without_transformers_the_error_says_what_to_install(
    folder: bool, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *at: None if name == "transformers" else found(name, *at)
    )
    asked = str(model) if folder else "interactvlm-nano"
    assert main(["contact", "--sample", "--model", asked, "-o", str(tmp_path / "out")]) == 2
    assert 'install it with: pip install "interplay[contact]"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_sample_with_what_comes_along(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    pytest.importorskip("ai_edge_litert")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["contact", "--sample", "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "person 1, tennis racket: right hand" in printed
    [image] = read(tmp_path / "out" / "contact.jsonl", Vocabulary.from_names(NAMES.objects, (*NAMES.verbs, "touch")))
    touch = np.flatnonzero(image.contact_object == "tennis racket")
    assert image.contact_parts[touch].tolist() == ["right hand"]
    assert len(image.body_contact[touch[0]]) > 100
    with Image.open(tmp_path / "out" / "contact.jpg") as drawn:
        assert drawn.width > drawn.height > 600


def test_the_whole_photograph_on_ones_own_body(model: Path, photo: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "smpl.npz", **file_fields(24)[0])
    given = ["--whole-photo", "--object", "cup", "--object", "tea/cup", "--body", str(tmp_path / "smpl.npz")]
    assert contact(photo, model, tmp_path / "out", *given) == 0
    [image] = read(tmp_path / "out" / "contact.jsonl", Vocabulary.from_names(["person", "cup", "tea/cup"], ["touch"]))
    assert image.contact_body == "smpl"
    assert image.box_scores.tolist() == [0]
    assert image.boxes.tolist() == [[0, 0, 300, 200]]
    with np.load(tmp_path / "out" / "tea_cup.npz") as stored:
        assert stored["scores"].shape == (6890,)


def test_an_objects_contact_is_written(
    model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trimesh.creation.box().export(tmp_path / "box.obj")
    given = ["--whole-photo", "--object", "tea/cup", "--mesh", str(tmp_path / "box.obj")]
    assert contact(photo, model, tmp_path / "out", *given) == 0
    assert "tea/cup: " in capsys.readouterr().out
    [image] = read(tmp_path / "out" / "contact.jsonl", Vocabulary.from_names(["person", "tea/cup"], ["touch"]))
    assert image.body_contact is None
    assert image.contact_body is None
    assert image.object_contact[0][:, 0].max() < 8
    lines = (tmp_path / "out" / "tea_cup.obj").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["v"] * 8 + ["f"] * 12
    assert len(lines[0].split()) == 7, "position and colour"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--object", "horse"], "the detector finds no horse in this picture; it finds bench, bicycle"),
        (["--people", "3"], "no person 3: 2 are beside objects here"),
        (["--people", "0"], "expected a whole number above 0"),
        (["--mesh", "none.obj"], "needs one --object"),
        (["--whole-photo"], "--whole-photo needs --object"),
        (["--mesh", "none.obj", "--object", "cup"], "no file"),
        (["--object", "cup", "--mesh", "none.obj", "--body", "x.npz"], "no --body and no --onto go with it"),
        (["--body", "none.npz"], "no file"),
        (["--body", "photo.jpg"], "expected anny, or an .npz or .pkl file"),
        (["--matrix", "m.npy"], "--matrix says how contact is carried to one other body"),
        (["--quantize", "4bit", "--offload"], "choose one"),
        (["--model", "none"], "unknown model 'none'"),
        (["--sample"], "give a photograph, or --sample"),
    ],
)
@pytest.mark.usefixtures("two_riders")
def test_what_is_not_there(
    model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], message: str
) -> None:
    try:
        code = contact(photo, model, tmp_path / "out", *given)
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()
