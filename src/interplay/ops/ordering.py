"""The order of rows by class and score."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

TieRule = Literal["first", "last", "torch"]
"""Which of equal scores comes first: the earlier row, the later one, or the one that ``torch.argsort`` puts first."""


def falling_order(
    label: NDArray[np.integer], score: NDArray[np.floating], ties: TieRule = "first"
) -> NDArray[np.int64]:
    """(N,) rows ordered by class, inside a class by falling score; `ties` orders equal scores."""
    by_score = np.argsort(score, kind="stable")[::-1] if ties == "last" else np.argsort(-score, kind="stable")
    narrow = label.astype(np.uint16) if not len(label) or label.max() < 65536 else label  # 16 bit sort in linear time
    if ties == "torch":
        return _torch_order(np.argsort(narrow, kind="stable"), label, score)
    return by_score[np.argsort(narrow[by_score], kind="stable")]


def _torch_order(rows: NDArray[np.int64], label: NDArray[np.integer], score: NDArray[np.floating]) -> NDArray[np.int64]:
    """`rows`, sorted by class, with every class put into the order of ``torch.argsort``."""
    import torch

    starts = np.flatnonzero(np.diff(label[rows])) + 1
    parts = [
        part[torch.from_numpy(score[part].astype(np.float64)).argsort(descending=True).numpy()]
        for part in np.split(rows, starts)
    ]
    return np.concatenate(parts)
