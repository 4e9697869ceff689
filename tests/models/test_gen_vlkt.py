"""GEN-VLKT without reference data: it learns, its switches do what they say, and its results survive a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, multiprocessing

from interplay import Interactions, Vocabulary
from interplay.datasets import Sample
from interplay.datasets.transforms import clip, to_tensor
from interplay.datasets.zero_shot import seen_interactions
from interplay.errors import InputError
from interplay.layers.inference import prepare_for_inference
from interplay.layers.normalisers import LossNormaliser
from interplay.metrics import evaluate_hoi
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig, GenVlktOutputs, PairTargets
from interplay.models.gen_vlkt.config import GenVlktLossOptions
from interplay.models.gen_vlkt.losses import loss_terms
from interplay.models.gen_vlkt.model import pad
from interplay.models.gen_vlkt.recipe import GenVlktRecipe
from interplay.models.gen_vlkt.targets import pair_targets
from interplay.models.gen_vlkt.task import GenVlktTask
from interplay.models.weights import read_model
from interplay.table import InteractionTable
from interplay.training.loading import BatchPlan, load_parts
from interplay.training.tables import Tables

WORLD = Vocabulary.from_dict(
    {
        "name": "blocks",
        "objects": ["person", "ball", "kite"],
        "verbs": ["kick", "hold", "fly", "rest"],
        "interactions": [["kick", "ball"], ["hold", "ball"], ["hold", "kite"], ["fly", "kite"], ["rest", None]],
        "groups": {"unseen": [3]},
    }
)
COLOURS = {"person": (230, 180, 140), "ball": (220, 30, 30), "kite": (30, 60, 220)}


def picture(index: int, width: int = 128, height: int = 96) -> Sample:
    """A person who holds a object beside the chest, or kicks or flies it below or above; some rest instead."""
    draw = np.random.default_rng(index)
    image = np.full((height, width, 3), draw.integers(60, 200), np.uint8)
    left, top = int(draw.integers(8, 50)), int(draw.integers(8, 24))
    person = (left, top, left + 24, top + 60)
    name, verb = [("ball", "kick"), ("ball", "hold"), ("kite", "hold"), ("kite", "fly")][index % 4]
    y = {"kick": person[3] - 14, "hold": person[1] + 20, "fly": person[1] - 4}[verb]
    object = (left + 34, y, left + 60, y + 22)
    boxes, labels = [person, object], [0, WORLD.object_index(name)]
    for box, label in zip(boxes, labels, strict=True):
        image[max(box[1], 0) : box[3], box[0] : box[2]] = COLOURS[WORLD.objects[label]]
    rests = index % 3 == 0
    return Sample(
        image,
        Interactions(
            boxes=np.array(boxes, np.float32),
            labels=np.array(labels),
            human=np.array([0, 0] if rests else [0]),
            object=np.array([1, -1] if rests else [1]),
            verb=np.array([WORLD.verb_index(verb), WORLD.verb_index("rest")][: 1 + rests]),
            vocabulary=WORLD,
            file=f"{index}.png",
            width=width,
            height=height,
            scored=False,
        ),
        None,  # type: ignore[arg-type]  # was never a file
    )


def tiny(**changes: dict) -> GenVlktConfig:
    """A configuration that trains in seconds; keyword arguments change its sections."""
    sections: dict[str, dict] = {
        "network": {
            "backbone": "resnet-nano", "frozen_stages": 0, "width": 64, "heads": 4, "feed_forward": 128,
            "encoder_layers": 1, "decoder_layers": 2, "dropout": 0.0, "queries": 6, "embedding": 32, "prior": 0.05,
        },
        "loss": {"mimic": "none"},
        "decoding": {"short_side": 96, "long_side": 160},
    }  # fmt: skip
    for name, change in changes.items():
        sections[name] = sections.get(name, {}) | change
    return GenVlktConfig(**sections)


SAMPLES = [clip(picture(i)) for i in range(8)]


def batch(count: int = 2) -> tuple[Tensor, Tensor, list[PairTargets]]:
    images, sizes = pad([to_tensor(s.image) for s in SAMPLES[:count]])
    return images, sizes, [pair_targets(s.interactions) for s in SAMPLES[:count]]


def test_learns_eight_pictures() -> None:
    """Until it has learnt them, usually after 80 to 140 steps: how many depends on the processor's rounding."""
    images, sizes, targets = batch(8)
    model = GenVlkt(WORLD, tiny())
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    annotations = InteractionTable.from_list([s.interactions for s in SAMPLES])
    score, steps = 0.0, 0
    while score < 0.9 and steps < 400:
        model.train()
        for _ in range(20):
            loss = torch.stack(list(model.loss(model(images, sizes), targets).values())).sum()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        steps += 20
        found = [replace(r, file=s.interactions.file) for r, s in zip(_decode(model), SAMPLES, strict=True)]
        score = evaluate_hoi(InteractionTable.from_list(found), annotations).map["full"]
    assert score >= 0.9


def _decode(model: GenVlkt) -> list:
    images, sizes, _ = batch(8)
    model.eval()
    with torch.inference_mode():
        return model.decode(model(images, sizes), sizes)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "verb", "interaction_text": False, "object_text": False},
        {"position_guidance": False},
        {"instance_guidance": False},
        {"position_guidance": False, "instance_guidance": False},
        {"interaction_text": False},
        {"object_text": False},
        {"decoder_layers": 1, "encoder_layers": 0},
    ],
    ids=lambda change: ",".join(f"{k}={v}" for k, v in change.items()),
)
def test_every_parameter_learns_whatever_is_switched_off(change: dict) -> None:
    images, sizes, targets = batch()
    model = GenVlkt(WORLD, tiny(network=change))
    outputs = model(images, sizes)
    queries, classes = 6, len(WORLD.verbs) if model.per_verb else len(WORLD.interactions)
    assert outputs.human_boxes.shape == outputs.object_boxes.shape == (2, queries, 4)
    assert outputs.object_logits.shape == (2, queries, 5)  # three objects, no object, background
    assert outputs.interaction_logits.shape == (2, queries, classes)
    assert outputs.features.shape == (2, queries, 32)
    assert len(outputs.auxiliary) == model.config.network.decoder_layers - 1
    torch.stack(list(model.loss(outputs, targets).values())).sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    assert len(model.decode(outputs, sizes)) == 2


def test_guided_embeddings_tie_what_they_should() -> None:
    tied = GenVlkt(WORLD, tiny()).network.queries
    human, object = tied.instances()[0].split(6)
    torch.testing.assert_close(human - tied.human, object - tied.object)
    assert torch.equal(tied.interactions([human[None]], [object[None]])[0], (human + object)[None] / 2)
    single = GenVlkt(WORLD, tiny(network={"position_guidance": False}))
    assert single.network.queries.instances().shape == (1, 6, 64)
    learnt = GenVlkt(WORLD, tiny(network={"instance_guidance": False})).network.queries
    other = torch.randn(2, 6, 64)
    expected = (learnt.interaction + learnt.guide)[None]
    assert torch.equal(learnt.interactions([other], [other])[0], expected)


@pytest.mark.parametrize("kind", ["l1", "l2", "l1+l2"])
def test_mimic_losses(kind: str) -> None:
    images, sizes, targets = batch()
    teacher = torch.randn(2, 32)
    targets = [replace(t, teacher_feature=f) for t, f in zip(targets, teacher, strict=True)]
    model = GenVlkt(WORLD, tiny(loss={"mimic": kind, "auxiliary": False}))
    outputs = model(images, sizes)
    difference = outputs.features.mean(1) - teacher
    expected = {"l1": difference.abs().mean(), "l2": difference.square().mean()}
    value = model.loss_terms(outputs, targets)["mimic"]
    torch.testing.assert_close(value, torch.stack([expected[k] for k in kind.split("+")]).sum())
    torch.testing.assert_close(model.loss(outputs, targets)["mimic"], 20 * value)


def test_mimic_loss_needs_a_teacher() -> None:
    images, sizes, targets = batch()
    model = GenVlkt(WORLD, tiny(loss={"mimic": "l1"}))
    with pytest.raises(InputError, match=r"teacher_feature.*mimic=none"):
        model.loss(model(images, sizes), targets)
    model.teacher = lambda pictures: pictures.flatten(1)[:, :32]
    targets = [replace(t, teacher_image=torch.rand(3, 8, 8)) for t in targets]
    assert model.loss(model(images, sizes), targets)["mimic"] > 0


def test_zero_shot_trains_on_seen_interactions_and_predicts_all() -> None:
    images, sizes, targets = batch()
    seen = seen_interactions(WORLD, "unseen").tolist()
    model = GenVlkt(WORLD, tiny(text={"zero_shot": "unseen", "freeze": True}), seen=seen)
    assert model.train()(images, sizes).interaction_logits.shape[-1] == 4
    assert model.eval()(images, sizes).interaction_logits.shape[-1] == 5
    hidden = [replace(t, interactions=t.interactions.index_fill(1, torch.tensor([3]), 7.0)) for t in targets]
    outputs = model.train()(images, sizes)
    visible = model.loss(outputs, targets)
    for name, value in model.loss(outputs, hidden).items():  # what is unseen does not enter the loss
        torch.testing.assert_close(value, visible[name])
    assert not model.network.heads.interaction.weight.requires_grad
    assert model.parameter_groups()["text"] == []


def test_more_pairs_than_queries_and_none_at_all() -> None:
    model = GenVlkt(WORLD, tiny(network={"queries": 1}))
    images, sizes, targets = batch()
    assert len(targets[0]) == 2
    empty = pair_targets(SAMPLES[1].interactions[:0])
    for chosen in (targets, [empty, empty]):
        losses = model.loss(model(images, sizes), chosen)
        assert all(torch.isfinite(value) for value in losses.values())


def test_a_diverged_network_shows_in_the_loss() -> None:
    model = GenVlkt(WORLD, tiny())
    images, sizes, targets = batch()
    outputs = model(images, sizes)
    broken = replace(outputs, interaction_logits=outputs.interaction_logits * float("nan"))
    assert torch.isnan(model.loss(broken, targets)["interaction"])


def test_an_image_is_the_same_alone_and_in_a_batch() -> None:
    model = GenVlkt(WORLD, tiny()).eval()
    images = [torch.randn(3, height, width) for height, width in ((96, 128), (128, 90), (70, 70))]
    padded = torch.randn(3, 3, 128, 128)  # nothing that is in the padding may count
    for place, image in zip(padded, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    sizes = torch.tensor([image.shape[1:] for image in images])
    with torch.no_grad():
        together = model(padded, sizes)
        _, _, mask = model.network.encode(padded, sizes)
        for i, image in enumerate(images):
            alone = model(image[None], sizes[i : i + 1])
            for name in ("human_boxes", "object_boxes", "object_logits", "interaction_logits"):
                torch.testing.assert_close(getattr(together, name)[i], getattr(alone, name)[0], atol=1e-4, rtol=1e-4)
    assert mask is not None
    assert mask[2, 0, 0].view(8, 8).tolist() == [[True] * 5 + [False] * 3] * 5 + [[False] * 8] * 3


def test_predicts_from_a_file_as_from_memory(tmp_path: Path) -> None:
    model = GenVlkt(WORLD, tiny(), seen=[0, 1, 2]).eval()
    model.save(tmp_path / "weights.safetensors")
    again = read_model(tmp_path / "weights.safetensors")
    first, second = picture(1).image, np.ascontiguousarray(picture(2).image[:, :100])
    expected = model.predict([first, second], min_score=0)
    assert [(r.width, r.height) for r in expected] == [(128, 96), (100, 96)]
    assert again.predict([first, second], min_score=0) == expected
    prepare_for_inference(again)
    for fast, slow in zip(again.predict([first, second], min_score=0), expected, strict=True):
        np.testing.assert_allclose(fast.score, slow.score, atol=1e-4)


@pytest.mark.parametrize("backbone", ["resnet50", "resnet101"])
def test_folding_changes_nothing(backbone: str) -> None:
    model = GenVlkt(WORLD, tiny(network={"backbone": backbone})).eval()
    for module in model.modules():
        if hasattr(module, "running_var"):
            module.running_var.uniform_(0.5, 2)
            module.running_mean.normal_()
    images, _, _ = batch(1)
    with torch.inference_mode():
        expected = model.network.backbone(images)
        actual = prepare_for_inference(model).network.backbone(images)
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())
    assert not any("bn" in name for name in model.state_dict())


def test_published_sizes() -> None:
    with torch.device("meta"):
        model = GenVlkt(Vocabulary.load("hico-det"))
    assert sum(p.numel() for p in model.parameters()) == 42_272_371
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 42_049_971


def test_a_picture_of_one_row_does_not_stop_the_others() -> None:
    model = GenVlkt(WORLD, tiny())
    pictures = [np.full((1, 3000, 3), 200, np.uint8), np.full((60, 80, 3), 100, np.uint8)]
    assert [(found.height, found.width) for found in model.predict(pictures, min_score=0)] == [(1, 3000), (60, 80)]


def test_what_cannot_be() -> None:
    with pytest.raises(InputError, match=r"lists none.*interactions"):
        GenVlkt(Vocabulary.from_names(["person"], ["ride"]), tiny())
    with pytest.raises(InputError, match=r"expected images \(B, 3, H, W\)"):
        GenVlkt(WORLD, tiny())(torch.zeros(1, 3, 32, 32), torch.zeros(2, 2))
    for size in ([33, 32], [32, 0]):
        with pytest.raises(InputError, match=rf"sizes of 1 x 1 to 32 x 32.*got \[\[{size[0]}, {size[1]}\]\]"):
            GenVlkt(WORLD, tiny())(torch.zeros(1, 3, 32, 32), torch.tensor([size]))
    with pytest.raises(ValueError, match="multiple of heads"):
        tiny(network={"width": 60, "heads": 8})
    with pytest.raises(ValueError, match=r"minilm embeds no images"):
        tiny(text={"encoder": "minilm"})
    with pytest.raises(InputError, match=r"no zero-shot split 'unsen'.*unseen"):
        seen_interactions(WORLD, "unsen")


def test_a_training_task_skips_broken_photographs_and_repeats_itself(tmp_path: Path) -> None:
    for sample in SAMPLES[:5]:
        Image.fromarray(sample.image).save(tmp_path / str(sample.interactions.file))
    (tmp_path / "5.png").write_bytes(b"not a picture")
    table = InteractionTable.from_list([picture(i).interactions for i in range(6)])
    recipe = GenVlktRecipe(
        name="tiny",
        system="gen-vlkt",
        batch_size=3,
        start="scratch",
        data={"dataset": "own"},
        augmentation={"short_sides": (96,), "crop": 0},
        model=tiny(network={"interaction_text": False, "object_text": False}),
    )
    task = GenVlktTask(recipe, Tables(table, table[:5], tmp_path, tmp_path))
    plan = BatchPlan(len(task.data), recipe.batch_size)
    assert plan.steps_per_epoch == 2
    parts = [list(load_parts(task.data, plan, first, last, workers=0)) for first, last in ((0, 2), (0, 2), (2, 4))]
    first, again, other = ([part.batch.images for part in epoch] for epoch in parts)
    assert [len(images) for images in first] == [3, 3]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, other, strict=True))
    problems = [problem for part in parts[0] for problem in part.skipped]
    assert len(problems) == 1
    assert "5.png" in problems[0]
    batch = parts[0][0].batch
    losses = task.loss(task.model.train(), batch, LossNormaliser(task.counts(batch)))
    assert torch.stack(list(losses.values())).sum().isfinite()
    metrics = task.validate(task.model)
    assert 0 <= metrics["score"] <= 1
    assert task.finish(task.model)["data"]["training"]["images"] == 6


def one_of_two(rank: int, folder: str) -> None:
    """The loss of two of the four images, of which the other process has the others."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    saved = torch.load(f"{folder}/batch.pt", weights_only=True)
    chosen = slice(2 * rank, 2 * rank + 2)
    outputs = GenVlktOutputs(**{name: value[chosen] for name, value in saved["outputs"].items()})
    targets = [PairTargets(**fields) for fields in saved["targets"][chosen]]
    terms = loss_terms(
        outputs, targets, [t.interactions for t in targets], saved["teacher"][chosen], GenVlktLossOptions()
    )
    torch.save(terms, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_compute_the_loss_of_one(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(1)
    boxes = torch.rand(2, 4, 6, 4, generator=draw) * 0.5 + 0.1
    logits = {"object_logits": 5, "interaction_logits": 5, "features": 32}
    fields = {name: torch.randn(4, 6, n, generator=draw) for name, n in logits.items()}
    fields |= {"human_boxes": boxes[0], "object_boxes": boxes[1]}
    targets = [pair_targets(s.interactions) for s in SAMPLES[:4]]
    teacher = torch.randn(4, 32, generator=draw)
    whole = loss_terms(
        GenVlktOutputs(**fields), targets, [t.interactions for t in targets], teacher, tiny(loss={"mimic": "l1"}).loss
    )
    plain = [{k: v for k, v in vars(t).items() if v is not None} for t in targets]
    torch.save({"outputs": fields, "targets": plain, "teacher": teacher}, tmp_path / "batch.pt")
    # forked, not spawned: importing torch twice more takes longer than the test
    multiprocessing.start_processes(one_of_two, (str(tmp_path),), nprocs=2, start_method="fork")
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert whole.keys() == halves[0].keys()
    for name, value in whole.items():
        torch.testing.assert_close((halves[0][name] + halves[1][name]) / 2, value, rtol=1e-4, atol=1e-5)
