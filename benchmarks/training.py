"""Is loading as fast as training? Images per second of both, for every number of workers and kind of cache.

    python benchmarks/training.py gen_vlkt/nano --data.dataset own --data.root a.jsonl --data.images photos
    python benchmarks/training.py --workers 0,4,8 gen_vlkt/hico_s --data.root hico --accelerator cuda

Takes `interplay train`'s arguments. Loading is what the training does: reading, changing at random, encoding and
batching. With a cache, the second pass over the photographs is measured. A step is forward, loss, backward and the
change of the weights, on one batch again and again, so that loading costs it nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.systems import get_system
from interplay.training import load_config
from interplay.training.launch import launch
from interplay.training.loading import BatchPlan, load_parts
from interplay.training.optimisers import build_optimiser
from interplay.training.sections import TrainConfig
from interplay.training.step import LossModule, training_step


def loading_speed(config: TrainConfig, workers: int, cache: str, images: int) -> float:
    """Images per second that the loader gives."""
    with tempfile.TemporaryDirectory() as folder:
        data = config.data.model_copy(update={"cache": cache, "cache_folder": Path(folder)})
        task = get_system(config.system).build_task(config.model_copy(update={"data": data}))
        plan = BatchPlan(len(task.data), config.batch_size, config.accumulate)
        first = 0
        if cache != "none":  # fill it
            first = plan.steps_per_epoch
            for _ in load_parts(task.data, plan, 0, first, workers):
                pass
        size = min(config.batch_size, len(task.data))
        warm = max(workers * 2, 1)  # what workers load ahead
        last = first + warm + -(-images // size)
        parts = load_parts(task.data, plan, first, last, workers)
        for _ in islice(parts, warm * config.accumulate):
            pass
        began = time.perf_counter()
        measured = sum(len(part.names) for part in parts)
        return measured / (time.perf_counter() - began)


def step_speed(config: TrainConfig, rounds: int) -> float:
    """Images per second of the fastest step."""
    fabric = launch(config)
    task = get_system(config.system).build_task(config)
    plan = BatchPlan(len(task.data), config.batch_size, config.accumulate)
    size = min(config.batch_size, len(task.data))
    network: Any = task.model
    if config.compile:
        import torch

        network = torch.compile(task.model)
    task.model.train()
    module, optimiser = fabric.setup(
        LossModule(task, network, fabric.autocast, fabric.device.type),
        build_optimiser(task.parameter_groups(), config.optimiser, size),
    )
    parts = list(load_parts(task.data, plan, 0, 1, 0))
    best = float("inf")
    for turn in range(rounds + 1):
        began = time.perf_counter()
        # ends in reading the loss, for which it waits for the device
        training_step(fabric, task, module, optimiser, parts, config.optimiser, True)
        if turn:
            best = min(best, time.perf_counter() - began)
    return size / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="0,1,2", help="numbers of worker processes")
    parser.add_argument("--caches", default="none,ram,disk", help="kinds of cache")
    parser.add_argument("--images", type=int, default=200, help="to load for each figure")
    parser.add_argument("--rounds", type=int, default=5, help="steps, of which the fastest counts")
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    config = load_config(options.config, options.overrides)
    caches = options.caches.split(",")
    table = Table(
        "workers", *(f"loading, cache {cache}" for cache in caches), title=f"{config.name}: images per second"
    )
    for workers in map(int, options.workers.split(",")):
        speeds = [loading_speed(config, workers, cache, options.images) for cache in caches]
        table.add_row(str(workers), *(f"{speed:.1f}" for speed in speeds))
    console = Console()
    console.print(table)
    speed = step_speed(config, options.rounds)
    console.print(f"step, batch {config.batch_size}, {config.precision}: {speed:.1f} images per second")


if __name__ == "__main__":
    run_script(main)
