"""`torchmetrics.Metric` classes around the pure functions, for training loops on one or many processes.

The state is a list of small tensors per update (boxes, indices, scores), which torchmetrics concatenates over
processes; what is computed from it is what one process would compute from all images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.metrics.coverage import Coverage
from interplay.metrics.hoi import evaluate_hoi
from interplay.metrics.pose import (
    AnnotatedPoses,
    PredictedPoses,
    RankBy,
    annotated_poses,
    check_rank,
    check_visibility,
    predicted_poses,
    score_images,
)
from interplay.metrics.protocols import Setting, get_protocol
from interplay.metrics.vcoco import evaluate_vcoco
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary


class _InteractionMetric(Metric):
    """Collects predictions and annotations of images as tensors; `_tables` gives them back."""

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    def __init__(self, vocabulary: Vocabulary, **options: Any) -> None:
        super().__init__(**options)
        self.vocabulary = vocabulary
        for side in ("predicted", "annotated"):
            # per image: number of boxes, triplets and image labels
            self.add_state(f"{side}_counts", default=[], dist_reduce_fx="cat")
            # per box: x1, y1, x2, y2, label, unlabelled
            self.add_state(f"{side}_boxes", default=[], dist_reduce_fx="cat")
            # per triplet: human, object, verb, score
            self.add_state(f"{side}_triplets", default=[], dist_reduce_fx="cat")
        # per label: verb, object
        self.add_state("image_labels", default=[], dist_reduce_fx="cat")

    def update(self, predictions: Sequence[Interactions], annotations: Sequence[Interactions]) -> None:
        """Add images.

        Args:
            predictions, annotations: one `Interactions` per image each, in the same order. File names are not used.

        Raises:
            InputError: different numbers of images.
        """
        if len(predictions) != len(annotations):
            raise InputError(f"got predictions for {len(predictions)} images and annotations for {len(annotations)}")
        for predicted, annotated in zip(predictions, annotations, strict=True):
            self._add("predicted", predicted)
            self._add("annotated", annotated)

    def _add(self, side: str, image: Interactions) -> None:
        if image.vocabulary != self.vocabulary:
            raise InputError(f"expected the vocabulary {self.vocabulary.name!r}, got {image.vocabulary.name!r}")
        unlabelled = np.zeros(len(image.boxes)) if image.unlabelled is None else image.unlabelled
        labels = image.image_labels if side == "annotated" and image.image_labels is not None else np.zeros((0, 2))
        self._append(f"{side}_counts", np.array([[len(image.boxes), len(image), len(labels)]]))
        self._append(f"{side}_boxes", np.column_stack([image.boxes, image.labels, unlabelled]))
        self._append(f"{side}_triplets", np.column_stack([image.human, image.object, image.verb, image.score]))
        if side == "annotated":
            self._append("image_labels", labels)

    def _append(self, name: str, values: NDArray) -> None:
        # float32 holds every index below 16 million exactly
        getattr(self, name).append(torch.as_tensor(values.astype(np.float32), device=self.device))

    def _tables(self) -> tuple[InteractionTable, InteractionTable]:
        return self._table("predicted"), self._table("annotated")

    def _table(self, side: str) -> InteractionTable:
        counts = self._state(f"{side}_counts", 3).astype(np.int64)
        boxes = self._state(f"{side}_boxes", 6)
        triplets = self._state(f"{side}_triplets", 4)
        annotated = side == "annotated"
        labels = self._state("image_labels", 2).astype(np.int64) if annotated else None
        return InteractionTable(
            vocabulary=self.vocabulary,
            files=[str(i) for i in range(len(counts))],
            sizes=np.zeros((len(counts), 2), np.int32),
            box_offsets=offsets(counts[:, 0]),
            boxes=boxes[:, :4],
            labels=boxes[:, 4].astype(np.int64),
            box_scores=np.ones(len(boxes), np.float32),
            triplet_offsets=offsets(counts[:, 1]),
            human=triplets[:, 0].astype(np.int64),
            object=triplets[:, 1].astype(np.int64),
            verb=triplets[:, 2].astype(np.int64),
            score=triplets[:, 3],
            unlabelled=boxes[:, 5] > 0 if annotated else None,
            image_label_offsets=offsets(counts[:, 2]) if annotated else None,
            image_labels=labels,
            scored=not annotated,
        )

    def _state(self, name: str, width: int) -> NDArray[np.float32]:
        value = getattr(self, name)
        parts = [value] if isinstance(value, Tensor) else list(value)  # a tensor once processes are joined
        joined = torch.cat([torch.zeros(0, width, device=self.device), *parts])
        return joined.cpu().numpy()


class HoiAveragePrecision(_InteractionMetric):
    """Mean AP over interaction classes (`evaluate_hoi`).

    Args:
        vocabulary: the classes.
        protocol, setting, zero_shot: as for `evaluate_hoi`.
        options: passed to `torchmetrics.Metric`.

    Example:
        >>> from interplay import Interactions, Vocabulary
        >>> names = Vocabulary.load("hico-det")
        >>> ride = dict(boxes=[[10, 10, 60, 120], [5, 60, 90, 140]], labels=[0, 1], human=[0], object=[1],
        ...             verb=[names.verb_index("ride")], vocabulary=names)
        >>> metric = HoiAveragePrecision(names)
        >>> metric.update([Interactions(**ride, score=[0.9])], [Interactions(**ride, scored=False)])
        >>> float(metric.compute()["full"])
        1.0
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        protocol: str = "official",
        setting: Setting = "default",
        zero_shot: str | None = None,
        **options: Any,
    ) -> None:
        get_protocol(protocol, setting)
        super().__init__(vocabulary, **options)
        self.protocol = protocol
        self.setting: Setting = setting
        self.zero_shot = zero_shot

    def compute(self) -> dict[str, Tensor]:
        """``full``, ``rare``, ``non_rare`` (NaN where there are none) and ``per_class`` (C,), float64, 0..1.

        With `zero_shot`, ``unseen`` and ``seen`` instead of ``rare`` and ``non_rare``.
        """
        scores = evaluate_hoi(*self._tables(), self.protocol, self.setting, self.zero_shot)
        means = {name: torch.tensor(value, dtype=torch.float64) for name, value in scores.map.items()}
        return means | {"per_class": torch.from_numpy(scores.ap)}


class VcocoAveragePrecision(_InteractionMetric):
    """V-COCO's agent and role AP (`evaluate_vcoco`).

    Args:
        vocabulary: V-COCO's, or another one with roles.
        protocol: as for `evaluate_vcoco`.
        options: passed to `torchmetrics.Metric`.
    """

    def __init__(self, vocabulary: Vocabulary, protocol: str = "official", **options: Any) -> None:
        super().__init__(vocabulary, **options)
        self.protocol = protocol

    def compute(self) -> dict[str, Tensor]:
        """The means of `VcocoScores` (``agent``, ``role_s1`` ...), float64, 0..1; NaN where nothing is annotated."""
        scores = evaluate_vcoco(*self._tables(), self.protocol)
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in scores.mean.items()}


class PoseAveragePrecision(Metric):
    """Pose AP and AR by COCO's protocol (`evaluate_poses`).

    Args:
        rank_by: as for `evaluate_poses`.
        options: passed to `torchmetrics.Metric`.

    Example:
        >>> from interplay import Interactions, Vocabulary
        >>> import numpy as np
        >>> person = dict(boxes=[[0, 0, 40, 80]], labels=[0], vocabulary=Vocabulary.load("v-coco"), human=[], object=[],
        ...               verb=[], keypoints=np.dstack([np.arange(17), np.arange(17), np.ones(17)]))
        >>> metric = PoseAveragePrecision()
        >>> metric.update([Interactions(**person, score=[])], [Interactions(**person, scored=False)])
        >>> round(float(metric.compute()["ap50"]), 3)
        1.0
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    def __init__(self, rank_by: RankBy = "box", **options: Any) -> None:
        super().__init__(**options)
        check_rank(rank_by)
        self.rank_by: RankBy = rank_by
        # per image: number of poses and of people
        self.add_state("counts", default=[], dist_reduce_fx="cat")
        # per pose: keypoints, score
        self.add_state("poses", default=[], dist_reduce_fx="cat")
        # per person: keypoints, box, area, crowd, ignored
        self.add_state("people", default=[], dist_reduce_fx="cat")

    def update(self, predictions: Sequence[Interactions], annotations: Sequence[Interactions]) -> None:
        """Add images.

        Args:
            predictions, annotations: one `Interactions` per image each, in the same order. File names are not used.

        Raises:
            InputError: different numbers of images, or annotated keypoints without visibility.
        """
        if len(predictions) != len(annotations):
            raise InputError(f"got predictions for {len(predictions)} images and annotations for {len(annotations)}")
        for predicted, annotated in zip(predictions, annotations, strict=True):
            if annotated.keypoints is not None:
                check_visibility(annotated.keypoints)
            found, truth = predicted_poses([predicted], self.rank_by), annotated_poses(annotated)
            kinds = truth.boxes, truth.areas, truth.crowd, truth.ignored
            self._append("counts", np.array([[len(found.scores), len(truth.areas)]]))
            self._append("poses", np.column_stack([found.keypoints.reshape(-1, 51), found.scores]))
            self._append("people", np.column_stack([truth.keypoints.reshape(-1, 51), *kinds]))

    def compute(self) -> dict[str, Tensor]:
        """The means of `PoseScores` (``ap``, ``ap50`` ... ``ar_large``), float64, 0..1; NaN without such people."""
        counts, poses, people = self._state("counts", 2), self._state("poses", 52), self._state("people", 58)
        ends = np.cumsum(counts.astype(np.int64), 0)[:-1]
        images = [
            (
                PredictedPoses(found[:, :51].reshape(-1, 17, 3), found[:, 51]),
                AnnotatedPoses(
                    truth[:, :51].reshape(-1, 17, 3), truth[:, 51:55], truth[:, 55], truth[:, 56] > 0, truth[:, 57] > 0
                ),
            )
            for found, truth in zip(np.split(poses, ends[:, 0]), np.split(people, ends[:, 1]), strict=True)
        ]
        scores = score_images(images, self.rank_by, Coverage(len(images), len(images)), [])
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in scores.means.items()}

    def _append(self, name: str, values: NDArray) -> None:
        getattr(self, name).append(torch.as_tensor(values.astype(np.float64), device=self.device))

    def _state(self, name: str, width: int) -> NDArray[np.float64]:
        value = getattr(self, name)
        parts = [value] if isinstance(value, Tensor) else list(value)  # a tensor once processes are joined
        joined = torch.cat([torch.zeros(0, width, dtype=torch.float64, device=self.device), *parts])
        return joined.cpu().numpy()
