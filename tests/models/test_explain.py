"""Where models say that they looked, and how it is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import interplay
from interplay import InterplayError, Vocabulary
from interplay.cli import main
from interplay.explanations import Explanation, Heat, Panel
from interplay.layers.transformer import Attention
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.visual import draw_explanations

WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "horse"],
        "verbs": ["ride", "hold"],
        "interactions": [["ride", "horse"], ["hold", "horse"]],
    }
)
IMAGE = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)


def points(**network: Any) -> GGNet:
    torch.manual_seed(0)
    size = {"backbone": "hourglass-nano", "head_width": 16, "gaze_steps": 2, "act_points": 9} | network
    options = {"network": size, "decoding": {"input_size": 128, "top_k": 20}}
    return GGNet(WORLD, GGNetConfig.model_validate(options)).eval()


def queries(**network: Any) -> GenVlkt:
    torch.manual_seed(0)
    size = {
        "backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
        "encoder_layers": 1, "decoder_layers": 2, "queries": 5, "embedding": 16,
    }  # fmt: skip
    decoding = {"short_side": 90, "long_side": 200, "nms": False}
    config = GenVlktConfig.model_validate({"network": size | network, "decoding": decoding})
    return GenVlkt(WORLD, config).eval()


def test_act_points_start_as_a_grid_around_the_interaction_point() -> None:
    model = points()
    found, explanations = model.explain(IMAGE, top_k=2)
    assert found == model.predict(IMAGE, min_score=0)
    best = np.argsort(-found.score, kind="stable")[:2]
    assert [e.triplet for e in explanations] == best.tolist()
    for explanation in explanations:
        glance, first, second, pair = explanation.panels
        assert glance.heat is not None
        # 160 x 90 in a square of 128: a cell of 4 pixels is 5 pixels of the photograph, black above and below
        assert glance.heat.values.shape == (32, 32)
        assert glance.heat.extent == pytest.approx((0, -35, 160, 125))
        here = glance.points[0]
        grid = [(x, y) for y in (-5, 0, 5) for x in (-5, 0, 5)]
        for gaze in (first, second):
            np.testing.assert_allclose(gaze.points, here + grid, atol=1e-3)
            np.testing.assert_allclose(gaze.weights, 0.5)
        np.testing.assert_allclose(pair.arrows[:, :2], [here, here])
        assert pair.pair


@pytest.mark.parametrize(
    ("network", "titles"),
    [
        ({"gaze_steps": 0, "matching": "shared"}, ["glance", "matched pair"]),
        ({"gaze_steps": 1, "glance": False}, ["interaction points", "gaze step 1: ActPoints", "matched pair"]),
    ],
)
def test_other_variants_show_what_they_have(network: dict[str, Any], titles: list[str]) -> None:
    _, explanations = points(**network).explain(IMAGE, top_k=1)
    assert [panel.title for panel in explanations[0].panels] == titles


def test_attention_weights_are_those_of_the_attention() -> None:
    attention = Attention(8, 1, 0.0)
    torch.nn.init.normal_(attention.projection.weight)
    query, key, value = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([True, True, False, True, True]).view(1, 1, 1, 5).expand(2, 1, 1, 5)
    weights = attention.weights(query, key, mask)
    assert weights.shape == (2, 3, 5)
    assert (weights[..., 2] == 0).all()
    values = torch.nn.functional.linear(value, attention.projection.weight[16:], attention.projection.bias[16:])
    torch.testing.assert_close(attention(query, key, value, mask), attention.output(weights @ values))


@pytest.mark.parametrize("network", [{}, {"position_guidance": False}])
def test_queries_tell_what_they_attend_to(network: dict[str, Any]) -> None:
    model = queries(**network)
    found, explanations = model.explain(IMAGE)
    assert found == model.predict(IMAGE, min_score=0)
    assert len(explanations) == 3
    for explanation in explanations:
        *looks, pair = explanation.panels
        assert [look.title for look in looks] == [f"attention: {x}" for x in ("interaction", "person", "object")]
        for look in looks:
            assert look.heat is not None
            assert look.heat.values.shape == (6, 10)
            assert look.heat.values.max() == pytest.approx(1)
            assert look.heat.extent == pytest.approx((0, 0, 160, 96))
        assert pair.pair
    assert not model.explain(IMAGE, min_score=1.99)[1]


def test_heat_is_drawn_where_it_is() -> None:
    found = interplay.Interactions([[10, 10, 60, 80], [90, 20, 150, 80]], [0, 1], [0], [1], [0], WORLD, [0.5])
    values = np.zeros((2, 4), np.float32)
    values[0, 3] = 1  # top right
    grey = np.full((90, 160, 3), 128, np.uint8)
    heat = Panel("heat", Heat(values, (0, 0, 160, 90)))
    dots = Panel("dots", points=np.array([[40, 45]], np.float32), weights=np.ones(1, np.float32))
    page = draw_explanations(grey, found, [Explanation(0, (heat, dots))], height=90)
    assert page.shape[1] >= 2 * 160
    top = int(np.flatnonzero((page == 128).all(2).any(1))[0])  # of the pictures
    left = int(np.flatnonzero((page == 128).all(2).any(0))[0])
    first, second = page[top : top + 90, left : left + 160].astype(int), page[top : top + 90, left + 172 : left + 332]
    changed = np.abs(first - 128).sum(2) > 100
    assert changed[5:15, 152:].mean() > 0.9
    assert not changed[60:85, 62:85].any()
    red, green, blue = second[45, 40].astype(int)
    assert min(red, green) > 200 > blue


def test_bones_join_points_and_rows_have_so_many_columns() -> None:
    found = interplay.Interactions([[10, 10, 60, 80], [90, 20, 150, 80]], [0, 1], [0], [1], [0], WORLD, [0.5])
    grey = np.full((90, 160, 3), 128, np.uint8)
    ends, sure = np.array([[30, 30], [30, 70]], np.float32), np.ones(2, np.float32)
    panels = Panel("a", points=ends, weights=sure), Panel("b"), Panel("c", points=ends, weights=sure, bones=((0, 1),))
    explanation = Explanation(0, panels, columns=2)
    assert [len(row) for row in explanation.rows()] == [2, 1]
    page = draw_explanations(grey, found, [explanation], height=90)
    assert page.shape[1] < 3 * 160
    rows = np.flatnonzero((page[:, 20:60] == 128).all(2).any(1))
    first, second = int(rows[0]), int(rows[rows > rows[0] + 90][0])
    left = int(np.flatnonzero((page == 128).all(2).any(0))[0])
    assert (page[first + 50, left + 30] == 128).all()  # between two points that nothing joins
    assert not (page[second + 50, left + 30] == 128).all()
    with pytest.raises(InterplayError, match="no interaction to explain"):
        draw_explanations(grey, found, [])


def test_heat_ends_where_its_map_ends() -> None:
    found = interplay.Interactions([[10, 10, 60, 80], [90, 20, 150, 80]], [0, 1], [0], [1], [0], WORLD, [0.5])
    grey = np.full((90, 160, 3), 128, np.uint8)
    panel = Panel("heat", Heat(np.ones((2, 2), np.float32), (40, 30, 80, 60)))
    page = draw_explanations(grey, found, [Explanation(0, (panel,))], height=90)
    top = int(np.flatnonzero((page == 128).all(2).any(1))[0])
    left = int(np.flatnonzero((page == 128).all(2).any(0))[0])
    changed = (page[top : top + 90, left : left + 160] != 128).any(2)
    assert changed[32:58, 64:79].all()
    assert not changed[32:58, 81:88].any()


def test_heat_that_is_everywhere_leaves_the_image_as_it_is() -> None:
    found = interplay.Interactions([[10, 10, 60, 80], [90, 20, 150, 80]], [0, 1], [0], [1], [0], WORLD, [0.5])
    values = np.full((9, 16), 0.9, np.float32)
    values[:3, 12:] = 1
    grey = np.full((90, 160, 3), 128, np.uint8)
    panel = Panel("heat", Heat(values, (0, 0, 160, 90)))
    page = draw_explanations(grey, found, [Explanation(0, (panel,))], height=90)
    assert (page == 128).all(2).sum() > 0.6 * 90 * 160


@pytest.mark.parametrize("build", [points, queries])
def test_from_the_command_line(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = build()
    model.save("m.safetensors")
    Image.fromarray(IMAGE).save("x.png")
    assert main(["explain", "x.png", "--model", "m.safetensors", "-o", "out/y.png", "--top-k", "2"]) == 0
    said = capsys.readouterr().out
    assert said.count(" a horse  ") == 2
    page = np.asarray(Image.open("out/y.png"))
    assert page.shape[0] > 2 * 360
    assert page.shape[1] > 4 * 600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "tin-spatial-vcoco"], "does not tell where it looks"),
        (["--model", "ggnet-hourglass-vcoco"], "interplay import ggnet FILE"),
        (["--model", "m.safetensors", "--decoding", "flip=true"], "flip=false"),
        (["--model", "m.safetensors", "--min-score", "1"], "no interaction to explain"),
        (["--model", "m.safetensors", "-o", "x.png"], "is the image to explain"),
        (["--model", "m.safetensors", "-o", "x.txt"], "ending in .png"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    model = points()
    model.save("m.safetensors")
    Image.fromarray(IMAGE).save("x.png")
    assert main(["explain", "x.png", "-o", "y.png", *arguments]) == 2
    assert message in capsys.readouterr().err
