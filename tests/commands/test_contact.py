"""`interplay contact` on a tiny random network."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.models.interactvlm_tiny import SEG, tiny

from interplay.cli import main
from interplay.models.interactvlm.folder import save_folder

pytest.importorskip("transformers")
pytest.importorskip("embreex")
trimesh = pytest.importorskip("trimesh")


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


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.jpg"
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(file)
    return file


def test_an_objects_contact_is_written(
    model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from interplay.models.interactvlm.network import InteractVlm

    def answer(self: InteractVlm, ids: torch.Tensor, *rest: object) -> torch.Tensor:
        return torch.cat([ids, ids.new_tensor([[SEG, 2]] * len(ids))], 1)

    monkeypatch.setattr(InteractVlm, "generate", answer)  # a random one would not ask for a mask
    trimesh.creation.box().export(tmp_path / "box.obj")
    out = tmp_path / "out"
    given = ["contact", str(photo), "--model", str(model), "--object", "tea/cup", "--mesh", str(tmp_path / "box.obj")]
    assert main([*given, "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "tea/cup: " in printed
    assert "of 8 vertices" in printed
    (record,) = json.loads((out / "contact.json").read_text())["contact"]
    assert record["found"]
    with np.load(out / "tea_cup.npz") as stored:
        assert stored["scores"].shape == (8,)
        assert stored["vertices"].tolist() == record["vertices"]
    lines = (out / "tea_cup.obj").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["v"] * 8 + ["f"] * 12
    assert len(lines[0].split()) == 7, "position and colour"
    with Image.open(out / "tea_cup.jpg") as drawn:
        assert drawn.height == 768


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--model": "none"}, "no folder of published InteractVLM weights"),
        ({"--object": None}, "needs one --object"),
        ({"--mesh": "none.obj"}, "no file"),
    ],
)
def test_what_is_not_there(
    model: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict, message: str
) -> None:
    trimesh.creation.box().export(tmp_path / "box.obj")
    options = {"--model": str(model), "--object": "cup", "--mesh": str(tmp_path / "box.obj"), **change}
    given = [part for name, value in options.items() if value is not None for part in (name, value)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["contact", str(photo), *given, "-o", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
