"""`run_batch`: what `interplay batch` does, from a listing of images to a folder of shards."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.batch.plan import PLAN, Plan
from interplay.batch.shards import Broken, done_shards, part_name, read_broken
from interplay.batch.sources import find_work
from interplay.batch.storage import Folder
from interplay.batch.tries import TRIES
from interplay.batch.worker import ShardWorker, Task
from interplay.containers.json_files import parse_json
from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InputError, InterplayError, MissingExtraError
from interplay.files import check_folder_target
from interplay.interrupts import remembered_interrupt
from interplay.locks import locked
from interplay.pipeline import ModelOptions
from interplay.pipeline.results import changed_settings
from interplay.pipeline.screen import count, say, stoppable

if TYPE_CHECKING:
    from rich.console import Console

RECORD = "run.json"
"""File with the settings that made a folder of results."""

FAILURES = "failures.jsonl"
"""File that names the images that could not be done, with the reason."""

DEFAULT_SHARD = 256


@dataclass(frozen=True)
class BatchJob:
    """Very many images, and where their results go.

    Attributes:
        inputs: images, folders, patterns and Parquet files; paths or addresses that fsspec knows.
        output: folder of the results; for a cluster one that all machines have, or an address.
        model: what finds interactions.
        min_score, top_k: keep only the triplets that `Interactions.filter` keeps.
        batch_size: images that a model sees at once.
        shard_size: images of a shard, the unit of what is done or not done.
        workers: processes, each with its own model.
        cpus, gpus: of each worker; gpus may be a fraction.
        address: of a Ray cluster; None for this machine.
        column: of the images in Parquet files.
        overwrite: start over.
        retry_failed: do shards with broken images again.
    """

    inputs: Sequence[str]
    output: str
    model: ModelOptions
    min_score: float | None = None
    top_k: int | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    shard_size: int = DEFAULT_SHARD
    workers: int = 1
    cpus: int = 1
    gpus: float = 0.0
    address: str | None = None
    column: str | None = None
    overwrite: bool = False
    retry_failed: bool = False

    def settings(self) -> dict[str, Any]:
        """What determines the results."""
        return {**self.model.settings(), "min_score": self.min_score, "top_k": self.top_k, "column": self.column}


def run_batch(job: BatchJob, messages: Console) -> int:
    """Do a job, or the rest of it; returns the number of images that could not be done.

    Args:
        messages: where progress goes.

    Raises:
        InputError: a folder of other results, nothing to do, or an image that ends every process.
        KeyboardInterrupt: after saying how to continue.
        MissingExtraError: without Ray.
    """
    folder = Folder(job.output)
    if folder.local:
        check_folder_target(folder.path)
        Path(folder.path).mkdir(parents=True, exist_ok=True)
    with locked(folder.path, folder=True) if folder.local else nullcontext():
        _open(folder, job)
        plan = Plan(folder)
        with messages.status("listing the images"):
            plan.extend(find_work(job.inputs, job.column), job.shard_size)
        done = done_shards(folder)
        if job.retry_failed:
            for shard in [shard for shard, broken in _all_broken(folder, done) if broken]:
                folder.remove(part_name(shard))
                done.remove(shard)
        todo = [shard for shard in range(len(plan)) if shard not in done]
        if done:
            say(messages, f"{count(len(done), 'shard')} of {len(plan):,} already done")
        if todo:
            _work(job, todo, plan, messages)
        return _finish(folder, plan, messages)


def _open(folder: Folder, job: BatchJob) -> None:
    """Check that a folder is new or of this run, and write down what the run is."""
    settings = json.loads(json.dumps(job.settings(), default=str))
    names = folder.names()
    if job.overwrite and RECORD in names:
        _clear(folder)
    elif RECORD in names:
        record = parse_json(folder.read(RECORD), f"{job.output}/{RECORD}")
        before = record.get("settings") if isinstance(record, dict) else None
        if not isinstance(before, dict):
            raise InputError(f"{job.output}/{RECORD} is not the record of a run")
        changes = changed_settings(before, settings)
        if changes:
            raise InputError(
                f"{job.output} holds results made with {', '.join(changes)}. Give --overwrite to start over, or "
                "another --output"
            )
        return
    elif [name for name in names if not name.startswith(".")]:
        raise InputError(
            f"{job.output} is not empty, and no {RECORD} in it says that a run of interplay's made it, so it is left "
            "as it is. Give another --output"
        )
    with folder.writing(RECORD) as temporary:
        temporary.write_text(json.dumps({"settings": settings}, indent=1) + "\n", encoding="utf-8")


def _clear(folder: Folder) -> None:
    kept = [f"{inside}/{name}" for inside in (PLAN, TRIES) for name in folder.names(inside)]
    for name in [*map(part_name, sorted(done_shards(folder))), FAILURES, *kept]:
        if folder.exists(name):
            folder.remove(name)


def _work(job: BatchJob, todo: Sequence[int], plan: Plan, messages: Console) -> None:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("batch", error.name or "ray") from None

    task = Task(job.output, job.model, job.min_score, job.top_k, job.batch_size, job.cpus, job.column)
    with _cluster(job):
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = ray.data.from_items(
            [{"shard": shard} for shard in todo], override_num_blocks=min(len(todo), _MOST_BLOCKS)
        )
        outcomes = rows.map_batches(
            ShardWorker,
            fn_constructor_args=(task,),
            batch_size=1,
            concurrency=min(job.workers, len(todo)),
            num_cpus=job.cpus,
            num_gpus=job.gpus or None,
        )
        told = 0
        with stoppable(messages, "detecting", plan.images(todo)) as advance:
            try:
                with remembered_interrupt() as stop_if_asked:  # a busy Ray has lost one
                    for outcome in outcomes.iter_rows():
                        for _ in range(int(outcome["images"])):
                            advance()
                            told += 1
                        stop_if_asked()
            except KeyboardInterrupt:  # Ray hands outcomes over late: say how much is there
                for _ in range(plan.images(sorted(done_shards(Folder(job.output)) & set(todo))) - told):
                    advance()
                raise
            except ray.exceptions.RayError as error:
                raise _in_words(error) from error


_MOST_BLOCKS = 10_000
"""Most pieces in which Ray keeps the numbers of the shards."""


@contextmanager
def _cluster(job: BatchJob) -> Iterator[None]:
    """Ray: the cluster at an address, one that runs already in this process, or a new one on this machine."""
    import ray

    if ray.is_initialized():
        yield
        return
    if job.address is not None:
        _check_reachable(job.address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no word to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Ray's own processes write to the terminal otherwise
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if job.address is not None:
            ray.init(address=job.address, **quiet)
        else:
            cores = job.workers * job.cpus
            with _without_standard_error():
                ray.init(num_cpus=cores, object_store_memory=_STORE, include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"no Ray cluster at {job.address}: {error}" if job.address else f"{error}") from None
    except Exception as error:  # Ray has no class of its own for it
        if "timed out during startup" not in str(error):
            raise
        raise InputError(
            "Ray did not start in time: this machine is too busy or has too little memory; run the same command again"
        ) from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # what Ray prints when workers end is either said in our words or of no interest
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            yield
        finally:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise InputError where nothing listens at HOST:PORT: Ray itself would go on trying for many minutes."""
    place = re.fullmatch(r"(?:ray://)?\[?([^/\[\]]+)\]?:(\d+)", address)
    if place is None:  # "auto", or what only Ray understands
        return
    try:
        socket.create_connection((place[1], int(place[2])), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster at {address}: {error}. Start one with: ray start --head") from None


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """Drop what libraries below Python write there: Ray tells that it was told to be quiet."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_STORE = 128 * 1024 * 1024
"""Bytes of Ray's memory between processes; only numbers of shards go through it."""


def _in_words(error: BaseException) -> InterplayError:
    """What ended the work: our own error inside a worker, or a worker that could not be kept alive."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InterplayError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return InputError(
        f"the workers cannot go on: {str(error).strip().splitlines()[-1]} (what is done is kept; the same command "
        "goes on from there)"
    )


def _all_broken(folder: Folder, shards: set[int]) -> Iterator[tuple[int, list[Broken]]]:
    order = sorted(shards)
    with ThreadPoolExecutor(16) as pool:
        yield from zip(order, pool.map(lambda shard: read_broken(folder, shard), order), strict=True)


def _finish(folder: Folder, plan: Plan, messages: Console) -> int:
    """Name the broken images in one file; returns how many there are."""
    failures = 0
    with folder.writing(FAILURES) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for _, broken in _all_broken(folder, done_shards(folder)):
            for one in broken:
                stream.write(json.dumps(vars(one), ensure_ascii=False) + "\n")
                failures += 1
                if failures <= _NAMED:
                    say(messages, f"skipped {one.file}: {one.reason}")
    images = plan.images(range(len(plan)))
    if failures:
        say(messages, f"{failures:,} of {count(images, 'image')} could not be done, see {folder.address}/{FAILURES}")
    say(messages, f"wrote {folder.address}: {count(images - failures, 'image')} in {count(len(plan), 'shard')}")
    return failures


_NAMED = 5
"""Broken images that are named on the screen."""
