"""Learning rates: how they follow the batch, and how they change over a training."""

from __future__ import annotations

import math

from interplay.training.sections import OptimiserConfig, ScheduleConfig

FIRST = 0.04
"""Factor at the first step of a warm-up."""


def batch_factor(options: OptimiserConfig, batch_size: int) -> float:
    """What the learning rates are multiplied by for an effective batch.

    ``linear``: k times the batch, k times the rate (Goyal et al., "Accurate, Large Minibatch SGD", 2017). ``sqrt``
    is what adaptive optimisers are often said to need (Malladi et al., NeurIPS 2022).
    """
    share = batch_size / options.reference_batch
    return {"linear": share, "sqrt": math.sqrt(share), "none": 1.0}[options.scaling]


def schedule_factor(options: ScheduleConfig, step: int, total_steps: int, steps_per_epoch: int) -> float:
    """What the learning rates are multiplied by at a step, counted from 0."""
    done = step / max(total_steps, 1)
    if options.kind == "one-cycle":
        return one_cycle(done, options.warm_up)
    rising = FIRST + (1 - FIRST) * done / options.warm_up if done < options.warm_up else 1.0
    if options.kind == "cosine":
        return rising * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    if options.kind == "linear":
        return rising if done < options.warm_up else max(0.0, (1 - done) / (1 - options.warm_up))
    if options.kind == "step":
        epoch = step // steps_per_epoch
        return rising * options.factor ** sum(epoch >= milestone for milestone in options.milestones)
    if options.kind == "restarts":
        return rising * restarts(step, options.period)
    if options.kind == "staircase":
        return rising * options.factor ** (step // options.period)
    return rising


def restarts(step: int, period: int) -> float:
    """Half cosines from 1 to 0, the first over `period` steps, each twice as long as the one before (SGDR, 2017)."""
    number = (step // period + 1).bit_length() - 1
    start, length = (2**number - 1) * period, 2**number * period
    return 0.5 * (1 + math.cos(math.pi * (step - start) / length))


def one_cycle(done: float, warm_up: float) -> float:
    """Factor on the learning rate after a share `done` of the steps: up linearly during `warm_up`, then a cosine."""
    if done < warm_up:
        return FIRST + (1 - FIRST) * done / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) if done < 1 else 0.0
