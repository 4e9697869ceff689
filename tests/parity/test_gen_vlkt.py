"""GEN-VLKT against outputs of the published code."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from tests.parity.published_top_k import select_verbs
from torch import Tensor

from interplay import Vocabulary
from interplay.datasets.zero_shot import seen_interactions, unseen_interactions
from interplay.importers import load_published
from interplay.models.gen_vlkt import GenVlkt, GenVlktOutputs, PairTargets
from interplay.models.gen_vlkt.config import GenVlktDecodingOptions
from interplay.models.gen_vlkt.convert import our_name
from interplay.models.gen_vlkt.decode import detections, suppress
from interplay.models.gen_vlkt.detr import initialise_from_detr
from interplay.models.gen_vlkt.matching import match

FIELDS = {
    "pred_hoi_logits": "interaction_logits",
    "pred_obj_logits": "object_logits",
    "pred_sub_boxes": "human_boxes",
    "pred_obj_boxes": "object_boxes",
    "inter_memory": "features",
}
TERMS = {
    "loss_hoi_labels": "interaction",
    "loss_obj_ce": "object",
    "loss_sub_bbox": "human_box",
    "loss_obj_bbox": "object_box",
    "loss_sub_giou": "human_giou",
    "loss_obj_giou": "object_giou",
    "loss_feat_mimic": "mimic",
}
SPLITS = ("rare_first", "non_rare_first", "unseen_object", "unseen_verb")


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "gen_vlkt"


@pytest.fixture(scope="module")
def fill(goldens: Path) -> Callable[[str, tuple[int, ...]], np.ndarray]:
    spec = importlib.util.spec_from_file_location("fill", goldens / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fill


@pytest.fixture(scope="module")
def filled(fill: Callable) -> Callable[[dict, dict], dict[str, Tensor]]:
    """The reference parameters, which are a function of names, shapes and a few stated scales."""

    def make(params: dict[str, list[int]], config: dict[str, Any]) -> dict[str, Tensor]:
        state = {}
        for name, shape in params.items():
            change = config["overrides"].get(name, {"scale": 1, "offset": 0})
            value = np.float32(change["scale"]) * fill(name, tuple(shape)) + np.float32(change["offset"])
            value = config["explicit"].get(name, value)
            state[name] = torch.from_numpy(np.asarray(value, np.float32))
        return state

    return make


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def published(folder: Path, filled: Callable) -> Callable[[str], GenVlkt]:
    @lru_cache(maxsize=1)  # 170 MB each
    def state(case: str) -> dict[str, Tensor]:
        base = folder / "forward" / case
        return filled(read(base / "params.json"), read(base / "config.json"))

    return lambda case: load_published("gen-vlkt", state(case))


def predict(model: GenVlkt, path: Path, **options: Any) -> GenVlktOutputs:
    batch = np.load(path)
    with torch.inference_mode():
        return model(torch.from_numpy(batch["tensor"]), torch.from_numpy(batch["sizes"]), **options)


@pytest.mark.parametrize("case", ["hico_s", "hico_m", "hico_l", "vcoco_s"])
def test_every_output_of_every_layer(folder: Path, published: Callable, case: str) -> None:
    model, config = published(case), read(folder / "forward" / case / "config.json")
    assert sum(p.numel() for p in model.parameters()) == config["parameters_total"]
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trainable == config["parameters_requires_grad_as_built"]
    outputs = predict(model, folder / "forward" / config["input"])
    expected = np.load(folder / "forward" / case / "outputs.npz")
    noise = config["float32_vs_float64_max_abs_diff"]
    assert len(outputs.auxiliary) == config["hyperparameters"]["dec_layers"] - 1
    for key in expected.files:
        layer, _, name = key.rpartition(".")
        part = outputs.auxiliary[int(layer.removeprefix("aux"))] if layer else outputs
        np.testing.assert_allclose(getattr(part, FIELDS[name]).numpy(), expected[key], rtol=0, atol=10 * noise[key])
    alone = predict(model, folder / "forward" / config["input"], auxiliary=False)
    assert not alone.auxiliary
    torch.testing.assert_close(alone.interaction_logits, outputs.interaction_logits)


def test_intermediate_features(folder: Path, published: Callable) -> None:
    model = published("hico_s")
    expected = np.load(folder / "forward/hico_s/intermediate.npz")
    batch = np.load(folder / "forward/input_a.npz")
    images, sizes = torch.from_numpy(batch["tensor"]), torch.from_numpy(batch["sizes"])
    with torch.inference_mode():
        features = model.network.backbone(images)
        memory, position, mask = model.network.encode(images, sizes)
    np.testing.assert_allclose(features.numpy(), expected["backbone_feature"], rtol=1e-3, atol=1e-3)
    inside = ~expected["feature_mask"].reshape(len(images), -1)
    np.testing.assert_array_equal(mask[:, 0, 0].numpy(), inside)
    reference = expected["pos_embed"].reshape(len(images), 256, -1).swapaxes(1, 2)
    np.testing.assert_allclose(position.numpy()[inside], reference[inside], rtol=0, atol=1e-5)
    reference = expected["encoder_memory"].swapaxes(0, 1)
    np.testing.assert_allclose(memory.numpy()[inside], reference[inside], rtol=0, atol=5e-4)


def loss_case(folder: Path, case: str) -> tuple[Any, Any, list[PairTargets]]:
    arrays, numbers = np.load(folder / f"loss/{case}.npz"), read(folder / f"loss/{case}.json")
    fields = ("sub_boxes", "obj_boxes", "obj_labels", "hoi_labels", "verb_labels")
    targets = [
        PairTargets(
            *(torch.from_numpy(arrays[f"target{i}.{name}"]) for name in fields),
            teacher_feature=torch.from_numpy(arrays["clip_image_features"][i]),
        )
        for i in range(3)
    ]
    return arrays, numbers, targets


@pytest.mark.parametrize("dataset", ["hico_s", "vcoco_s"])
@pytest.mark.parametrize("case", ["mixed", "all_empty"])
def test_matches_losses_and_gradients(folder: Path, published: Callable, dataset: str, case: str) -> None:
    model = published(dataset)
    arrays, numbers, targets = loss_case(folder, f"{dataset}_{case}")
    batch = np.load(folder / "loss/input.npz")
    outputs = model(torch.from_numpy(batch["tensor"]), torch.from_numpy(batch["sizes"]))

    matches = match(outputs.layers, targets, [t.interactions for t in targets], model.config.loss)
    starts = np.cumsum([0, *map(len, targets)])
    for layer, found in zip(("aux0", "aux1", "final"), matches, strict=True):
        for i in range(3):
            chosen = found.image.numpy() == i
            np.testing.assert_array_equal(found.query.numpy()[chosen], arrays[f"match.{layer}.image{i}.queries"])
            rows = found.target.numpy()[chosen] - starts[i]
            np.testing.assert_array_equal(rows, arrays[f"match.{layer}.image{i}.targets"])

    terms = model.loss_terms(outputs, targets)
    compared = 0
    for key, value in numbers["losses"].items():
        name = key.rstrip("0123456789").rstrip("_")
        if name in TERMS:
            assert terms[TERMS[name] + key[len(name) :]].item() == pytest.approx(value, rel=1e-4, abs=1e-9)
            compared += 1
    assert compared == len(terms)
    total = torch.stack(list(model.loss(outputs, targets).values())).sum()
    assert total.item() == pytest.approx(numbers["weighted_total"], rel=1e-5)

    total.backward()
    ours = dict(model.named_parameters())
    rounding = 1e-9 * numbers["grad_total_norm"]  # gradients that are zero but for rounding
    for name, norm in numbers["grad_norm"].items():
        assert ours[our_name(name)].grad.norm().item() == pytest.approx(norm, rel=1e-2, abs=rounding), name
    for name in arrays.files:
        if name.startswith("grad.") and not name.endswith("rows0_8"):
            gradient = ours[our_name(name.removeprefix("grad."))].grad.numpy()
            error = np.linalg.norm(gradient - arrays[name])
            assert error < 1e-2 * np.linalg.norm(arrays[name]), name


def stored_outputs(folder: Path, case: str) -> GenVlktOutputs:
    own = folder / f"postprocess/{case}_input.npz"
    arrays = np.load(own if own.exists() else folder / f"forward/{case}/outputs.npz")
    values = {FIELDS[name]: torch.from_numpy(arrays[name]) for name in FIELDS if name in arrays.files}
    return GenVlktOutputs(**({"features": torch.zeros(2, 64, 1)} | values))


@pytest.mark.parametrize("case", ["hico_s", "hico_synthetic", "hico_synthetic_ties"])
def test_best_interactions_and_suppression(folder: Path, hico: Vocabulary, case: str) -> None:
    expected = np.load(folder / f"postprocess/{case}_final.npz")
    raw = np.load(folder / f"postprocess/{case}_postprocessor.npz")
    options = GenVlktDecodingOptions(ties="first")
    sizes = torch.from_numpy(raw["orig_sizes_hw"])
    outputs = stored_outputs(folder, case)
    found = detections(outputs, sizes, hico, False, options)
    for i in range(2):
        boxes = np.concatenate([found.human_boxes[i], found.object_boxes[i]])
        np.testing.assert_allclose(boxes, raw[f"image{i}.boxes"], atol=1e-4)
        np.testing.assert_array_equal(found.object_labels[i], raw[f"image{i}.labels"][64:])
    for rows, step in ((found, "top100"), (suppress(found, options), "nms")):
        for i in range(2):
            chosen = rows.image == i
            interaction = hico.interaction_lookup[rows.verb[chosen], rows.object[chosen]]
            np.testing.assert_array_equal(rows.query[chosen], expected[f"image{i}.{step}.subject_id"])
            np.testing.assert_array_equal(rows.query[chosen] + 64, expected[f"image{i}.{step}.object_id"])
            np.testing.assert_array_equal(interaction, expected[f"image{i}.{step}.hoi"])
            np.testing.assert_allclose(rows.score[chosen], expected[f"image{i}.{step}.score"], atol=1e-5)


def test_finished_interactions_are_the_published_list(folder: Path, published: Callable) -> None:
    expected = np.load(folder / "postprocess/hico_s_final.npz")
    sizes = np.load(folder / "postprocess/hico_s_postprocessor.npz")["orig_sizes_hw"]
    images = published("hico_s").decode(stored_outputs(folder, "hico_s"), torch.from_numpy(sizes))
    for i, image in enumerate(images):
        np.testing.assert_array_equal(image.verb, expected[f"image{i}.nms.verb"])
        np.testing.assert_array_equal(image.object_labels, expected[f"image{i}.nms.object"])
        np.testing.assert_allclose(image.human_boxes, expected[f"image{i}.nms.human_box"], atol=1e-4)
        np.testing.assert_allclose(image.object_boxes, expected[f"image{i}.nms.object_box"], atol=1e-4)
        np.testing.assert_allclose(image.score, expected[f"image{i}.nms.score"], atol=1e-5)


@pytest.mark.parametrize("case", ["vcoco_s", "vcoco_synthetic"])
def test_all_verbs_of_every_pair(folder: Path, case: str) -> None:
    vocabulary = Vocabulary.load("v-coco")
    expected = np.load(folder / f"postprocess/{case}_final.npz")
    raw = np.load(folder / f"postprocess/{case}_postprocessor.npz")
    options = GenVlktDecodingOptions(rule="verb")
    sizes = torch.from_numpy(raw["orig_sizes_hw"])
    found = detections(stored_outputs(folder, case), sizes, vocabulary, False, options)
    for rows, step in ((found, "official_all"), (suppress(found, options), "official_nms")):
        for i in range(2):
            chosen = rows.image == i
            np.testing.assert_array_equal(rows.query[chosen][::29], expected[f"image{i}.{step}.subject_id"])
            scores = rows.score[chosen].reshape(-1, 29)
            np.testing.assert_allclose(scores, expected[f"image{i}.{step}.verb_scores"], atol=1e-5)
    for i in range(2):  # the list that the published training evaluates
        scores = found.score[found.image == i].reshape(-1, 29)
        valid = np.concatenate([expected["correct_mat"], np.ones((29, 1))], 1)
        query, verb, score = select_verbs(scores, found.object_labels[i], valid)
        np.testing.assert_array_equal(query, expected[f"image{i}.internal.subject_id"])
        np.testing.assert_array_equal(verb, expected[f"image{i}.internal.verb"])
        np.testing.assert_allclose(score, expected[f"image{i}.internal.score"], atol=1e-5)


@pytest.mark.parametrize("split", SPLITS)
def test_zero_shot_classifiers(folder: Path, fill: Callable, filled: Callable, split: str) -> None:
    config = read(folder / "zero_shot/config.json")
    base = config["rare_first"]
    params = base["params"] | config[split].get("params_different_from_rare_first", {})
    expected = np.load(folder / f"zero_shot/{split}.npz")

    def embed(kind: str) -> Tensor:
        prompts = [row["prompt"] for row in read(folder / f"facts/hico_{kind}.json")]
        rows = torch.from_numpy(np.stack([fill(f"clip_text/{p}", (1, 512))[0] for p in prompts]))
        return torch.nn.functional.normalize(rows, dim=-1)

    state, interactions = filled(params, base), embed("hoi")
    seen = torch.from_numpy(expected["seen_indices"])
    if len(state["visual_projection.weight"]) != len(seen):
        params |= {"visual_projection.weight": [len(seen), 512], "visual_projection.bias": [len(seen)]}
        state = filled(params, base)
    state |= {
        "visual_projection.weight": interactions[seen],
        "eval_visual_projection.weight": interactions,
        "obj_visual_projection.weight": embed("object_prompts"),
    }
    model = load_published("gen-vlkt", state)
    name = split.replace("_", "-")
    assert model.config.text.zero_shot == name
    np.testing.assert_array_equal(model.seen, seen)
    np.testing.assert_array_equal(seen_interactions(model.vocabulary, name), seen)
    unseen = np.sort(expected["unseen_indices"])
    np.testing.assert_array_equal(unseen_interactions(model.vocabulary, name), unseen)
    outputs = predict(model, folder / "zero_shot/input.npz")
    np.testing.assert_allclose(outputs.interaction_logits, expected["eval_pred_hoi_logits"], atol=1e-3)
    if "train_pred_hoi_logits" in expected.files:
        outputs = predict(model, folder / "zero_shot/input.npz", seen=True)
        np.testing.assert_allclose(outputs.interaction_logits, expected["train_pred_hoi_logits"], atol=1e-3)


@pytest.mark.parametrize("case", ["none", "interaction_text_only", "object_text_only"])
def test_classifiers_without_text(folder: Path, filled: Callable, case: str) -> None:
    change = read(folder / "ablation/config.json")[case]
    base = folder / "forward/hico_s"
    params = {k: v for k, v in read(base / "params.json").items() if k not in change["param_keys_removed"]}
    model = load_published("gen-vlkt", filled(params | change["param_keys_added"], read(base / "config.json")))
    outputs, expected = predict(model, folder / "zero_shot/input.npz"), np.load(folder / f"ablation/{case}.npz")
    for name in change["outputs"]:
        np.testing.assert_allclose(getattr(outputs, FIELDS[name]).numpy(), expected[name], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("hico_s", {}),
        ("hico_s_zero_shot_rare_first", {"freeze": True}),
    ],
)
def test_parameter_groups(folder: Path, published: Callable, case: str, change: dict[str, Any]) -> None:
    expected = read(folder / "optim/param_groups.json")[case]["groups"]
    model = published("hico_s")
    config = model.config.model_copy(update={"text": replace_options(model.config.text, change)})
    groups = GenVlkt(model.vocabulary, config).parameter_groups()
    for name, reference in zip(("default", "backbone", "text"), expected, strict=True):
        assert len(groups[name]) == reference["n_tensors"], name
        assert sum(p.numel() for p in groups[name]) == reference["n_values"], name


def replace_options(options: Any, change: dict[str, Any]) -> Any:
    return type(options)(**(options.model_dump() | change))


def test_text_on_interactions_alone_has_its_own_group(folder: Path, hico: Vocabulary, published: Callable) -> None:
    expected = read(folder / "optim/param_groups.json")["hico_s_text_interaction_only"]["groups"]
    config = published("hico_s").config
    network = replace_options(config.network, {"object_text": False})
    groups = GenVlkt(hico, config.model_copy(update={"network": network})).parameter_groups()
    default, backbone, text = (group["n_tensors"] for group in expected)
    unused = 1  # the published network keeps the scale of the text classifier that it does not have
    assert [len(groups[n]) for n in ("default", "backbone", "text")] == [default - unused, backbone, text]


def conversion(folder: Path, case: str) -> tuple[dict[str, Any], list[str]]:
    """Published name -> where DETR's conversion takes it from; and the names that it leaves missing."""
    mapping = read(folder / "detr_init/mapping.json")
    changes = mapping[case].get("converted_file_entries_different_from_hico_s", {})
    missing = mapping[case]["model_keys_not_initialised_from_detr"]
    return mapping["hico_s"]["converted_file"] | changes, missing


def random_detr(model: GenVlkt, sources: dict[str, Any]) -> dict[str, Tensor]:
    """A DETR checkpoint of random numbers, with the shapes that the conversion turns into the model's."""
    generator = torch.Generator().manual_seed(0)
    own = model.state_dict()
    fixed = {"class_embed.weight": (92, 256), "class_embed.bias": (92,), "query_embed.weight": (100, 256)}
    shapes = {origin["source"]: own.get(our_name(name), torch.zeros(())).shape for name, origin in sources.items()}
    return {name: torch.rand(shape, generator=generator) for name, shape in (shapes | fixed).items()}


@pytest.mark.parametrize("case", ["hico_s", "vcoco_s", "hico_l"])
def test_start_from_detr(folder: Path, published: Callable, case: str) -> None:
    model = published(case)
    sources, expected_missing = conversion(folder, case)
    if case == "hico_l":  # the listed mapping is that of a ResNet-50
        sources = sources | {
            name: {"source": name.replace("network.backbone.", "backbone.0.body.")}
            for name in model.state_dict()
            if name.startswith("network.backbone.layer3.")
        }
    detr = random_detr(model, sources)
    missing = initialise_from_detr(model, detr)
    assert sorted(missing) == sorted(map(our_name, expected_missing))
    ours = model.state_dict()
    copied = [name for name in sources if our_name(name) in ours]
    assert len(copied) > 300
    for name in copied:
        torch.testing.assert_close(ours[our_name(name)], detr[sources[name]["source"]], rtol=0, atol=0)


@pytest.mark.parametrize("case", ["hico_s", "vcoco_s"])
def test_class_rows_from_detr(folder: Path, published: Callable, case: str) -> None:
    sources, _ = conversion(folder, case)
    reference = published(case)
    network = replace_options(reference.config.network, {"object_text": False})
    model = GenVlkt(reference.vocabulary, reference.config.model_copy(update={"network": network}))
    before = model.network.heads.object.weight.detach().clone()
    detr = random_detr(model, {name: origin for name, origin in sources.items() if "class_embed" not in name})
    initialise_from_detr(model, detr)
    rows = sources["obj_class_embed.weight"]["rows"]
    assert len(rows) == len(before)
    for row, source in enumerate(rows):
        expected = before[row] if source is None else detr["class_embed.weight"][source]
        torch.testing.assert_close(model.network.heads.object.weight[row].detach(), expected)


def test_queries_from_detr(folder: Path, published: Callable) -> None:
    model = published("hico_s")
    detr = random_detr(model, conversion(folder, "hico_s")[0])
    initialise_from_detr(model, detr, queries="detr")
    queries = model.network.queries.instances()[0]
    torch.testing.assert_close(queries[:64].detach(), detr["query_embed.weight"][:64])
    torch.testing.assert_close(queries[64:].detach(), detr["query_embed.weight"][:64])
