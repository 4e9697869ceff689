"""The recipes under configs/turbo: each can be read, builds its network, and is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from interplay import Vocabulary
from interplay.detectors.pose import list_pose_estimators
from interplay.models.turbo.model import Turbo
from interplay.models.turbo.recipe import load_recipe

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "src/interplay/configs" / "turbo").glob("*.yaml"))
STAGES = {
    "vcoco_2stages": 2, "vcoco_3stages": 3, "hico_pretrained": 3, "hico_semi_automatic": 3, "hico_2stages": 2,
    "generated_nano": 3,
}  # fmt: skip


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_builds_its_network(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == f"turbo_{path.stem}"
    assert recipe.model.network.stages == STAGES.get(path.stem, 1)
    with torch.device("meta"):
        model = Turbo(Vocabulary.load(recipe.data.dataset), recipe.model)
    assert (sum(p.numel() for p in model.parameters()) > 50e6) == (path.stem != "generated_nano")
    assert recipe.optimiser.groups().keys() == model.parameter_groups().keys()
    weights = {"hico_pretrained": 0.0}.get(path.stem, 1.0)
    assert recipe.model.loss.first_pose == weights == recipe.model.loss.pose[0]


def test_documentation_names_every_recipe_with_its_figures() -> None:
    page = (ROOT / "docs" / "models" / "turbo.md").read_text(encoding="utf-8")
    table = page.split("## Configurations")[1].split("##")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    named = {name: row[3] for row in rows for name in re.findall(r"`(\w+)`", row[2])}
    assert set(named) == {path.stem for path in RECIPES}
    for path in RECIPES:
        metrics = re.findall(r"\d+\.\d", path.read_text(encoding="utf-8").split("\nname:")[0].split("Published: ")[-1])
        if "Published: " in path.read_text(encoding="utf-8") and path.stem != "vcoco_3stages":
            assert re.findall(r"\d+\.\d", named[path.stem])[: len(metrics)] == metrics
    assert "agent AP 70.3, role AP 42.0" in named["vcoco_3stages"]


def test_commands_name_estimators_that_there_are() -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (*RECIPES, *(ROOT / "src/interplay/models/turbo").glob("*.json"))
    ]
    named = {name for text in texts for name in re.findall(r"--(?:data\.)?pose (\S+?)[\s\",)]", text)}
    assert named
    assert named <= {card.name for card in list_pose_estimators()}
