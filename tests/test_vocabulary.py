from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interplay import Vocabulary
from interplay.detectors import Detections
from interplay.errors import InputError, MissingFileError
from interplay.ops.correspondences import object_table
from interplay.vocabulary import BUILT_IN, COCO_91_IDS, canonical_name, coco_80_index, gerund


def test_sizes_of_the_built_in_vocabularies() -> None:
    hico = Vocabulary.load("hico-det")
    assert (len(hico.objects), len(hico.verbs), len(hico.interactions)) == (80, 117, 600)
    assert [len(hico.groups[g]) for g in ("rare", "non_rare", "no_interaction")] == [138, 462, 80]
    vcoco = Vocabulary.load("v-coco")
    assert (len(vcoco.objects), len(vcoco.actions), len(vcoco.verbs)) == (80, 26, 29)
    assert len(vcoco.verb_groups["role_actions"]) == 24
    assert {vcoco.verbs[i] for i in vcoco.verb_groups["body_actions"]} == {"stand", "walk", "run", "smile"}
    pastanet = Vocabulary.load("pastanet-hoi")
    assert len(pastanet.interactions) == 520
    assert "no interaction" not in pastanet.verbs


def test_pastanet_is_hico_without_no_interaction() -> None:
    hico, pastanet = Vocabulary.load("hico-det"), Vocabulary.load("pastanet-hoi")
    kept = np.delete(np.arange(600), hico.groups["no_interaction"])
    names = [(hico.verbs[v], hico.objects[o]) for v, o in hico.interactions[kept]]
    assert names == [(pastanet.verbs[v], pastanet.objects[o]) for v, o in pastanet.interactions]


def test_tables_equal_the_published_ones(goldens: Path) -> None:
    facts = goldens / "gen_vlkt" / "facts"
    hico, vcoco = Vocabulary.load("hico-det"), Vocabulary.load("v-coco")
    rows = json.loads((facts / "hico_hoi.json").read_text())
    assert hico.interactions.tolist() == [[r["verb"], r["object"]] for r in rows]
    assert [n.replace(" ", "_") for n in hico.objects] == json.loads((facts / "hico_objects.json").read_text())
    assert list(hico.official_verbs) == json.loads((facts / "hico_verbs.json").read_text())
    assert list(COCO_91_IDS) == json.loads((facts / "coco_category_ids.json").read_text())
    rows = json.loads((facts / "vcoco_hoi.json").read_text())
    assert vcoco.interactions.tolist() == [[r["verb"], -1 if r["object"] == 80 else r["object"]] for r in rows]
    truth = np.load(goldens / "evaluation" / "hico_gt.npz")
    assert list(hico.groups["rare"]) == truth["rare_hoi"].tolist()
    assert list(vcoco.official_verbs) == np.load(goldens / "evaluation" / "vcoco_ref.npz")["verb_names"].tolist()
    indices = json.loads((goldens / "tin" / "pastanet_hoi.json").read_text())["hoi520_indices_into_600_0based"]
    assert indices == sorted(set(range(600)) - set(hico.groups["no_interaction"]))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_name_finds_its_index_in_every_spelling(name: str) -> None:
    vocabulary = Vocabulary.load(name)
    for i, label in enumerate(vocabulary.objects):
        assert {vocabulary.object_index(s) for s in (label, label.replace(" ", "_"), label.upper())} == {i}
    for i, (verb, official) in enumerate(zip(vocabulary.verbs, vocabulary.official_verbs, strict=True)):
        spellings = (verb, verb.replace(" ", "_"), official, official.replace("_", " "))
        assert {vocabulary.verb_index(s) for s in spellings} == {i}


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (("v-coco", "vcoco", "V-COCO", "v_coco", "VCOCO"), "v-coco"),
        (("hico-det", "hico_det", "hicodet", "HICO-DET", "hico"), "hico-det"),
        (("pastanet-hoi", "pastanet_hoi", "PaStaNet-HOI", "pastanet"), "pastanet-hoi"),
        (("COCO",), "coco"),
    ],
)
def test_data_set_names_have_many_spellings_and_one_meaning(spellings: tuple[str, ...], name: str) -> None:
    for spelling in spellings:
        assert canonical_name(spelling) == name
        assert Vocabulary.load(spelling).name == name
    assert canonical_name("photos/hico.json") == "photos/hico.json"


def test_phrases_are_plain_english() -> None:
    hico, vcoco = Vocabulary.load("hico-det"), Vocabulary.load("v-coco")
    assert hico.phrase("ride", "bicycle") == "riding a bicycle"
    assert hico.phrase("board", "airplane") == "boarding an airplane"
    assert hico.phrase("wear", "skis") == "wearing skis"
    assert vcoco.phrase("walk") == "walking"
    assert vcoco.phrase("hit_instr", "tennis racket") == "hitting with a tennis racket"
    assert vcoco.phrase("read") == "reading something"
    own = Vocabulary.from_names(["person", "igloo"], ["sit on", "build"])
    assert own.phrase("sit on", "igloo") == "sitting on an igloo"
    for vocabulary in (hico, vcoco):
        for verb, label in vocabulary.interactions:
            text = vocabulary.phrase(int(verb), int(label))
            assert "{" not in text
            assert "_" not in text


def test_a_verb_listed_without_object_is_phrased_without_something() -> None:
    content = {
        "objects": ["person", "dog"],
        "verbs": ["wave", "feed", {"name": "walk", "phrase": "walking {object}", "alone": "walking"}],
        "interactions": [["wave", None], ["wave", "dog"], ["feed", "dog"], ["walk", None]],
    }
    own = Vocabulary.from_dict(content)
    assert [own.phrase(verb) for verb in own.verbs] == ["waving", "feeding something", "walking"]
    assert own.phrase("wave", "dog") == "waving a dog"


def test_own_verbs_alone_are_phrased_without_something_where_no_interactions_are_listed() -> None:
    own = Vocabulary.from_dict(
        {"objects": ["person", "dog"], "verbs": ["walk", {"name": "ride", "phrase": "riding {object}"}]}
    )
    assert [own.phrase(verb) for verb in own.verbs] == ["walking", "riding something"]
    assert own.phrase("walk", "dog") == "walking a dog"


@pytest.mark.parametrize(
    ("verb", "expected"),
    [("ride", "riding"), ("hit", "hitting"), ("tie", "tying"), ("open", "opening"), ("eat", "eating"),
     ("throw", "throwing"), ("see", "seeing"), ("fix", "fixing")],
)  # fmt: skip
def test_gerund(verb: str, expected: str) -> None:
    assert gerund(verb) == expected


def test_interaction_lookup_agrees_with_the_list() -> None:
    for name in ("hico-det", "v-coco", "pastanet-hoi"):
        vocabulary = Vocabulary.load(name)
        for i, (verb, label) in enumerate(vocabulary.interactions):
            assert vocabulary.interaction_index(int(verb), int(label)) == i
        assert (vocabulary.interaction_lookup >= 0).sum() == len(vocabulary.interactions)


def test_own_vocabulary_round_trip(tmp_path: Path) -> None:
    own = Vocabulary.from_dict(
        {
            "name": "zoo",
            "objects": ["person", "horse"],
            "verbs": ["feed", {"name": "ride", "phrase": "riding {object}", "aliases": ["mount"]}, "wave"],
            "interactions": [["ride", "horse"], ["feed", "horse"], ["wave", None]],
            "groups": {"rare": [1]},
        }
    )
    own.save(tmp_path / "zoo.json")
    assert Vocabulary.load(tmp_path / "zoo.json") == own
    assert own.verb_index("Mount") == 1
    assert own.interaction_index("wave", None) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a JSON object"),
        ({"objects": ["person"]}, "'verbs' must be a list"),
        ({"objects": ["person", "Person"], "verbs": []}, "there twice"),
        ({"objects": ["person"], "verbs": ["ride"], "interactions": [["rid", "person"]]}, "unknown verb 'rid'"),
        ({"objects": ["person"], "verbs": ["ride"], "interactions": [["ride"]]}, r"'interactions'\[0\] must be"),
        ({"objects": ["person"], "verbs": [{"name": "ride", "phrse": "x"}]}, "unknown field 'phrse'"),
        ({"objects": ["person"], "verbs": ["ride"], "groups": {"rare": [0]}}, "'rare' must list indices"),
    ],
)
def test_bad_vocabularies_are_named(content: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Vocabulary.from_dict(content)


def test_unknown_names_give_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown object 'bycicle'.*bicycle"):
        Vocabulary.load("coco").object_index("bycicle")
    with pytest.raises(MissingFileError, match="hico-det"):
        Vocabulary.load("hico-dett")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        Vocabulary.load(tmp_path / "x.json")


def test_names_are_found_without_an_exception() -> None:
    hico = Vocabulary.load("hico-det")
    assert hico.find_object("Sports_Ball") == hico.object_index("sports ball")
    assert Vocabulary.load("v-coco").find_verb("hit_instr") == Vocabulary.load("v-coco").verb_index("hit with")
    assert hico.find_object("unicorn") == -1
    assert hico.find_verb("teleport", 3) == 3
    assert hico.find_verb(None, -2) == -2  # type: ignore[arg-type]


def test_coco_ids() -> None:
    assert coco_80_index([1, 13, 90, 12, 0, 91, 500]).tolist() == [0, 11, 79, -1, -1, -1, -1]


def test_people_by_another_name(tmp_path: Path) -> None:
    content = {"name": "w", "objects": ["cup", "Worker"], "verbs": ["hold"], "human": "worker"}
    vocabulary = Vocabulary.from_dict(content)
    assert vocabulary.person == vocabulary.require_person("x") == 1
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary
    assert vocabulary != Vocabulary.from_dict({key: value for key, value in content.items() if key != "human"})
    with pytest.raises(InputError, match="'human' is 'rider', expected one of 'objects': cup, Worker"):
        Vocabulary.from_dict({**content, "human": "rider"})
    with pytest.raises(InputError, match="'human' must be text"):
        Vocabulary.from_dict({**content, "human": 1})


def test_detectors_people_are_the_vocabularys() -> None:
    vocabulary = Vocabulary.from_dict({"objects": ["cup", "worker"], "verbs": ["hold"], "human": "worker"})
    found = Detections([[0, 0, 9, 9]] * 3, [0, 41, 1], [0.9, 0.8, 0.7])  # of COCO: person, cup, bicycle
    assert found.named(vocabulary.objects, vocabulary.human).labels.tolist() == [1, 0]
    assert object_table(Vocabulary.load("coco"), vocabulary)[[0, 41, 1]].tolist() == [1, 0, -1]
    assert object_table(vocabulary, Vocabulary.load("coco")).tolist() == [41, 0]
