"""The recipes under configs/gen_vlkt: each can be read, builds its network, and is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.models.gen_vlkt import GenVlkt
from interplay.models.gen_vlkt.recipe import load_recipe
from interplay.models.gen_vlkt.task import training_classes

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "src/interplay/configs" / "gen_vlkt").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_builds_its_network(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == f"gen_vlkt_{path.stem}"
    vocabulary = Vocabulary.load(recipe.data.dataset if recipe.data.dataset != "own" else "hico-det")
    with torch.device("meta"):
        model = GenVlkt(vocabulary, recipe.model, training_classes(vocabulary, recipe.model))
    assert model.zero_shot == (recipe.model.text.zero_shot is not None and "baseline" not in path.stem)
    assert recipe.optimiser.groups().keys() == model.parameter_groups().keys()
    if path.stem != "nano":
        assert recipe.start.endswith(recipe.model.network.backbone)
        assert sum(p.numel() for p in model.parameters()) > 40e6


def test_documentation_names_every_recipe_with_its_metrics() -> None:
    page = (ROOT / "docs" / "models" / "gen_vlkt.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\|[^|]*\| `(\w+)` \|([^|]*)\|", page, re.MULTILINE))
    assert set(rows) == {path.stem for path in RECIPES}
    for path in RECIPES:
        metrics = re.findall(r"\d\d\.\d+", path.read_text(encoding="utf-8").split("\nname:")[0])
        assert re.findall(r"\d\d\.\d+", rows[path.stem]) == metrics, path.stem


def test_mistakes_in_a_recipe_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsystem: gen-vlkt\nbatch_size: 0\nmodel: {network: {decoder_layer: 2}}\n")
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    message = str(caught.value)
    assert all(part in message for part in ("mine.yaml", "batch_size", "model.network.decoder_layer", "data"))
