"""Results of an evaluation: numbers per class, their means, and the JSON form that tools read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.metrics.average_precision import RankedHits
from interplay.metrics.coverage import Coverage
from interplay.metrics.verdicts import Verdicts
from interplay.vocabulary import Vocabulary


def unit(name: str) -> str:
    """What a mean is shown in: metres in cm, cubic metres in l, fractions in percent."""
    if "volume" in name:
        return "l"
    return "cm" if "geodesic" in name or "chamfer" in name else "%"


def in_unit(name: str, value: float) -> float:
    """A mean in what it is shown in."""
    return value * (1000 if unit(name) == "l" else 100)


class Scores(Protocol):
    """What all evaluations' scores have."""

    @property
    def title(self) -> str:
        """Data set, metric and rules, for a table of several results."""

    @property
    def means(self) -> Mapping[str, float]:
        """The means by name: fractions, 0..1, metres or cubic metres (`unit`); NaN where there are none."""

    @property
    def coverage(self) -> Coverage:
        """Which part of the annotations the predictions speak of."""

    @property
    def notes(self) -> list[str]:
        """What the user should know."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""


@dataclass(frozen=True)
class HoiScores:
    """Scores of interaction classes. All metrics are fractions, 0..1.

    Attributes:
        protocol, setting: how it was scored.
        dataset: name of the vocabulary.
        classes: C names.
        groups: named lists of class indices (``rare``, ``non_rare``; ``unseen``, ``seen``).
        ap, max_recall: (C,) float64, NaN for a class that is not annotated.
        hits: the ranked true positives behind them.
        notes: what the user should know: things dropped, images missing.
        coverage: which part of the annotations the predictions speak of.
        zero_shot: the split whose unseen and seen classes are told apart instead of rare and other ones, if any.
        verdicts: what `hits` follow from.
        apart: scores of groups as if there were no other classes, of a protocol that scores them so.
    """

    protocol: str
    setting: str
    dataset: str
    classes: list[str]
    groups: Mapping[str, NDArray[np.integer]]
    ap: NDArray[np.float64]
    max_recall: NDArray[np.float64]
    hits: RankedHits
    coverage: Coverage
    notes: list[str] = field(default_factory=list)
    zero_shot: str | None = None
    verdicts: Verdicts | None = None
    apart: Mapping[str, HoiScores] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Data set, metric and rules."""
        return f"{self.dataset}: mAP, protocol {self.protocol}, setting {self.setting}"

    @property
    def map(self) -> dict[str, float]:
        """Mean AP over all classes (``full``) and the ``rare`` and ``non_rare`` ones; NaN where there are none.

        Of a zero-shot evaluation: ``unseen``, ``seen``, ``full``. Of VidHOI also ``temporal`` and ``spatial``.
        """
        return self.means_of(self.ap) | {name: group.map["full"] for name, group in self.apart.items()}

    @property
    def means(self) -> dict[str, float]:
        """The means of the protocol by name; NaN where there are none. The same as `map`."""
        return self.map

    @property
    def mean_max_recall(self) -> dict[str, float]:
        """Mean highest recall over the same groups."""
        groups = {name: group.mean_max_recall["full"] for name, group in self.apart.items()}
        return self.means_of(self.max_recall) | groups

    def means_of(self, values: NDArray[np.float64]) -> dict[str, float]:
        """Means of metrics per class (C,) over the same groups."""
        parts = {
            name: self.groups.get(name) for name in (("unseen", "seen") if self.zero_shot else ("rare", "non_rare"))
        }
        means = {name: math.nan if rows is None else mean(values[rows]) for name, rows in parts.items()}
        full = {"full": mean(values)}
        return means | full if self.zero_shot else full | means

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        split = {"zero_shot": self.zero_shot} if self.zero_shot else {}
        return {
            "protocol": self.protocol,
            "setting": self.setting,
            "dataset": self.dataset,
            **split,
            "map": plain(self.map),
            "mean_max_recall": plain(self.mean_max_recall),
            "per_class": {"ap": plain(self.ap), "max_recall": plain(self.max_recall)},
            "classes": self.classes,
            "num_annotated": self.hits.positives.tolist(),
            "num_predicted": self.hits.detections.tolist(),
            "coverage": self.coverage.to_dict(),
            "notes": self.notes,
        }


@dataclass(frozen=True)
class VcocoScores:
    """V-COCO's scores. All metrics are fractions, 0..1; NaN where nothing is annotated.

    Attributes:
        protocol: how it was scored.
        ap_agent: by action (26).
        ap_role_s1, ap_role_s2: by action-role in V-COCO's own spelling (``hit_instr``), scenario 1 and 2.
        mean: ``agent``, ``role_s1``, ``role_s2`` over all entries with annotations, and ``role_s1_24``,
            ``role_s2_24`` without ``point``, as papers report.
        hits: the ranked true positives behind them, by the names of the tables above.
        labels: what the classes of each of `hits` are called.
        notes: what the user should know.
        coverage: which part of the annotations the predictions speak of.
        ap: of a protocol that has one figure per action-role (29); empty otherwise.
        verdicts: what each of `hits` follows from.
        vocabulary: of the annotations.
    """

    protocol: str
    ap_agent: dict[str, float]
    ap_role_s1: dict[str, float]
    ap_role_s2: dict[str, float]
    mean: dict[str, float]
    hits: Mapping[str, RankedHits]
    labels: Mapping[str, list[str]]
    notes: list[str] = field(default_factory=list)
    ap: dict[str, float] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=lambda: Coverage(0, 0))
    verdicts: Mapping[str, Verdicts] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None

    @property
    def title(self) -> str:
        """Data set, metric and rules."""
        return f"v-coco: AP, protocol {self.protocol}"

    @property
    def means(self) -> dict[str, float]:
        """The means of the protocol by name; NaN where there are none. The same as `mean`."""
        return self.mean

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        content = {
            "protocol": self.protocol,
            "dataset": "v-coco",
            "ap_agent": plain(self.ap_agent),
            "ap_role_s1": plain(self.ap_role_s1),
            "ap_role_s2": plain(self.ap_role_s2),
            "mean": plain(self.mean),
            "coverage": self.coverage.to_dict(),
            "notes": self.notes,
        }
        return content | {"ap": plain(self.ap)} if self.ap else content


def mean(values: ArrayLike) -> float:
    """Mean of the numbers that exist; NaN if there are none."""
    array = np.asarray(values, np.float64)
    there = array[~np.isnan(array)]
    return float(there.mean()) if len(there) else math.nan


def plain(values: Any) -> Any:
    """Numbers, arrays and dicts of them as JSON holds them: NaN becomes None."""
    if isinstance(values, Mapping):
        return {key: plain(value) for key, value in values.items()}
    if isinstance(values, (np.ndarray, list)):
        return [plain(value) for value in np.asarray(values).tolist()]
    return None if isinstance(values, float) and math.isnan(values) else values


def percent(value: float) -> str:
    """A share in percent with two digits; ``-`` where there is none."""
    return "-" if math.isnan(value) else f"{100 * value:.2f}"
