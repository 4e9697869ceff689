"""`prepare_contact`: from a data set's labels to the files that training reads, on several processes, resumable."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from interplay.body.bodies import ANNY, ContactBody, load_body
from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.containers.text import read_lines
from interplay.datasets import lemon, piad
from interplay.datasets.contact_labels import SMPL_VERTICES, BodyContact
from interplay.datasets.contact_truth import read_contact_truth
from interplay.datasets.damon import read_damon
from interplay.datasets.generated.files import ANNOTATIONS, read_body, read_records
from interplay.datasets.generated.files import BODY as GENERATED_BODY
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path, check_folder_target, content_digest, is_temporary
from interplay.locks import LOCK_FILE, locked
from interplay.pipeline.screen import count, say, stoppable
from interplay.workers import in_processes

from . import work
from .views import body_folder, write_body_views

if TYPE_CHECKING:
    from rich.console import Console

Kind = Literal["masks", "contact2d", "objects", "points"]
"""``masks`` of bodies' contact in views; ``contact2d``: of bodies in the photograph (generated scenes); ``objects``:
views, masks and tables of objects' meshes (generated scenes); ``points``: views, heat maps and tables of PIAD's or
LEMON's points."""

KINDS: tuple[Kind, ...] = get_args(Kind)
SETTINGS_FILE, SAMPLES = "prepared.json", "samples.jsonl"
_VERSION = 1


@dataclass(frozen=True)
class PrepareJob:
    """What is prepared, and how.

    Attributes:
        source: a generated data set, DAMON, LEMON, RICH or PIAD; a folder may have one for each split.
        output: the folder to write.
        split: which split.
        body: ``anny``, or the user's file of SMPL or SMPL-H, whose vertices all data sets but the generated ones label.
            None: the built-in body for generated scenes.
        kinds: what to make; None for all that the source has.
        size: pixels on a side of the views.
        min_vertices: how many of a triangle's three vertices must be in contact for its pixels to be, 1 to 3.
        foot_ground: of DAMON, the contact of feet with the ground as ``scene`` in place of all contact with supports.
    """

    source: Path
    output: Path
    split: str = "train"
    body: str | None = None
    kinds: tuple[Kind, ...] | None = None
    size: int = 1024
    min_vertices: int = 2
    foot_ground: bool = False

    def __post_init__(self) -> None:
        if self.min_vertices not in (1, 2, 3):
            raise InputError(f"min_vertices: expected 1, 2 or 3, got {self.min_vertices}")
        if not 16 <= self.size <= 4096:
            raise InputError(f"size: expected 16 to 4096 pixels, got {self.size}")
        if self.kinds is not None and (unknown := [kind for kind in self.kinds if kind not in KINDS]):
            raise InputError(f"unknown kind {unknown[0]!r}: expected some of {', '.join(KINDS)}")

    @property
    def root(self) -> Path:
        """The folder of the split."""
        return self.source / self.split if (self.source / self.split).is_dir() else self.source


@dataclass(frozen=True)
class _Plan:
    """What there is to do.

    Attributes:
        kinds: what is made.
        body: whose views, if any are needed.
        units: the tasks of `work.make` by the name of their record.
        labels: files that say whether the source is still the same.
    """

    kinds: tuple[Kind, ...]
    body: ContactBody | None
    units: dict[str, work.Unit]
    labels: list[Path]


def prepare_contact(job: PrepareJob, console: Console, workers: int = 1) -> Path:
    """Write views, masks, tables, parts and heat maps of a data set, and ``samples.jsonl`` with a line for each sample.

    A run that was stopped or killed goes on when it is started again; each file is written whole or not at all.

    Args:
        job: what to prepare.
        console: where progress goes.
        workers: processes, one core each.

    Returns:
        ``samples.jsonl``.

    Raises:
        InputError: the source has none of what is wanted, its labels are of another body, or the output folder holds
            something else, or what other settings made.
        MissingFileError, MissingExtraError: a file is not there, or a package is not installed.
        LockedError: another process writes the folder.
        KeyboardInterrupt: after saying how to go on.
    """
    folder = check_folder_target(job.output)
    _check_is_ours(folder)  # before the lock, which would make the folder
    plan = _plan(job)
    with locked(folder, folder=True):
        _claim(folder, _settings(job, plan))
        views = None
        if plan.body is not None:
            views = write_body_views(folder, plan.body, job.size, job.min_vertices)
        vertices = 0 if plan.body is None else len(plan.body.vertices)
        parts = folder / work.PARTS
        missing = [name for name in plan.units if not (parts / f"{name}.json").is_file()]
        if len(missing) < len(plan.units):
            say(console, f"{len(plan.units) - len(missing):,} of {count(len(plan.units), work.UNIT)} are there already")
        how = work.How(str(folder), plan.kinds, job.size, job.min_vertices, vertices)
        tasks = [(name, plan.units[name]) for name in missing]
        start = (how, None if views is None else str(views), None if plan.body is None else plan.body.parts())
        with stoppable(console, "preparing", len(tasks)) as advance:
            for _ in in_processes(work.make, tasks, workers, work.start, start):
                advance()
        return _collect(folder, list(plan.units))


def _plan(job: PrepareJob) -> _Plan:
    if not job.source.exists():
        raise MissingFileError(f"no folder {job.source}")
    clouds = [(form.dataset, path) for form in (piad.POINTS, lemon.POINTS) for path in _points(job.source, form.files)]
    generated = (job.root / ANNOTATIONS).is_file()
    contacts = None if generated else _contacts(job, bool(clouds))
    there: list[Kind] = []
    if generated:
        there = ["masks", "contact2d", "objects"]
    elif contacts is not None:
        there = ["masks"]
    there += ["points"] if clouds else []
    kinds = tuple(there) if job.kinds is None else job.kinds
    absent = [kind for kind in kinds if kind not in there]
    if absent or not there:
        raise InputError(
            f"{job.source}: no {' and '.join(absent) or 'contact or affordance'} can be made of it: "
            f"{'it gives ' + ', '.join(there) if there else 'expected generated scenes, DAMON, LEMON, RICH or PIAD'}"
        )
    units: dict[str, work.Unit] = {}
    labels: list[Path] = []
    body = None
    if generated and set(kinds) & {"masks", "contact2d", "objects"}:
        body = _body(job, "a generated data set", len(read_body(job.root / GENERATED_BODY).vertices))
        labels.append(job.root / ANNOTATIONS)
        for record in read_records(job.root / ANNOTATIONS):
            units[f"scene-{record['scene']['index']:06d}"] = work.SceneUnit(str(job.root), record)
    elif contacts is not None and "masks" in kinds:
        found, files = contacts
        body = _body(job, "its labels", found[0].num_vertices if found else 0)
        labels += files
        by_image: dict[str, list[BodyContact]] = defaultdict(list)
        for contact in found:
            by_image[contact.image].append(contact)
        for number, (image, of_image) in enumerate(by_image.items()):
            units[f"image-{number:06d}"] = work.ImageUnit(image, tuple(of_image))
    if "points" in kinds:
        for number, (dataset, path) in enumerate(clouds):
            units[f"points-{number:06d}"] = work.PointsUnit(dataset, str(path))
    return _Plan(kinds, body, units, labels)


def _points(folder: Path, files: Any) -> Sequence[Path]:
    return files(folder) if folder.is_dir() else ()


def _contacts(job: PrepareJob, optional: bool) -> tuple[list[BodyContact], list[Path]] | None:
    """The contact of people, and the files that it was read from; None where there is none and none is needed."""
    try:
        if job.foot_ground:
            found = read_damon(job.root, _body(job, "DAMON", SMPL_VERTICES).parts(), foot_ground=True)
        else:
            found = read_contact_truth(job.source, job.split).contacts
    except MissingFileError:
        raise
    except InputError:
        if optional and (job.kinds is None or "masks" not in job.kinds):
            return None
        raise
    files = [job.root] if job.root.is_file() else sorted(job.root.glob("*.npy")) + sorted(job.root.glob("*.pkl"))
    return found, files


def _body(job: PrepareJob, whose: str, vertices: int) -> ContactBody:
    generated = (job.root / ANNOTATIONS).is_file()
    if job.body is None and not generated:
        raise InputError(
            f"{whose}: of SMPL's {vertices:,} vertices; give your own file of SMPL or SMPL-H with --body: its views "
            "are drawn"
        )
    body = load_body(job.body or ANNY)
    if vertices and len(body.vertices) != vertices:
        raise InputError(
            f"{whose}: of a body of {vertices:,} vertices, but {job.body or ANNY} has {len(body.vertices):,}"
        )
    return body


def _settings(job: PrepareJob, plan: _Plan) -> dict[str, Any]:
    body = plan.body
    return {
        "version": _VERSION,
        "labels": {file.name: content_digest(file) for file in plan.labels},
        "units": len(plan.units),
        "kinds": list(plan.kinds),
        "views": None if body is None else body_folder(body, job.min_vertices),
        "body": None if body is None else body.name if body.name == ANNY else content_digest(str(job.body)),
        "size": job.size,
        "min_vertices": job.min_vertices,
        "foot_ground": job.foot_ground,
    }


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Make sure that the folder is empty or holds a run of the same settings."""
    described = folder / SETTINGS_FILE
    if not described.is_file():
        _check_is_ours(folder)
        with atomic_path(described) as temporary:
            temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    there = read_json(described)
    if not isinstance(there, dict):
        raise InputError(f"{described}: expected a JSON object, got {brief(there)}; remove the folder to start over")
    other = [key for key in settings if there.get(key) != settings[key]]
    if other:
        listing = ", ".join(f"{key} {brief(there.get(key))} there, {brief(settings[key])} wanted" for key in other)
        raise InputError(f"{folder} was prepared with other settings ({listing}); give another folder")


def _check_is_ours(folder: Path) -> None:
    if not folder.is_dir() or (folder / SETTINGS_FILE).is_file():
        return
    others = [path.name for path in folder.iterdir() if path.name != LOCK_FILE and not is_temporary(path.name)]
    if others:
        raise InputError(f"{folder} is not empty and holds no prepared contact; give another folder")


def _collect(folder: Path, names: Sequence[str]) -> Path:
    """Put the records together in the order of the labels; they stay, so that the same command has nothing to do."""
    parts: dict[str, list[str]] = {}
    with atomic_path(folder / SAMPLES) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for name in names:
            for line in read_lines(folder / work.PARTS / f"{name}.json"):
                stream.write(line + "\n")
                sample = json.loads(line)
                if "parts" in sample and "human_box" not in sample:
                    parts[f"{Path(sample['image']).stem}_{sample['object']}"] = sample["parts"]
    if parts:
        with atomic_path(folder / "body_parts_objectwise.json") as temporary:
            temporary.write_text(json.dumps(parts, indent=0) + "\n", encoding="utf-8")
    return folder / SAMPLES
