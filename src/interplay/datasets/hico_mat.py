"""HICO-DET's official file, ``anno_bbox.mat``.

``bbox_train`` and ``bbox_test`` are MATLAB structures, one per image: ``filename``; ``size`` (``width``,
``height``, ``depth``); ``hoi``, one per interaction class of the image: ``id`` (1..600), ``bboxhuman`` and
``bboxobject`` (``x1``, ``x2``, ``y1``, ``y2``, counted from 1), ``connection`` (pairs of positions in these, from
1) and ``invis`` (1: the interaction is in the image, but not visible; it has no boxes). ``list_action`` has the
600 classes. HICO-DET (Chao et al., WACV 2018), www-personal.umich.edu/~ywchao/hico.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interplay.containers.guard import locating
from interplay.containers.isolated import check_mat_version, read_isolated
from interplay.datasets.builder import TableBuilder, pick
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_VARIABLES = {"train": "bbox_train", "trainval": "bbox_train", "test": "bbox_test"}


def is_hico_mat(source: Source) -> bool:
    """Whether this is a MATLAB file; its variables are only known once it is read."""
    return source.kind == "mat"


def read_hico_mat(source: Source, vocabulary: Vocabulary, split: str) -> InteractionTable:
    """One split. Invisible interactions become the images' `image_labels`.

    Reading takes seconds (about ten for the training split); write the table once as Parquet
    (``interplay datasets convert``) to avoid that.

    Args:
        split: ``"train"`` (also ``"trainval"``) or ``"test"``.

    Raises:
        InputError: not the official structure; names image and field.
    """
    variable = _VARIABLES.get(split)
    if variable is None:
        raise InputError(f"{source.path}: HICO-DET has the splits train and test, not {split!r}")
    # a damaged file can end the process that reads it
    images = read_isolated(f"{__name__}:_images", source.path, variable, what="a MATLAB file of version 5")
    builder = TableBuilder(vocabulary)
    for i, (name, size, interactions) in enumerate(images):
        with locating(f"{source.path}: {variable}({i + 1})"):
            builder.image(name, size, origin=1)
            for interaction in interactions:
                _add_interaction(builder, *interaction)
    return builder.build()


_BoxList = list[tuple[int, int, int, int]]
_Interaction = tuple[int, _BoxList, _BoxList, list[list[int]], bool]
"""Class from 1, people, objects, pairs of positions in these from 1, and whether it is invisible."""


def _add_interaction(
    builder: TableBuilder, number: int, humans: _BoxList, objects: _BoxList, pairs: list[list[int]], invisible: bool
) -> None:
    vocabulary = builder.vocabulary
    index = pick(range(len(vocabulary.interactions)), number - 1, "id (less 1)")
    verb, label = (int(value) for value in vocabulary.interactions[index])
    if invisible or not len(pairs):
        builder.image_label(verb, label)
        return
    for human, target in pairs:
        person = builder.box(humans[pick(range(len(humans)), human - 1, "connection")], vocabulary.person)
        builder.triplet(person, verb, builder.box(objects[pick(range(len(objects)), target - 1, "connection")], label))


def _images(path: str, variable: str) -> list[tuple[str, tuple[int, int], list[_Interaction]]]:
    """Name, size and interactions of every image. Run by a reader process."""
    from scipy.io import loadmat

    check_mat_version(path)
    content = loadmat(path, variable_names=[variable])
    if variable not in content or content[variable].dtype.names is None:
        raise InputError(f"{path}: the structure {variable!r} is missing; is this anno_bbox.mat?")
    found = []
    for i, image in enumerate(content[variable].reshape(-1)):
        with locating(f"{path}: {variable}({i + 1})"):
            size = image["size"].reshape(-1)[0]
            interactions = [_interaction(hoi) for hoi in image["hoi"].reshape(-1)]
            found.append((_text(image["filename"]), (_number(size["width"]), _number(size["height"])), interactions))
    return found


def _interaction(hoi: Any) -> _Interaction:
    pairs = np.asarray(hoi["connection"]).astype(np.int64).reshape(-1, 2).tolist()
    return _number(hoi["id"]), _boxes(hoi["bboxhuman"]), _boxes(hoi["bboxobject"]), pairs, bool(_number(hoi["invis"]))


def _boxes(value: Any) -> _BoxList:
    if value.dtype.names is None:  # an empty structure is saved as an empty matrix
        return []
    return [tuple(_number(box[side]) for side in ("x1", "y1", "x2", "y2")) for box in value.reshape(-1)]  # type: ignore[misc]


def _number(value: Any) -> int:
    return int(np.asarray(value).reshape(-1)[0])


def _text(value: Any) -> str:
    return str(np.asarray(value).reshape(-1)[0])
