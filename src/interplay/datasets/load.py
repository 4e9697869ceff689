"""`load_annotations`: the annotations of a data set, in whichever form they are there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from interplay.containers.text import read_text
from interplay.datasets import forms, tools
from interplay.datasets.box_check import check_table
from interplay.datasets.coco_keypoints import KeypointMatch, with_keypoints
from interplay.datasets.content import check_content
from interplay.datasets.exchange.labelme import is_labelme, read_labelme
from interplay.datasets.sources import Source, open_source, sources_in, walk_files
from interplay.datasets.vcoco import read_vcoco_actions
from interplay.defaults import DATASETS
from interplay.errors import InputError, MissingFileError, near_matches
from interplay.formats.reading import OWN_NAMES, OwnNames
from interplay.interactions import Interactions
from interplay.ops.image_names import image_number
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, canonical_name

Split = Literal["train", "val", "trainval", "test"]

_LOOKED_AT = 20
"""Files of a folder in which an annotation tool is looked for where nothing else is found."""

_SPLITS = ("train", "val", "trainval", "test")


def load_annotations(
    dataset: str,
    path: str | os.PathLike[str],
    split: str = "test",
    vocabulary: Vocabulary | OwnNames | None = None,
    keypoints: str | os.PathLike[str] | None = None,
) -> InteractionTable:
    """Read the annotations of a data set.

    The form is told by a file's content. Accepted are, for ``hico-det``: the official ``anno_bbox.mat``,
    ``instances_{train,test}2015.json``, ``{trainval,test}_hico.json`` and HAKE's instance-level file; for
    ``v-coco``: the official ``vcoco_*.json`` with COCO's instances files beside it,
    ``instances_vcoco_{trainval,test}.json`` and ``{trainval,test}_vcoco.json``; for ``hoi-a``:
    ``{trainval,test}_hoia.json``; for ``vidhoi``: ``{train,val}_frame_annots.json``; for ``pastanet-hoi``: HAKE-Large's
    file with the ``split_*.txt`` lists beside it; for ``generated`` a folder that ``interplay synthesize`` wrote, or a
    benchmark's folder with one for each split; and for published data sets also interplay's own JSON Lines and Parquet.
    ``own`` data may be in the last two, or in the published JSON forms (the first one needs a `vocabulary` then).

    A box that the source repeats in an image is one box of the table; interactions are never merged, and come in
    the order of the source. Boxes are x1, y1, x2, y2 in pixels counted from 0.

    Args:
        dataset: ``"hico-det"``, ``"v-coco"``, ``"pastanet-hoi"``, ``"hoi-a"``, ``"vidhoi"``, ``"generated"`` or
            ``"own"``.
        path: a file, or a folder that is searched for the best form of the split.
        split: ``"train"``, ``"val"``, ``"trainval"`` or ``"test"``. A single file that holds one split is read
            whatever this says. HICO-DET has no ``val``; its ``trainval`` is ``train``.
        vocabulary: for ``own`` data, what labels and verbs mean; by default what the file itself says, never a
            built-in one that happens to know its names.
        keypoints: COCO's ``person_keypoints_*.json``, or a folder with them: gives the people COCO's keypoints, areas
            and crowds, see `with_keypoints`. A warning says who was not found.

    Raises:
        MissingFileError: nothing at `path`, or a folder without annotations of this data set and split.
        InputError: the content is in none of the accepted forms, broken, or another data set's (more than a tenth of
            its images or interactions do not fit); says where.
    """
    if keypoints is None:
        return _load(dataset, path, split, vocabulary, with_ids=False)
    table, match = load_with_keypoints(dataset, path, split, vocabulary, keypoints)
    if not match.complete:
        warnings.warn(f"keypoints of {keypoints}: {match}", stacklevel=2)
    return table


def load_detected(
    path: str | os.PathLike[str],
    split: str = "test",
    vocabulary: Vocabulary | OwnNames | None = None,
    keypoints: str | os.PathLike[str] | None = None,
) -> InteractionTable:
    """`load_annotations` of the data set that `detect_dataset` finds; each file is parsed once.

    Raises:
        MissingFileError, InputError: as for both.
    """
    sources = _sources(Path(path))
    dataset = _detect(Path(path), sources)
    table = _load(dataset, path, split, vocabulary, keypoints is not None, sources)
    if keypoints is None:
        return table
    table, match = with_keypoints(table, keypoints)
    if not match.complete:
        warnings.warn(f"keypoints of {keypoints}: {match}", stacklevel=2)
    return table


def load_with_keypoints(
    dataset: str,
    path: str | os.PathLike[str],
    split: str,
    vocabulary: Vocabulary | OwnNames | None,
    keypoints: str | os.PathLike[str],
) -> tuple[InteractionTable, KeypointMatch]:
    """`load_annotations` with COCO's keypoints, and who was found, without a warning."""
    return with_keypoints(_load(dataset, path, split, vocabulary, with_ids=True), keypoints)


def _load(
    dataset: str,
    path: str | os.PathLike[str],
    split: str,
    vocabulary: Vocabulary | OwnNames | None,
    with_ids: bool,
    sources: Sequence[Source] | None = None,
) -> InteractionTable:
    name = dataset_name(dataset)
    if split not in _SPLITS:
        raise InputError(f"split must be one of {', '.join(_SPLITS)}, got {split!r}")
    if vocabulary is None:
        vocabulary = OWN_NAMES if name == "own" else Vocabulary.load(name)
    path = Path(path)
    sources = _sources(path) if sources is None else sources
    if path.is_dir():
        table = _load_folder(name, path, sources, split, vocabulary, with_ids)
    else:
        table = _load_file(name, sources[0], split, vocabulary, with_ids)
    if name == "own":
        check_table(table, path)
    return table


def dataset_name(name: str) -> str:
    """The canonical name of a data set, from any spelling that `canonical_name` knows.

    Raises:
        InputError: unknown; names the nearest ones.
    """
    plain = canonical_name(name)
    if plain not in DATASETS:
        raise InputError(
            f"unknown data set {name!r}: expected one of {', '.join(DATASETS)}.{near_matches(name, DATASETS)}"
        )
    return plain


def detect_dataset(path: str | os.PathLike[str]) -> str:
    """Which data set a file or folder holds; ``own`` for interplay's own forms, and for classes of one's own.

    Raises:
        MissingFileError: nothing there, or a folder without annotations.
        InputError: none of the accepted forms, or a folder with several data sets.
    """
    return _detect(Path(path), _sources(Path(path)))


def _sources(path: Path) -> list[Source]:
    """The files to look at, each of which is parsed once however often it is asked."""
    return list(sources_in(path)) if path.is_dir() else [open_source(path)]


def _detect(path: Path, sources: Sequence[Source]) -> str:
    found = {form.datasets for source in sources if (form := forms.recognise(source)) is not None}
    names = {"own" if "own" in datasets else datasets[0] for datasets in found}
    if len(names) == 1:
        return names.pop()
    if names:
        raise InputError(f"{path} holds several data sets ({', '.join(sorted(names))}); say which one is meant")
    if not path.is_dir():
        raise_if_only_boxes(sources[0])
    tool = _tool_in(sources) if path.is_dir() else ""
    listing = "\n".join(f"{name}:\n{forms.accepted(name)}" for name in DATASETS)
    problem = f"{path} holds no annotations in a form that interplay reads.{tool} It reads for\n{listing}"
    raise MissingFileError(problem) if path.is_dir() else InputError(problem)


def split_of(path: Path) -> str | None:
    """The split that a published file's name speaks of, None where it speaks of none."""
    stem = path.stem.lower()
    for split in ("trainval", "train", "val", "test"):  # trainval contains the next two
        if split in stem:
            return split
    return None


def read_source(
    form: forms.Form, source: Source, split: str, vocabulary: Vocabulary | OwnNames | None, with_ids: bool = False
) -> InteractionTable:
    """One file in a known form; all images that it holds of the split (most forms hold one).

    Args:
        vocabulary: None only for one's own data, whose names the file may hold.
        with_ids: keep COCO's ids of boxes, where the form has them.

    Raises:
        InputError: the content is broken, or not that of the data set which the form is of; says where.
    """
    if form is forms.OWN:
        return _read_own(source.path, vocabulary)
    if isinstance(vocabulary, str):
        vocabulary = None  # these forms say what their numbers mean
    if form is forms.VCOCO_ACTIONS:
        assert vocabulary is not None
        table = read_vcoco_actions([source], coco_beside(source.path), vocabulary, with_ids)
    else:
        assert form.read is not None
        table = form.read(source, vocabulary, split)
    if len(form.datasets) == 1:
        check_content(form.datasets[0], table, source)
    return table


def _load_file(
    name: str, source: Source, split: str, vocabulary: Vocabulary | OwnNames | None, with_ids: bool
) -> InteractionTable:
    form = forms.recognise(source, name)
    if form is None:
        raise_if_only_boxes(source)
        form = forms.OWN if name == "own" else None  # whose reader names what is wrong by line
    if form is None:
        raise InputError(f"{_not_of(source, name)} interplay reads\n{forms.accepted(name)}")
    table = read_source(form, source, split, vocabulary, with_ids)
    if name == "pastanet-hoi" and form is forms.HAKE:
        return _only_listed(table, source.path.parent, f"split_{split}.txt")
    return table


def raise_if_only_boxes(source: Source) -> None:
    """Name the tool that wrote a file, if it is one whose files hold boxes without interactions.

    Raises:
        InputError: it is; says how to make use of the boxes.
    """
    message = tools.without_interactions(source)
    if message is not None:
        raise InputError(message)


def _tool_in(sources: Iterable[Source]) -> str:
    """A sentence that names a tool some of whose files are among the first of a folder, or nothing."""
    for source in islice(sources, _LOOKED_AT):
        tool = tools.tool_of(source)
        if tool is not None and tool.read is None:
            return f" {source.path.name} is of {tool.name}: 'interplay datasets validate' on it says how to go on."
    return ""


def _not_of(source: Source, name: str) -> str:
    """What a file holds instead of annotations of a data set."""
    other = forms.recognise(source)
    if other is None:
        return f"{source.path} holds no annotations of {name} in a form that interplay reads."
    if other.datasets != ("own",):
        there = other.datasets[0]
        return f"{source.path} holds no annotations of {name}, but {there}'s: say --dataset {there}."
    return (
        f"{source.path} holds no annotations of {name}, but data of your own: its images or classes have other names. "
        "Say --dataset own, and --vocabulary FILE where it does not name its classes."
    )


def _read_own(path: Path, vocabulary: Vocabulary | OwnNames | None) -> InteractionTable:
    from interplay.formats import read

    table = read(path, vocabulary)
    if table.scored:
        raise InputError(f"{path}: holds predictions (it has scores), expected annotations without scores")
    return table


def _load_folder(
    name: str,
    folder: Path,
    there: Sequence[Source],
    split: str,
    vocabulary: Vocabulary | OwnNames | None,
    with_ids: bool,
) -> InteractionTable:
    found: dict[str, list[Source]] = {}
    for source in there:
        form = forms.recognise(source, name)
        if form is not None:
            found.setdefault(form.name, []).append(source)
    numbered = [source for sources in found.values() for source in sources if is_labelme(source)]
    if name == "own" and numbered and len(numbered) == sum(map(len, found.values())):
        return read_labelme(numbered, vocabulary if isinstance(vocabulary, Vocabulary) else None)
    if name == "own" and sum(map(len, found.values())) > 1:
        several = [source for sources in found.values() for source in sources]
        found = {form: fitting for form, sources in found.items() if (fitting := _of_split(sources, split))}
        if sum(map(len, found.values())) != 1:
            files = ", ".join(str(s.path.relative_to(folder)) for s in several)
            raise InputError(f"{folder} holds several annotation files ({files}); give the one that is meant")
    for form in forms.FORMS:
        sources = found.get(form.name, [])
        chosen = sources[:1] if form.every_split or name == "own" else _choose(sources, name, split, folder)
        if not chosen:
            continue
        if form is forms.VCOCO_ACTIONS:
            coco = [s for s in there if forms.is_coco_instances(s)]
            if not coco:
                continue  # labels without boxes: another form may have both
            assert isinstance(vocabulary, Vocabulary)
            table = read_vcoco_actions(chosen, _likely_first(coco), vocabulary, with_ids)
        elif form is forms.GENERATED:
            assert isinstance(vocabulary, Vocabulary)
            table = _read_generated(chosen, folder, split, vocabulary)
        else:
            table = read_source(form, chosen[0], split, vocabulary, with_ids)
        if name == "pastanet-hoi" and form is forms.HAKE:
            return _only_listed(table, folder, f"split_{split}.txt")
        if name == "v-coco" and split in ("train", "val") and split_of(chosen[0].path) == "trainval":
            return _only_listed(table, folder, f"vcoco_{split}.ids")
        return table
    listed = ", ".join(str(s.path.relative_to(folder)) for sources in found.values() for s in sources)
    hint = f" There are: {listed}." if listed else _tool_in(there)
    if name == "v-coco" and found.get(forms.VCOCO_ACTIONS.name):
        hint += " V-COCO's own form also needs COCO's instances files (instances_vcoco_all_2014.json)."
    raise MissingFileError(
        f"{folder} has no annotations of {name}, split {split!r}.{hint} interplay reads\n{forms.accepted(name)}"
    )


def _read_generated(sources: Sequence[Source], folder: Path, split: str, vocabulary: Vocabulary) -> InteractionTable:
    """Generated splits as one table, with the pictures' names as seen from the folder: all splits have a 000000.jpg."""
    images: list[Interactions] = []
    for source in sources:
        table = read_source(forms.GENERATED, source, split, vocabulary)
        below = source.path.parent.relative_to(folder)
        for image in table:
            image.file = (below / (image.file or "")).as_posix()
            images.append(image)
    return InteractionTable.from_list(images, vocabulary)


def _choose(sources: Sequence[Source], name: str, split: str, folder: Path) -> list[Source]:
    """The files that together hold a split: one, or V-COCO's train and val for trainval.

    A file whose name speaks of no split is taken when nothing else fits.
    """
    by_split: dict[str | None, Source] = {}
    for source in sources:
        by_split.setdefault(
            _folder_split(source.path, folder) if name == "generated" else split_of(source.path), source
        )
    if name == "pastanet-hoi":  # one annotation file; the lists of images make the split
        return list(sources[:1])
    if name == "hico-det":
        wanted: list[list[str]] = [["test"]] if split == "test" else [["train"], ["trainval"]] if split != "val" else []
    elif split == "trainval":
        wanted = [["trainval"], ["train", "val"]]
    else:
        wanted = [[split], ["trainval"]] if split != "test" else [["test"]]
    for names in wanted:
        if all(n in by_split for n in names):
            return [by_split[n] for n in names]
    return [by_split[None]] if None in by_split else []


def _of_split(sources: Sequence[Source], split: str) -> list[Source]:
    """The files whose names speak of a split; ``train`` is also all of one's own for trainval."""
    wanted = ("trainval", "train") if split == "trainval" else (split,)
    return [source for source in sources if split_of(source.path) in wanted]


def _folder_split(path: Path, folder: Path) -> str | None:
    """The split that a generated data set's folder, below the given one, is named after."""
    return path.parent.name if path.parent != folder and path.parent.name in _SPLITS else None


def coco_beside(path: Path) -> list[Source]:
    """COCO's instances files near a V-COCO file: below its folder, in the folder above, or in folders next to it."""
    near = ((path.parent, 2), (path.parent.parent, 1))
    sources = {source.path: source for folder, depth in near for source in sources_in(folder, {".json"}, depth)}
    return _likely_first([source for source in sources.values() if forms.is_coco_instances(source)])


def _likely_first(coco: list[Source]) -> list[Source]:
    return sorted(coco, key=lambda s: ("vcoco" not in s.path.stem, "instances" not in s.path.stem, s.path.stem))


def _only_listed(table: InteractionTable, folder: Path, list_name: str) -> InteractionTable:
    """The images that a published list of the split names (file names, or COCO ids), in the table's order."""
    lists = [p for p in walk_files(folder, frozenset({Path(list_name).suffix})) if p.name == list_name]
    if not lists:
        raise MissingFileError(f"the split needs the published list {list_name}, which is not in {folder}")
    listed = set(read_text(lists[0]).split())
    keys = [file if list_name.endswith(".txt") else str(image_number(file)) for file in table.files]
    chosen = np.flatnonzero([key in listed for key in keys])
    if len(chosen) < len(listed):
        problem = f"{len(listed) - len(chosen)} of the {len(listed)} images in {lists[0]} have no annotations"
        if not len(chosen):
            raise InputError(problem)
        warnings.warn(f"{problem}; they are left out", stacklevel=2)
    return table.select(chosen)
