"""How learning rates follow batch and progress."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from interplay.errors import InputError
from interplay.training.optimisers import MovingAverage, build_optimiser, set_rates
from interplay.training.schedules import batch_factor, schedule_factor
from interplay.training.sections import OptimiserConfig, ScheduleConfig


def options(**fields: object) -> OptimiserConfig:
    return OptimiserConfig.model_validate({"learning_rate": 0.1, "reference_batch": 16, **fields})


@pytest.mark.parametrize(("scaling", "factor"), [("linear", 4), ("sqrt", 2), ("none", 1)])
def test_rates_follow_the_effective_batch(scaling: str, factor: float) -> None:
    assert batch_factor(options(scaling=scaling), 64) == pytest.approx(factor)
    assert batch_factor(options(scaling=scaling), 16) == 1


def factors(epochs: int = 10, **fields: object) -> list[float]:
    schedule = ScheduleConfig.model_validate(fields)
    return [schedule_factor(schedule, step, epochs * 2, 2) for step in range(epochs * 2)]


def test_steps_fall_after_their_epochs() -> None:
    found = factors(milestones=(3, 7))
    assert found[:6] == [1] * 6
    assert found[6:14] == pytest.approx([0.1] * 8)
    assert found[14:] == pytest.approx([0.01] * 6)
    assert factors(milestones=(1,), factor=0.5)[2] == 0.5


def test_warm_up_rises_to_what_the_kind_says() -> None:
    found = factors(kind="constant", warm_up=0.5)
    assert found[0] == pytest.approx(0.04)
    assert found[:11] == sorted(found[:11])
    assert found[10:] == [1] * 10


def test_cosine_falls_to_nearly_nothing() -> None:
    found = factors(kind="cosine")
    assert found[0] == 1
    assert found[10] == pytest.approx(0.5)
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < 0.01


def test_linear_rises_and_falls_straight() -> None:
    found = factors(kind="linear", warm_up=0.2)
    assert max(found) == found[4] == 1
    assert np.diff(found[4:]) == pytest.approx([-1 / 16] * 15)


def test_one_cycle_peaks_after_its_warm_up() -> None:
    found = factors(kind="one-cycle", warm_up=0.2)
    assert max(found) == found[4] == 1
    assert found[0] == pytest.approx(0.04)


def test_restarts_come_after_ever_longer_periods() -> None:
    found = factors(kind="restarts", period=4)
    assert [step for step, factor in enumerate(found) if factor == 1] == [0, 4, 12]
    assert found[4:12] == sorted(found[4:12], reverse=True)
    assert found[8] == pytest.approx(0.5)


def test_staircase_falls_after_every_period() -> None:
    found = factors(kind="staircase", period=5, factor=0.96)
    assert found == pytest.approx([0.96 ** (step // 5) for step in range(20)])


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_groups_have_their_rates(algorithm: str, kind: type[torch.optim.Optimizer]) -> None:
    layer = nn.Linear(2, 2)
    optimiser = build_optimiser({"default": list(layer.parameters())}, options(algorithm=algorithm), 32)
    assert type(optimiser) is kind
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.2)
    set_rates(optimiser, {"default": 0.2}, 0.5)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.1)


def test_groups_must_be_those_of_the_recipe() -> None:
    with pytest.raises(InputError, match=r"groups \['backbone'\], the recipe rates for \['default'\]"):
        build_optimiser({"backbone": []}, options(), 16)
    with pytest.raises(InputError, match="nothing to train"):
        build_optimiser({"default": []}, options(), 16)


def test_the_average_follows_and_copies_what_is_no_weight() -> None:
    network = nn.BatchNorm1d(2)
    average = MovingAverage(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(5.0)  # type: ignore[union-attr]
    average.update(1)
    assert average.model.running_mean.tolist() == [5, 5]  # type: ignore[union-attr, operator]
    early = average.model.weight[0].item()  # type: ignore[index, union-attr, operator]
    assert early == pytest.approx(1 + 2 * (1 - 2 / 11))
    average.update(10_000)
    assert average.model.weight[0].item() == pytest.approx(early + (3 - early) * 0.1)  # type: ignore[index, union-attr, operator]
    assert MovingAverage(network, 0.0).model is network
