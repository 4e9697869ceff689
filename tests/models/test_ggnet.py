"""GGNet: every variant runs and learns from its targets, and only what a result needs is computed."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from interplay import Interactions, InterplayError, Vocabulary
from interplay.layers.normalisers import LossNormaliser
from interplay.models.ggnet import (
    GGNet,
    GGNetConfig,
    GGNetDecodingOptions,
    GGNetLossOptions,
    GGNetNetworkOptions,
    GGNetOutputs,
    GGNetTargets,
    TargetOptions,
    View,
)
from interplay.models.ggnet.losses import count_targets

VARIANTS: dict[str, dict[str, Any]] = {
    "ppdm": {"gaze_steps": 0, "matching": "shared"},
    "ppdm-3level-glob": {"gaze_steps": 0, "matching": "shared", "levels": 3, "global_reasoning": True},
    "apm": {"gaze_steps": 0},
    "gaze-1": {"gaze_steps": 1},
    "gaze-2": {"gaze_steps": 2},
    "gaze-3": {"gaze_steps": 3, "act_points": 9},
    "points-49": {"gaze_steps": 1, "act_points": 49},
    "shared-features": {"gaze_steps": 2, "share_sampling": True},
    "gaze-without-apm": {"gaze_steps": 2, "matching": "shared"},
    "without-glance": {"gaze_steps": 1, "glance": False, "matching": "shared"},
    "human": {"gaze_steps": 0, "matching": "shared", "context": ("human",)},
    "object": {"gaze_steps": 0, "matching": "shared", "context": ("object",)},
    "human-object": {"gaze_steps": 0, "matching": "shared", "context": ("human", "object")},
}


@pytest.fixture
def zoo() -> Vocabulary:
    return Vocabulary.from_dict(
        {
            "name": "zoo",
            "objects": ["person", "horse", "ball"],
            "verbs": ["feed", "ride", "kick", "sleep"],
            "interactions": [
                ["feed", "horse"],
                ["ride", "horse"],
                ["kick", "ball"],
                ["kick", "horse"],
                ["sleep", None],
            ],
        }
    )


@pytest.fixture
def scene(zoo: Vocabulary) -> Interactions:
    """A rider who also feeds the horse, and a player."""
    return Interactions(
        boxes=[[20.5, 10, 61, 90], [10, 50.5, 101, 140], [150, 20.5, 181, 120], [190.5, 100, 211, 119]],
        labels=[0, 1, 0, 2],
        human=[0, 0, 2, 2],
        object=[1, 1, 3, -1],
        verb=[1, 0, 2, 3],
        vocabulary=zoo,
        width=240,
        height=160,
        scored=False,
    )


def build(zoo: Vocabulary, decoding: dict[str, Any] | None = None, **network: Any) -> GGNet:
    torch.manual_seed(0)
    options = GGNetNetworkOptions(**{"backbone": "hourglass-nano", "head_width": 16, **network})
    return GGNet(zoo, GGNetConfig(network=options, decoding=GGNetDecodingOptions(input_size=128, **(decoding or {}))))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_of_every_variant_learns(zoo: Vocabulary, scene: Interactions, name: str) -> None:
    backbone = "dla-nano" if "levels" in VARIANTS[name] else "hourglass-nano"
    model = build(zoo, **{"backbone": backbone, **VARIANTS[name]})
    targets = model.encode([scene, scene], [View.whole(240, 160)] * 2, 128, 128)
    outputs = model(torch.randn(2, 3, 128, 128))
    terms = model.loss(outputs, targets)
    assert set(outputs.heads) == set(model.config.network.head_names)
    assert all(outputs.heads[h].shape[2:] == (32, 32) for h in outputs.heads)
    sum(terms.values()).backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_loss_falls(zoo: Vocabulary, scene: Interactions) -> None:
    model = build(zoo)
    images = torch.randn(1, 3, 128, 128)
    targets = model.encode([scene], [View.whole(240, 160)], 128, 128)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = sum(model.loss(model(images), targets).values())
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert min(losses) < 0.5 * losses[0]  # a single step may still jump


def test_inference_computes_only_what_it_reads(zoo: Vocabulary) -> None:
    model = build(zoo, gaze_steps=2).eval()
    calls: list[torch.nn.Module] = []
    idle = [
        model.heads[0].glance_heatmap,
        model.heads[0].gaze_heatmaps[0],
        model.heads[0].wh,
        model.heads[0].sub_offset,
    ]
    for module in idle:
        module.register_forward_hook(lambda module, *_: calls.append(module))
    with torch.inference_mode():
        outputs = model(torch.randn(1, 3, 128, 128))
        model.decode(outputs, torch.tensor([[160, 240]]))
    assert calls == []
    assert outputs.heads["hm_rel"].shape == (1, 3, 32, 32)  # still there for whoever asks
    assert len(calls) == 1
    assert len(outputs.heads.gaze) == 2


def test_single_pixels_agree_with_the_whole_map(zoo: Vocabulary) -> None:
    model = build(zoo).eval()
    with torch.inference_mode():
        outputs = model(torch.randn(2, 3, 128, 96))
        x, y = torch.tensor([0, 5, 23]), torch.tensor([31, 7, 0])
        for name in ("wh", "reg", "sub_offset", "obj_offset"):
            few = outputs.at(name, 1, x, y)
            whole = outputs.heads[name]
            torch.testing.assert_close(few, whole[1, :, y, x].T, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(outputs.at(name, 1, x, y), whole[1, :, y, x].T)


def test_preparing_for_inference_does_not_change_the_result(zoo: Vocabulary) -> None:
    model = build(zoo)
    images = torch.randn(2, 3, 128, 128)
    for _ in range(3):
        model(images)
    model.eval()
    with torch.inference_mode():
        expected = model(images).heads
        expected = {name: expected[name] for name in expected}
    model = model.prepare_inference()
    with torch.inference_mode():
        actual = model(images).heads
        for name, tensor in expected.items():
            torch.testing.assert_close(actual[name], tensor, rtol=1e-3, atol=1e-4)


def test_half_precision_and_maps_asked_for_later(zoo: Vocabulary, scene: Interactions) -> None:
    model = build(zoo).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = model(images).heads["hm_rel"]
        with torch.autocast("cpu", torch.bfloat16):
            outputs = model(images)
        found = model.decode(outputs, torch.tensor([[64, 64]]))
    assert len(found) == 1
    assert outputs.heads["hm_rel"].dtype == torch.bfloat16
    torch.testing.assert_close(outputs.heads["hm_rel"].float(), expected, rtol=0.05, atol=0.05)

    model.train()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model(torch.randn(2, 3, 64, 64))
    loss = sum(model.loss(outputs, model.encode([scene] * 2, [View.whole(240, 160)] * 2, 64, 64)).values())
    loss.backward()
    assert loss.dtype == torch.float32
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_act_points_start_on_the_regular_grid(zoo: Vocabulary) -> None:
    model = build(zoo, act_points=9).eval()
    with torch.inference_mode():
        first = model(torch.randn(1, 3, 64, 64)).heads.gaze[0]
    positions = first.positions()[0, :, :, 6, 4]  # row 6, column 4
    assert positions.tolist() == [[x, y] for y in (5, 6, 7) for x in (3, 4, 5)]
    assert first.weight.unique().tolist() == [0.5]


def test_mirrored_average_of_the_mirrored_image_is_mirrored(zoo: Vocabulary) -> None:
    model = build(zoo, decoding={"flip": True}).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        ours, other = model(images).heads, model(images.flip(3)).heads
    for name in ("hm", "hm_rel_refine", "wh"):
        torch.testing.assert_close(other[name].flip(3), ours[name], rtol=1e-4, atol=1e-4)
    sign = torch.tensor([-1.0, 1.0]).repeat(3)[:, None, None]
    torch.testing.assert_close(other["sub_offset"].flip(3) * sign, ours["sub_offset"], rtol=1e-4, atol=1e-4)


def test_offset_losses_count_once_per_stack_or_once(zoo: Vocabulary, scene: Interactions) -> None:
    torch.manual_seed(0)
    targets = build(zoo).encode([scene], [View.whole(240, 160)], 64, 64)
    maps = {name: torch.randn(1, 6, 16, 16) for name in ("sub_offset", "obj_offset")}
    maps |= {name: torch.randn(1, 2, 16, 16) for name in ("wh", "reg")}
    maps |= {name: torch.randn(1, 3, 16, 16) for name in ("hm", "hm_rel", "hm_rel_refine1", "hm_rel_refine")}
    terms = {}
    for rule in ("sum", "mean"):
        model = GGNet(
            zoo,
            GGNetConfig(
                network=GGNetNetworkOptions(backbone="dla-nano"), loss=GGNetLossOptions(matching_over_stacks=rule)
            ),
        )
        terms[rule] = model.loss(GGNetOutputs([maps, maps]), targets)
    for name in terms["sum"]:
        times = 2 if name in ("sub_offset_loss", "obj_offset_loss") else 1
        torch.testing.assert_close(terms["sum"][name], times * terms["mean"][name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 3}, "levels=3 needs a DLA backbone"),
        ({"glance": False}, "glance=false goes with gaze_steps=1"),
        ({"context": ("human",)}, "context goes with gaze_steps=0"),
        ({"context": ("human",), "gaze_steps": 0}, "matching=shared"),
        ({"act_points": 16}, "act_points"),
        ({"depth": 3}, "depth"),
    ],
)
def test_impossible_networks_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GGNetNetworkOptions(**options)


def test_bad_input_is_named(zoo: Vocabulary) -> None:
    model = build(zoo)
    with pytest.raises(InterplayError, match=r"multiples of 32, got \(1, 3, 100, 128\)"):
        model(torch.zeros(1, 3, 100, 128))
    with pytest.raises(InterplayError, match="no object 'person'"):
        GGNet(Vocabulary.from_names(["cat"], ["see"]))
    with pytest.raises(InterplayError, match=r"pairs must have shape \(3, 3\)"):
        GGNet(zoo, model.config, pairs=np.ones((4, 3), bool))
    targets = build(zoo, gaze_steps=0).encode([], [], 64, 64)
    with pytest.raises(InterplayError, match="encoded without hm_rel_human"):
        targets.heatmap("hm_rel_human")


def test_verbs_without_object_get_no_channel(zoo: Vocabulary) -> None:
    assert build(zoo).verbs == (0, 1, 2)
    vcoco = GGNet(Vocabulary.load("v-coco"), GGNetConfig(network=GGNetNetworkOptions(backbone="dla-nano")))
    assert len(vcoco.verbs) == 25


def test_targets_follow_the_device(zoo: Vocabulary, scene: Interactions) -> None:
    targets = GGNet(
        zoo, GGNetConfig(network=GGNetNetworkOptions(backbone="dla-nano"), targets=TargetOptions(soft_gaussian=False))
    ).encode([scene], [View.whole(240, 160)], 64, 64)
    assert targets.to("meta").hm.device.type == "meta"
    assert targets.to("meta").hm_rel_hard is None


@pytest.mark.parametrize("normaliser", ["batch", "image"])
def test_the_loss_of_a_batch_is_the_mean_of_its_parts(
    zoo: Vocabulary, scene: Interactions, normaliser: Literal["batch", "image"]
) -> None:
    config = GGNetConfig(
        network=GGNetNetworkOptions(backbone="hourglass-nano"), loss=GGNetLossOptions(normaliser=normaliser)
    )
    model = GGNet(zoo, config)
    annotations = [scene, scene[:1], scene[2:3]]  # one part has more to learn than the other
    targets = model.encode(annotations, [View.whole(240, 160)] * 3, 128, 128)
    generator = torch.Generator().manual_seed(0)
    shapes = {"hm": 3, "wh": 2, "reg": 2, "sub_offset": 2 * len(model.verbs), "obj_offset": 2 * len(model.verbs)}
    maps = {
        name: torch.randn(3, shapes.get(name, len(model.verbs)), 32, 32, generator=generator)
        for name in config.network.head_names
    }
    whole = model.loss(GGNetOutputs([maps]), targets)
    parts = []
    for chosen in (slice(0, 1), slice(1, 3)):
        part = {name: value[chosen] for name, value in vars(targets).items() if value is not None}
        parts.append((GGNetOutputs([{n: m[chosen] for n, m in maps.items()}]), GGNetTargets(**part)))
    counts = LossNormaliser(torch.stack([count_targets(t, config) for _, t in parts]).mean(0), 2)
    found = [model.loss(outputs, target, counts) for outputs, target in parts]
    for name, value in whole.items():
        torch.testing.assert_close((found[0][name] + found[1][name]) / 2, value, rtol=1e-4, atol=1e-5, msg=name)
