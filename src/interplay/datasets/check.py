"""Checking a folder: which data sets are there, whether they are whole, and where to get what is missing."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from interplay.containers.arrays import read_npy
from interplay.containers.text import read_text
from interplay.datasets import catalogue, damon, forms, hoi_vqa, lemon, piad, pico, rich, tools
from interplay.datasets.box_check import check_table
from interplay.datasets.coco_keypoints import keypoint_files, read_coco_people, with_keypoints
from interplay.datasets.finding import Finding
from interplay.datasets.image_check import AnnotatedImages
from interplay.datasets.images import ImageFinder
from interplay.datasets.load import coco_beside, read_source, split_of
from interplay.datasets.sources import Source, sources_in, walk_files
from interplay.datasets.validate import validate
from interplay.errors import InterplayError, MissingFileError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_EXAMPLES = 3


@dataclass
class _Seen:
    """What has been seen of one data set so far; a split is None where a file does not tell.

    Attributes:
        tables: what V-COCO's files hold, by name, to find COCO's keypoints for.
    """

    splits: set[str | None] = field(default_factory=set)
    images: AnnotatedImages = field(default_factory=AnnotatedImages)
    tables: dict[str, InteractionTable] = field(default_factory=dict)


def check_folder(folder: str | os.PathLike[str], on_file: Callable[[Path], None] | None = None) -> list[Finding]:
    """Look through a folder and compare what is there with what was published.

    Recognised are the annotations of HICO-DET, V-COCO and PaStaNet-HOI in all forms that `load_annotations` reads,
    the lists and tables that come with them, their images, generated scenes (with the digests of the fixed
    benchmarks), and one's own data in JSON Lines or Parquet.

    Args:
        on_file: called with each file before it is read (the large ones take seconds).

    Returns:
        Findings, grouped by data set. Nothing is wrong or missing if all are ``ok`` or ``note``.

    Raises:
        MissingFileError: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"no folder {folder}")
    seen: dict[str, _Seen] = {}
    findings: list[Finding] = []

    def note_odd(path: Path, reason: str) -> None:
        name = str(path.relative_to(folder))
        findings.append(Finding("not looked into", "broken", name, reason.removeprefix(f"{path}: ")))

    for source in sources_in(folder, on_problem=note_odd):
        form = forms.recognise(source)
        if form is not None:
            if on_file is not None:
                on_file(source.path)
            findings += _check_annotations(source, form, folder, seen)
        elif (problem := tools.without_interactions(source)) is not None and not forms.is_coco_instances(source):
            name = str(source.path.relative_to(folder))
            findings.append(Finding("annotation tools", "note", name, problem.split("\n")[0]))
    findings += _check_tables(folder, seen)
    images = ImageFinder(folder)  # one for all, since it lists the whole folder
    for dataset, found in seen.items():
        findings += _missing_annotations(dataset, found)
        findings += _check_images(dataset, found, images)
        findings += _check_keypoints(dataset, found, folder)
    for contact_data in (damon, hoi_vqa, lemon, piad, pico, rich):
        findings += contact_data.check(folder)
    if not findings:
        findings.append(_nothing(images))
    return sorted(findings, key=lambda finding: finding.dataset)


def _check_annotations(source: Source, form: forms.Form, folder: Path, seen: dict[str, _Seen]) -> Iterator[Finding]:
    name = str(source.path.relative_to(folder))
    if form.datasets == ("own",) or form is forms.OWN:
        yield from _check_own(source, form, name, seen)
        return
    if form is forms.GENERATED:
        yield from _check_generated(source, name)
        return
    dataset = form.datasets[0]
    if form is forms.HAKE and b"HICO_" not in source.head[:2000]:
        dataset = "pastanet-hoi"
        seen.setdefault(dataset, _Seen()).splits.add("train")
    if form is forms.VCOCO_ACTIONS and not coco_beside(source.path):
        found = seen.setdefault(dataset, _Seen())
        found.splits.add(split_of(source.path))
        yield Finding(
            dataset, "missing", f"boxes for {name}", f"COCO's instances files; from {catalogue.COCO_INSTANCES}"
        )
        return
    for split in ("train", "test") if form.every_split else (split_of(source.path) or "test",):
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                table = read_source(form, source, split, Vocabulary.load(dataset), with_ids=True)
        except InterplayError as error:
            yield Finding(dataset, "broken", name, str(error))
            continue
        held = _split_held(table, source.path)
        found = seen.setdefault(dataset, _Seen())
        found.splits.add(held)
        found.images.add(table)
        if dataset == "v-coco":
            found.tables[name] = table
        yield _compare(dataset, name, form, held, table, catalogue.EXPECTED.get((form.name, held)) if held else None)
        for warning in caught:
            yield Finding(dataset, "note", name, str(warning.message).removeprefix(f"{source.path}: "))


def _split_held(table: InteractionTable, path: Path) -> str | None:
    """HICO-DET's images say which split they belong to; elsewhere the file's name must, or it is unknown."""
    for split in ("train", "test"):
        if table.files and table.files[0].startswith(f"HICO_{split}2015"):
            return split
    return split_of(path)


def _expected_of_own(table: InteractionTable, path: Path) -> catalogue.Expected | None:
    """What is published of data that bring their own vocabulary."""
    for (start, split), expected in catalogue.EXPECTED_OWN.items():
        if split == split_of(path) and table.files and all(file.startswith(f"{start}_") for file in table.files):
            return expected
    return None


def _compare(
    dataset: str,
    name: str,
    form: forms.Form,
    split: str | None,
    table: InteractionTable,
    expected: catalogue.Expected | None,
) -> Finding:
    counted = {"images": len(table), "interactions": len(table.verb)}
    if table.unlabelled is not None:
        people = table.labels == table.vocabulary.person
        counted["labelled people"] = int((people & ~table.unlabelled).sum())
    listing = ", ".join(f"{number:,} {what}" for what, number in counted.items())
    if expected is None:
        return Finding(dataset, "ok", name, f"{listing} ({form.name})")
    published = {"images": expected.images, "interactions": expected.interactions}
    if form is forms.VCOCO_ACTIONS:
        published["labelled people"] = expected.labelled_people
    differing = {k: v for k, v in published.items() if v is not None and v != counted[k]}
    if differing:
        wanted = ", ".join(f"{number:,} {what}" for what, number in differing.items())
        return Finding(dataset, "different", name, f"{listing}; published: {wanted} ({form.name}, {split})")
    return Finding(dataset, "ok", name, f"{listing}, as published ({form.name}, {split})")


def _check_own(source: Source, form: forms.Form, name: str, seen: dict[str, _Seen]) -> Iterator[Finding]:
    dataset = f"own: {name}"
    if form is forms.OWN_NUMBERS:
        detail = "own data that number their classes; with a vocabulary: interplay datasets stats FILE --vocabulary V"
        yield Finding(dataset, "note", name, detail)
        return
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = read_source(form, source, "test", None)
            if form is not forms.OWN:  # of which every problem is counted below
                check_table(table, source.path)
    except InterplayError as error:
        yield Finding(dataset, "broken", name, f"{error}; for all problems: interplay datasets validate")
        return
    seen.setdefault(dataset, _Seen()).images.add(table)
    expected = _expected_of_own(table, source.path)
    yield _compare(dataset, name, form, split_of(source.path), table, expected)
    for warning in caught:
        yield Finding(dataset, "note", name, str(warning.message).removeprefix(f"{source.path}: "))
    if form is forms.OWN and source.kind == "json":
        report = validate(source.path)
        if report.problems:
            detail = f"{report.errors} errors, {report.warnings} warnings; see: interplay datasets validate"
            yield Finding(dataset, "different" if report.errors else "note", name, detail)


def _check_generated(source: Source, name: str) -> Iterator[Finding]:
    """A generated data set: its annotations, whether its pictures are as written, and a benchmark's digest."""
    from interplay.datasets.generated.benchmark import verify
    from interplay.datasets.generated.files import changed_pictures

    folder = source.path.parent
    try:
        table = read_source(forms.GENERATED, source, "test", Vocabulary.load("generated"))
        changed = changed_pictures(folder)
        verified = verify(folder)
    except InterplayError as error:
        yield Finding("generated", "broken", name, str(error))
        return
    yield Finding("generated", "ok", name, f"{len(table):,} images, {len(table.verb):,} interactions")
    if changed:
        more = ", ..." if len(changed) > 1 else ""
        detail = f"{len(changed):,} are missing or not as they were written: {changed[0]}{more}"
        yield Finding("generated", "different", f"pictures of {name}", detail)
    else:
        yield Finding("generated", "ok", f"pictures of {name}", f"all {len(table):,} are as they were written")
    if verified is not None:
        yield Finding("generated", verified.status, verified.name, verified.detail)


def _check_tables(folder: Path, seen: dict[str, _Seen]) -> Iterator[Finding]:
    """The lists of images and the matrices that circulate beside the annotations."""
    for path in walk_files(folder, frozenset({".ids", ".txt", ".npy"})):
        name = str(path.relative_to(folder))
        if path.name in catalogue.LIST_LENGTHS:
            dataset = catalogue.LIST_DATASETS[path.suffix]
            seen.setdefault(dataset, _Seen())
            yield _check_list(path, name, dataset)
        elif path.name == "corre_hico.npy":
            yield _check_correspondence(path, name)
    if "pastanet-hoi" in seen:
        yield Finding("pastanet-hoi", "note", "split sizes", catalogue.PASTANET_NOTE)


def _check_list(path: Path, name: str, dataset: str) -> Finding:
    try:
        lines, expected = len(read_text(path).split()), catalogue.LIST_LENGTHS[path.name]
    except InterplayError as error:
        return Finding(dataset, "broken", name, str(error))
    if lines == expected:
        return Finding(dataset, "ok", name, f"{lines:,} images, as published")
    return Finding(dataset, "different", name, f"{lines:,} images, published: {expected:,}")


def _check_correspondence(path: Path, name: str) -> Finding:
    vocabulary = Vocabulary.load("hico-det")
    expected = vocabulary.interaction_lookup[:, :-1] >= 0
    try:
        matrix = read_npy(path)
    except InterplayError as error:
        return Finding("hico-det", "broken", name, str(error))
    if matrix.shape != expected.shape or not np.array_equal(matrix > 0, expected):
        return Finding("hico-det", "different", name, "not the 117 x 80 table of HICO-DET's 600 interactions")
    return Finding("hico-det", "ok", name, "117 verbs x 80 objects, the 600 interactions of the vocabulary")


def _missing_annotations(dataset: str, found: _Seen) -> Iterator[Finding]:
    for part in catalogue.ANNOTATIONS.get(dataset, ()):
        if None not in found.splits and not found.splits.intersection(part.splits):
            yield Finding(dataset, "missing", part.name, f"from {part.source}")


def _check_images(dataset: str, found: _Seen, images: ImageFinder) -> Iterator[Finding]:
    if not len(found.images):
        return
    report = found.images.compare(images)
    source = catalogue.IMAGES.get(dataset)
    origin = f"; from {source}" if source else ""
    if report.missing:
        there = f"{report.total - len(report.missing):,} of {report.total:,} annotated images are there"
        more = ", ..." if len(report.missing) > 1 else ""
        yield Finding(dataset, "missing", "images", f"{there}; missing: {report.missing[0]}{more}{origin}")
    elif not report.wrong:
        yield Finding(dataset, "ok", "images", f"all {report.total:,} annotated images are there")
    if report.wrong:
        examples = "; ".join(f"{file} ({problem})" for file, problem in list(report.wrong.items())[:_EXAMPLES])
        more = "; ..." if len(report.wrong) > _EXAMPLES else ""
        detail = f"{len(report.wrong):,} are not the images that were annotated: {examples}{more}{origin}"
        yield Finding(dataset, "different", "images", detail)


def _check_keypoints(dataset: str, found: _Seen, folder: Path) -> Iterator[Finding]:
    """Who has keypoints in COCO's files that lie beside V-COCO's."""
    if not found.tables or next(keypoint_files(folder), None) is None:
        return
    try:
        people = read_coco_people(folder)
    except InterplayError as error:
        yield Finding(dataset, "broken", "COCO's keypoints", str(error))
        return
    for name, table in found.tables.items():
        try:
            match = with_keypoints(table, people)[1]
        except InterplayError:
            yield Finding(dataset, "note", f"keypoints for {name}", "COCO's keypoints here are of other images")
            continue
        yield Finding(dataset, "ok" if match.complete else "note", f"keypoints for {name}", str(match))


def _nothing(images: ImageFinder) -> Finding:
    count = len(images.all_names())
    if count:
        detail = f"{count:,} images without annotations; interplay detect finds interactions in them"
        return Finding("images", "note", str(images.root), detail)
    return Finding("nothing", "missing", str(images.root), "no annotations in a form that interplay reads, no images")
