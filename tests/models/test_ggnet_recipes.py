"""The recipes under configs/ggnet: each can be read, builds its network, and is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from interplay import InterplayError, Vocabulary
from interplay.models.ggnet import GGNet, load_recipe

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "src/interplay/configs" / "ggnet").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_builds_its_network(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == f"ggnet_{path.stem}"
    with torch.device("meta"):
        name = "hico-det" if recipe.data.dataset == "own" else recipe.data.dataset
        model = GGNet(Vocabulary.load(name), recipe.model)
    assert len(model.verbs) == (25 if recipe.data.dataset == "v-coco" else 117)
    channels = {"vcoco_hourglass_paper": 26}.get(path.stem, len(model.verbs))
    assert len(model.channels.names) == channels
    assert (sum(p.numel() for p in model.parameters()) > 15e6) == (path.stem != "nano")
    assert recipe.optimiser.groups().keys() == model.parameter_groups().keys()


def test_documentation_names_every_recipe_with_its_figure() -> None:
    page = (ROOT / "docs" / "models" / "ggnet.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\|[^|]*\| `(\w+)` \|([^|]*)\|", page, re.MULTILINE))
    assert set(rows) == {path.stem for path in RECIPES}
    for path in RECIPES:
        metrics = re.findall(r"\d\d\.\d+", path.read_text(encoding="utf-8").split("\nname:")[0])
        assert re.findall(r"\d\d\.\d+", rows[path.stem])[: len(metrics)] == metrics, path.stem


def test_mistakes_in_a_recipe_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsystem: ggnet\nbatch_size: 0\nmodel: {network: {gaze_step: 2}}\n")
    with pytest.raises(InterplayError) as caught:
        load_recipe(path)
    message = str(caught.value)
    assert all(part in message for part in ("mine.yaml", "batch_size", "model.network.gaze_step", "data", "optimiser"))
    path.write_text("name: [")
    with pytest.raises(InterplayError, match="not YAML"):
        load_recipe(path)
    with pytest.raises(InterplayError, match="no configuration at"):
        load_recipe(tmp_path / "none.yaml")
