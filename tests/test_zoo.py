"""Models by name: cards, weights that the user brings, and decoding options."""

from __future__ import annotations

from pathlib import Path

import pytest

from interplay import Vocabulary, list_models, load_model
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.systems import CONTACT_SYSTEMS, SYSTEMS
from interplay.training.config import list_configs
from interplay.zoo import get_card, network_class

TINY = {
    "backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
    "encoder_layers": 1, "decoder_layers": 1, "queries": 2, "embedding": 16,
}  # fmt: skip
WORLD = Vocabulary.from_dict(
    {"name": "world", "objects": ["person", "cup"], "verbs": ["hold"], "interactions": [["hold", "cup"]]}
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    model = GenVlkt(WORLD, GenVlktConfig.model_validate({"network": TINY}))
    model.save(tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def test_cards_fit_their_networks_and_recipes() -> None:
    for card in list_models():
        assert card.system in {**SYSTEMS, **CONTACT_SYSTEMS}
        assert card.system in CONTACT_SYSTEMS or card.vocabulary in ("hico-det", "v-coco")
        assert all(0 < value < 1 for value in card.published.values())
        assert not card.command or card.command.split()[2] in list_configs()


def test_published_contact_models(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [card for card in list_models(system="interactvlm") if not card.weights]
    assert len(cards) == 6, "five models, and one without body parts"
    card = get_card("interactvlm-3d-hcontact-damon-fix")
    assert card.published["DAMON test, binary: F1"] == 0.7032
    assert sum("samples" in what for what in card.published) == 7, "each category"
    assert main(["models", card.name]) == 0
    shown = capsys.readouterr().out
    assert "66.49" in shown
    assert f"interplay import interactvlm FOLDER -o {card.name}" in shown
    assert f"interplay contact photo.jpg --model {card.name}" in shown
    assert "train it" not in shown
    assert main(["models", "--dataset", "damon"]) == 0
    assert "70.32 published: DAMON test, binary: F1" in capsys.readouterr().out


def test_models_can_be_filtered() -> None:
    names = [card.name for card in list_models("dla34")]
    assert names == ["ggnet-dla34-hico", "ppdm-dla34-hico"]
    assert {card.system for card in list_models(system="gen-vlkt")} == {"gen-vlkt"}
    both = list_models(system="ggnet", vocabulary="v-coco")
    assert [card.name for card in both] == ["ggnet-hourglass-vcoco", "ppdm-hourglass-vcoco"]
    assert list_models(system="ggnet", vocabulary="V-COCO") == both
    assert all(card.weights for card in list_models(with_weights=True))
    assert list_models("tin-spatial", with_weights=True)
    assert list_models("no such model") == []
    with pytest.raises(
        InputError, match=r"no model with system 'genvlkt': expected one of contact-geometry, gen-vlkt, ggnet"
    ):
        list_models(system="genvlkt")
    with pytest.raises(InputError, match=r"no model with vocabulary 'coco'"):
        list_models(vocabulary="coco")


@pytest.mark.parametrize("card", [c for c in list_models() if c.settings], ids=lambda c: c.name)
def test_settings_are_those_of_the_recipe(card: object) -> None:
    from interplay.training import load_config

    config = load_config(card.command.split()[2])  # type: ignore[attr-defined]
    for name, value in card.settings.items():  # type: ignore[attr-defined]
        found = config.model  # type: ignore[attr-defined]
        # the section of TIN's recipes is the network's options
        for part in name.removeprefix("" if hasattr(found, "network") else "network.").split("."):
            found = getattr(found, part)
        assert found == value, name


def test_a_model_without_weights_says_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    for card in list_models():
        if not card.weights:
            with pytest.raises(MissingFileError, match="comes without weights"):
                load_model(card.name)
    assert main(["detect", "--sample", "--model", "gen-vlkt-s-hico"]) == 2
    said = capsys.readouterr().err
    assert "interplay import gen-vlkt FILE -o gen-vlkt-s-hico.safetensors" in said
    assert "--model gen-vlkt-s-hico --weights gen-vlkt-s-hico.safetensors" in said
    assert main(["models", "gen-vlkt-s-hico"]) == 0
    shown = capsys.readouterr().out
    published, measured = (shown.index(f"{word} by") for word in ("published", "measured"))
    assert published < shown.index("33.75") < measured


def test_the_list_shows_whole_names_with_a_metric_of_each_kind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {
        card.name: "weights included" in line
        for line in lines
        for card in list_models()
        if line.split(" ")[0] == card.name
    }
    assert names == {card.name: bool(card.weights) for card in list_models()}
    said = " ".join(" ".join(lines).split())
    for card in list_models():
        for what, value in [*card.published.items()][:1]:
            assert f"{100 * value:.2f} published: {what}" in said
        for what, entry in [*card.measured.items()][:1]:
            assert f"{100 * entry['value']:.2f} measured: {what}" in said


def _listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["models", *arguments]) == 0
    words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.split()}
    return [card.name for card in list_models() if card.name in words]


def test_the_table_can_be_narrowed_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert _listed(capsys, "ggnet") == [card.name for card in list_models("ggnet")]
    vcoco = [card.name for card in list_models(system="gen-vlkt", vocabulary="v-coco")]
    assert _listed(capsys, "--system", "gen-vlkt", "--dataset", "vcoco") == vcoco
    assert _listed(capsys, "--included") == [card.name for card in list_models() if card.weights]
    assert main(["models", "ggnet", "--included"]) == 2
    assert "no model meets all of these conditions" in capsys.readouterr().err
    assert main(["models", "gen-vlkt-s-hicco"]) == 2
    assert "Did you mean 'gen-vlkt-s-hico'" in capsys.readouterr().err


def test_weights_of_another_model_are_refused(file: Path) -> None:
    assert network_class(file) is GenVlkt
    with pytest.raises(InputError, match=r"vocabulary is world, not hico-det; network\.backbone is resnet-nano"):
        load_model("gen-vlkt-s-hico", weights=file)
    with pytest.raises(
        InputError, match=r"weights of 'gen-vlkt', expected ggnet.*--model .*tiny\.safetensors, without --weights"
    ):
        network_class("ggnet-hourglass-hico", weights=file)
    ppdm = {"network": {"backbone": "dla-34", "gaze_steps": 0, "matching": "shared"}}
    plain = GGNet(Vocabulary.load("hico-det"), GGNetConfig.model_validate(ppdm))
    plain.save(file.with_name("ppdm.safetensors"))
    assert network_class("ppdm-dla34-hico", weights=file.with_name("ppdm.safetensors")) is GGNet
    with pytest.raises(InputError, match=r"network\.matching is shared, not per-verb; network\.gaze_steps is 0, not 2"):
        network_class("ggnet-dla34-hico", weights=file.with_name("ppdm.safetensors"))
    with pytest.raises(InputError, match="give one of them"):
        load_model(file, weights=file)
    assert get_card("gen-vlkt-s-hico").vocabulary == "hico-det"


def test_decoding_options(file: Path) -> None:
    model = load_model(file, device="cpu", decoding={"nms": "false", "top_k": "7"})
    assert (model.config.decoding.nms, model.config.decoding.top_k) == (False, 7)
    with pytest.raises(InputError, match="Did you mean 'nms'"):
        model.set_decoding(nmss=True)
    with pytest.raises(InputError, match=r"top_k: Input should be greater than 0, got '0'"):
        model.set_decoding(top_k="0")
    points = GGNet(WORLD, GGNetConfig.model_validate({"network": {"backbone": "dla-nano", "head_width": 8}}))
    assert not points.needs_detections
    points.set_decoding(boxes="detector")
    assert points.needs_detections
