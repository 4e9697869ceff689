"""Turbo learning's published network: a step of its training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.resnet import Bottleneck

from interplay import Vocabulary
from interplay.models.turbo.losses import TurboTargets
from interplay.models.turbo.model import Turbo
from interplay.models.turbo.network import SIDE
from interplay.models.turbo.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "src/interplay/configs/turbo/vcoco_3stages.yaml"


@pytest.mark.slow
def test_a_step_of_the_published_network() -> None:
    """401 million parameters: ResNet-101, three stages, detection branch; four proposals in one image."""
    recipe = load_recipe(RECIPE)
    model = Turbo(Vocabulary.load("v-coco"), recipe.model).eval()  # dropout would hide how little one step changes
    for module in model.modules():
        if isinstance(module, Bottleneck):  # without learnt statistics the sum of 33 blocks would be astronomical
            module.bn3.weight.fill_(0.1)
    actions, objects = len(model.vocabulary.verbs), len(model.vocabulary.objects)
    assert actions == 29
    people = torch.tensor(
        [[0.0, 10, 20, 200, 380], [0, 30, 10, 220, 400], [0, 300, 40, 420, 390], [0, 290, 50, 400, 380]]
    )
    targets = TurboTargets(
        actions=torch.eye(actions)[[0, 0, 5, 5]],
        labelled=torch.ones(4, dtype=torch.bool),
        places=torch.full((4, actions, 4), torch.nan).index_fill(1, torch.tensor([0]), 0.2),
        cells=torch.randint(SIDE**2, (4, 17)),
        classes=torch.tensor([0, 0, 0, objects]),
        moves=torch.zeros(4, 4).index_fill(0, torch.tensor([3]), torch.nan),
    )
    optimiser = torch.optim.SGD(model.parameter_groups()["default"], recipe.optimiser.learning_rate, momentum=0.9)
    image = torch.randn(3, 400, 533)
    terms = model.loss(model([image], people, people), targets)
    assert set(terms) == {
        "detection",
        "pose_0",
        *(f"{name}_{i}" for name in ("action", "target", "pose") for i in (1, 2, 3)),
    }
    before = sum(terms.values(), torch.zeros(()))
    before.backward()
    silent = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not silent
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
    optimiser.step()
    with torch.no_grad():
        after = sum(model.loss(model([image], people, people), targets).values(), torch.zeros(()))
    assert after < before
