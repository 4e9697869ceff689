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

from interplay.datasets.builder import TableBuilder, pick, reading
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
    from scipy.io import loadmat

    variable = _VARIABLES.get(split)
    if variable is None:
        raise InputError(f"{source.path}: HICO-DET has the splits train and test, not {split!r}")
    try:
        content = loadmat(source.path, variable_names=[variable])
    except (NotImplementedError, ValueError, TypeError) as error:
        raise InputError(f"{source.path}: not a MATLAB 5 file as HICO-DET's official one: {error}") from None
    if variable not in content or content[variable].dtype.names is None:
        raise InputError(f"{source.path}: the structure {variable!r} is missing; is this anno_bbox.mat?")
    builder = TableBuilder(vocabulary)
    for i, image in enumerate(content[variable].reshape(-1)):
        with reading(f"{source.path}: {variable}({i + 1})"):
            size = image["size"].reshape(-1)[0]
            builder.image(_text(image["filename"]), (_number(size["width"]), _number(size["height"])), origin=1)
            for hoi in image["hoi"].reshape(-1):
                _add_interaction(builder, hoi)
    return builder.build()


def _add_interaction(builder: TableBuilder, hoi: Any) -> None:
    vocabulary = builder.vocabulary
    index = pick(range(len(vocabulary.interactions)), _number(hoi["id"]) - 1, "id (less 1)")
    verb, label = (int(value) for value in vocabulary.interactions[index])
    humans, objects = _boxes(hoi["bboxhuman"]), _boxes(hoi["bboxobject"])
    connection = np.asarray(hoi["connection"]).astype(np.int64).reshape(-1, 2)
    if _number(hoi["invis"]) or not len(connection):
        builder.image_label(verb, label)
        return
    for human, target in connection.tolist():
        person = builder.box(humans[pick(range(len(humans)), human - 1, "connection")], vocabulary.person)
        builder.triplet(person, verb, builder.box(objects[pick(range(len(objects)), target - 1, "connection")], label))


def _boxes(value: Any) -> list[tuple[int, int, int, int]]:
    if value.dtype.names is None:  # an empty structure is saved as an empty matrix
        return []
    return [tuple(_number(box[side]) for side in ("x1", "y1", "x2", "y2")) for box in value.reshape(-1)]  # type: ignore[misc]


def _number(value: Any) -> int:
    return int(np.asarray(value).reshape(-1)[0])


def _text(value: Any) -> str:
    return str(np.asarray(value).reshape(-1)[0])
