import torch
from torch import nn

from interplay.layers.modes import evaluating


def test_all_parts_are_in_evaluation_mode_and_a_training_goes_on():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5)))
    with evaluating(model):
        assert not any(part.training for part in model.modules())
        assert not model(torch.ones(1, 2)).requires_grad
    assert all(part.training for part in model.modules())


def test_a_part_left_in_training_mode_is_found():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5))).eval()
    model[1][0].train()
    with evaluating(model):
        assert not model[1][0].training
    assert not model.training
