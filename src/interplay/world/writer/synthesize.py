"""`synthesize`: write a generated data set, with as many processes as wanted, and go on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from interplay.datasets.generated.files import (
    ANNOTATIONS,
    BODY,
    SETTINGS_FILE,
    iterate_records,
    scene_name,
)
from interplay.datasets.generated.settings import Settings
from interplay.errors import InputError
from interplay.files import atomic_path, check_folder_target
from interplay.locks import locked
from interplay.workers import in_processes

from . import worker
from .files import pack_body, write_bytes
from .folder import check_is_ours, claim, prepare_body

_WHAT = "generated data set"


def synthesize(
    out: str | os.PathLike[str], settings: Settings, workers: int = 1, console: Console | None = None
) -> Path:
    """Write a generated data set to a folder.

    A run that was stopped goes on when it is started again; more scenes can be added to a finished one.

    Args:
        out: the folder; made if it is not there.
        settings: what to make.
        workers: processes, each of which uses one core and less than 2 GB.
        console: where progress goes; none by default.

    Returns:
        The annotations file.

    Raises:
        InputError: the folder holds something else, or a data set of other settings; no such act or mesh.
        MissingExtraError: the extra ``body`` is not installed.
        LockedError: another process writes to the folder.
        InterplayError: a worker process died.
    """
    from interplay.world.acts import find_acts

    if workers < 1:
        raise InputError(f"workers must be 1 or more, got {workers}")
    console = console or Console(quiet=True)
    folder = check_folder_target(out)
    find_acts(settings.acts)
    _check_meshes(settings.meshes)
    check_is_ours(folder, SETTINGS_FILE, _WHAT)  # before the lock, which would make the folder
    with locked(folder, folder=True):
        claim(folder, SETTINGS_FILE, settings.fingerprint(), _WHAT)
        prepare_body(console)
        _unpack(folder)
        return _write(folder, settings, workers, console)


def _write(folder: Path, settings: Settings, workers: int, console: Console) -> Path:
    from .card import write_card

    parts = folder / worker.PARTS
    wanted = range(settings.start, settings.start + settings.scenes)
    missing = [i for i in wanted if not (parts / f"{scene_name(i)}.json").is_file()]
    if len(missing) < len(wanted) and missing:
        console.print(f"{len(wanted) - len(missing)} of {len(wanted)} scenes are there already", highlight=False)
    _make_all(folder, settings, missing, workers, console)
    annotations = _collect(folder)
    if settings.labels == "all":
        write_bytes(folder / BODY, pack_body())
    write_card(folder, settings)
    return annotations


def _make_all(folder: Path, settings: Settings, missing: list[int], workers: int, console: Console) -> None:
    if not missing:
        return
    columns = (
        TextColumn("scenes"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    extras = {"labels": settings.labels, "glb": settings.glb}
    done = settings.scenes - len(missing)
    tasks = [(str(folder), i, settings.seed, settings.size, settings.acts, extras) for i in missing]
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("scenes", total=settings.scenes, completed=done)
        try:
            for _ in in_processes(worker.make_scene, tasks, workers, worker.start, (dict(settings.meshes),)):
                progress.advance(bar)
        except KeyboardInterrupt:
            console.print(f"stopped; run the same command again to go on in {folder}", highlight=False)
            raise


def _unpack(folder: Path) -> None:
    """Take a finished run's annotations apart, so that it can grow; scenes whose picture is gone are made anew."""
    annotations, parts = folder / ANNOTATIONS, folder / worker.PARTS
    if not annotations.is_file():
        return
    for line, record in iterate_records(annotations):
        path = parts / f"{scene_name(record['scene']['index'])}.json"
        if not path.is_file() and (folder / record["file"]).is_file():
            write_bytes(path, line.encode())


def _collect(folder: Path) -> Path:
    """Put the records together in the scenes' order."""
    parts, annotations = folder / worker.PARTS, folder / ANNOTATIONS
    found = sorted(parts.glob("[0-9]*.json"))
    with atomic_path(annotations) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for path in found:
            stream.write(path.read_text(encoding="utf-8") + "\n")
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    return annotations


def _check_meshes(meshes: Mapping[str, str]) -> None:
    """Read the user's meshes once here: an error of a worker process would come too late to be read."""
    if meshes:
        from interplay.world.objects.user_meshes import load_user_meshes

        load_user_meshes(dict(meshes))
