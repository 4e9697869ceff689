"""TIN's spatial stream: interactiveness and verbs from the boxes and object classes of an image, without pixels.

Li et al., "Transferable Interactiveness Knowledge for Human-Object Interaction Detection", CVPR 2019. As there, a
discriminator D says whether a pair interacts at all and a classifier C says how; a verb's probability is their product,
and pairs that D rejects are removed (non-interaction suppression, section 3.4). Two things differ from the paper: the
configuration is given as numbers instead of a drawn map (`geometry`), and pairs see each other: the pairs of one person
compete for its actions, the pairs of one object for its user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating, one_thread
from interplay.layers.normalisers import LossNormaliser
from interplay.models.base import ClassAxes
from interplay.models.plain import PlainForward, PlainTensor
from interplay.models.two_stage import InteractivenessModel, most_confident
from interplay.ops.boxes import SAME_OBJECT, distinct_boxes
from interplay.systems import SYSTEMS
from interplay.vocabulary import Vocabulary

from .batch import SpatialTargets
from .config import SpatialConfig, SpatialDescription, from_format_1, from_format_2, from_format_3
from .geometry import NUM_FEATURES, confidence, pair_geometry, scale_boxes
from .network import PairNetwork, PairOutputs, PairPlaces
from .plausibility import better_than_copies

if TYPE_CHECKING:
    from interplay.detectors import Detections


class TinSpatial(InteractivenessModel):
    """See the module's text. About 390,000 parameters a member, 135,000 in its small form."""

    config: SpatialConfig
    system = "tin-spatial"
    description_class = SpatialDescription
    migrations = (from_format_1, from_format_2, from_format_3)
    uses_pixels = False
    decoding_buffers = ("seen_pairs", "one_at_a_time")
    default_min_score = SYSTEMS["tin-spatial"].default_min_score
    mean: Tensor
    deviation: Tensor
    seen_pairs: Tensor
    one_at_a_time: Tensor

    def __init__(self, vocabulary: Vocabulary, config: SpatialConfig) -> None:
        super().__init__(vocabulary, config)
        vocabulary.require_person("TIN")
        options, objects, verbs = config.network, len(vocabulary.objects), len(config.network.verbs)
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("deviation", torch.ones(NUM_FEATURES))
        self.register_buffer("seen_pairs", torch.ones(objects, verbs, dtype=torch.bool))
        self.register_buffer("one_at_a_time", torch.zeros(verbs, dtype=torch.bool))
        self.members = nn.ModuleList(PairNetwork(options, objects, NUM_FEATURES) for _ in range(options.members))

    def class_axes(self) -> ClassAxes:
        """What depends on the object, and C's rows; see `HoiModel`."""
        objects, verbs = self.vocabulary.objects, [self.vocabulary.verbs[verb] for verb in self.config.network.verbs]
        of_member: ClassAxes = {
            "object_embedding.weight": {0: objects},
            "object_gate.weight": {0: objects},
            "object_prior.weight": {0: objects, 1: verbs},
            "classifier.weight": {0: verbs},
            "classifier.bias": {0: verbs},
        }
        return {
            **{f"members.{i}.{name}": axes for i in range(len(self.members)) for name, axes in of_member.items()},
            "seen_pairs": {0: objects, 1: verbs},
            "one_at_a_time": {0: verbs},
        }

    def forward(self, boxes: Tensor, labels: Tensor, detected: Tensor, scores: Tensor) -> PairOutputs:
        """Score all pairs.

        Args:
            boxes: (B, N, 4) x1, y1, x2, y2 scaled by `scale_boxes`; people first.
            labels: (B, N) object class, -1 for padding.
            detected: (B,) bool: boxes from a detector (imprecise, some missing, some false), not annotated ones.
            scores: (B, N) of the detector, 0..1; 1 for annotated boxes.
        """
        valid = self._valid(labels)
        image, human, other = valid.nonzero(as_tuple=True)  # (P,) each
        known = labels[image, other]
        geometry = (pair_geometry(boxes[:, : valid.shape[1]], boxes)[valid] - self.mean) / self.deviation  # (P, G)
        sure = confidence(torch.stack([scores[image, human], scores[image, other]], -1))
        places, source = PairPlaces.of(valid), detected.long()[image]
        verbs, interactive = map(
            torch.stack, zip(*(net(geometry, known, source, sure, places) for net in self.members), strict=True)
        )
        verb_logits = verbs.new_zeros(*valid.shape, verbs.shape[-1])
        verb_logits[valid] = verbs.mean(0)
        interactive_logits = interactive.new_zeros(valid.shape)
        interactive_logits[valid] = interactive.mean(0)
        return PairOutputs(verb_logits, interactive_logits, valid, (verbs, interactive))

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """As of `forward`, and which boxes are people's."""
        return (
            PlainTensor("boxes", ("batch", "boxes", 4)),
            PlainTensor("labels", ("batch", "boxes"), torch.int64),
            PlainTensor("people", ("batch", "people"), torch.int64),
            PlainTensor("detected", ("batch",), torch.bool),
            PlainTensor("scores", ("batch", "boxes")),
        )

    def plain_outputs(self) -> tuple[str, ...]:
        """As of `PairOutputs`."""
        return ("verb_logits", "interactive_logits")

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The network over all places of a person and a box; see `HoiModel`.

        Args:
            inputs: boxes, labels, detected and scores as of `forward`; before the last two, people (B, H): which boxes
                they are, -1 for padding.

        Returns:
            Verb logits (B, H, N, K) and interactiveness logits (B, H, N), 0 where there is no pair.
        """
        boxes, labels, people, detected, scores = inputs
        places = torch.arange(labels.shape[1], device=labels.device)
        valid = (people[:, :, None] >= 0) & (labels[:, None] >= 0) & (people[:, :, None] != places)
        rows = people.clamp(min=0)
        known = labels.clamp(min=0)[:, None].expand(valid.shape)
        geometry = (
            pair_geometry(boxes.gather(1, rows[..., None].expand(-1, -1, 4)), boxes) - self.mean
        ) / self.deviation
        both = [scores.gather(1, rows)[:, :, None].expand(valid.shape), scores[:, None].expand(valid.shape)]
        given = geometry, known, detected.long()[:, None, None].expand(valid.shape), confidence(torch.stack(both, -1))
        found = [net.of_all(*given, valid) for net in self.members]  # type: ignore[operator]  # of PairNetwork
        verbs, interactive = zip(*found, strict=True)
        verb_logits = torch.stack(verbs).mean(0).masked_fill(~valid[..., None], 0)
        return verb_logits, torch.stack(interactive).mean(0).masked_fill(~valid, 0)

    def forward_through(
        self, run: PlainForward, boxes: Tensor, labels: Tensor, detected: Tensor, scores: Tensor
    ) -> PairOutputs:
        """See `HoiModel`."""
        valid = self._valid(labels)
        first = labels[:, : valid.shape[1]]
        rows = torch.arange(first.shape[1]).expand_as(first)
        people = rows.masked_fill(first != self.vocabulary.person, -1)
        verbs, interactive = run(boxes, labels, people, detected, scores)
        return PairOutputs(verbs, interactive, valid)

    def _valid(self, labels: Tensor) -> Tensor:
        """(B, H, N) bool: a person and another box, neither of them padding."""
        person = self.vocabulary.person
        num_humans = max(int((labels == person).sum(1).max()), 1) if labels.numel() else 1
        places = torch.arange(labels.shape[1], device=labels.device)
        valid = (labels[:, :num_humans, None] == person) & (labels[:, None] >= 0)
        return valid & (places[:num_humans, None] != places)

    def learnt_pairs(self, labels: Tensor, targets: SpatialTargets) -> Tensor:
        """(B, H, N) bool: the pairs that the loss is taken over; see `forward` and `loss`."""
        valid = self._valid(labels)
        return valid & targets.known_pairs(valid.shape[1])

    def loss(
        self, outputs: PairOutputs, targets: SpatialTargets, counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """Binary cross entropy of D on all pairs and of C on the pairs that interact; weighted, the sum is minimised.

        Where annotations do not tell of all verbs (`SpatialTargets.told`), C learns those that they tell of. Whether
        a pair interacts is then known only if it does: of one that does none of the verbs that are told, C x D is to be
        0 for each of these, and D may be anything. Such a pair counts with the verbs' weight.

        Of several members it is the mean of their losses: each learns as if it were alone.

        Args:
            outputs: of `forward`.
            targets: of the same images; of people who are not `labelled` only pairs that interact count.
            counts: (1,) learnt pairs, of the whole training step; by default this batch is all of it.
        """
        people, options = outputs.valid.shape[1], self.config.loss
        chosen = outputs.valid & targets.known_pairs(people)
        assert outputs.members is not None  # of `forward`
        verb_logits, interactive_logits = (logits[:, chosen[outputs.valid]].float() for logits in outputs.members)
        target = targets.verbs[:, :people][chosen].float()  # (P, K)
        interacts = target.any(-1).float()  # (P,)
        told = targets.told[:, None].expand(-1, people, -1, -1)[chosen]  # (P, K)
        unsure = (interacts == 0) & ~told.all(-1)  # (P,)
        pairs = counts.mean[0].clamp(min=counts.floor(1)) if counts is not None else max(len(target), 1)
        members = len(self.members)
        discriminator = (_cross_entropy(interactive_logits, interacts) * ~unsure).sum() / (pairs * members)
        classifier = ((_cross_entropy(verb_logits, target) * told).sum(-1) * interacts).sum() / (pairs * members)
        if unsure.any():
            none = _neither(verb_logits[:, unsure], interactive_logits[:, unsure, None]) * told[unsure]
            classifier = classifier - none.sum() / (pairs * members)
        return {"interactiveness": options.interactiveness * discriminator, "verbs": options.verbs * classifier}

    def fit_normalisation(self, geometry: Tensor) -> None:
        """Set mean and deviation of the pair features (P, G) of the training pairs."""
        self.mean.copy_(geometry.mean(0))
        self.deviation.copy_(geometry.std(0).clamp_min(0.05))

    def set_plausible(self, seen_pairs: NDArray[np.bool_], one_at_a_time: NDArray[np.bool_]) -> None:
        """Tell which objects (O, K) each verb takes, and which verbs (K,) take one at a time; see `plausibility`."""
        self.seen_pairs.copy_(torch.from_numpy(seen_pairs))
        self.one_at_a_time.copy_(torch.from_numpy(one_at_a_time))

    def interactiveness(
        self,
        image: Interactions,
        labels: NDArray[np.int64],
        pairs: NDArray[np.int64],
        pixels: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.float32]:
        """(P,) probability that each pair (P, 2) interacts, NaN with unknown objects; see `InteractivenessModel`.

        Boxes of one class that overlap much are one, since query detectors give every pair boxes of its own.
        """
        human, other = pairs.T
        person, labels = self.vocabulary.person, labels.copy()
        labels[human] = person
        known = np.flatnonzero(labels >= 0)
        first = distinct_boxes(image.boxes[known], labels[known], image.box_scores[known], SAME_OBJECT)
        kept = known[np.unique(first)]
        kept = kept[np.argsort(labels[kept] != person, kind="stable")]
        place = np.full(len(labels), -1)
        place[kept] = np.arange(len(kept))
        place[known] = place[known[first]]
        boxes = torch.from_numpy(image.boxes[kept])
        if image.width and image.height:  # else taken to have the size that boxes are scaled to
            boxes = scale_boxes(boxes, image.width, image.height)
        with evaluating(self), one_thread():
            outputs = self(
                boxes[None].to(self.device),
                torch.from_numpy(labels[kept])[None].to(self.device),
                torch.tensor([image.scored], device=self.device),
                torch.from_numpy(image.box_scores[kept])[None].to(self.device),
            )
            logits = outputs.interactive_logits[0].float()
            matrix = logits.sigmoid().masked_fill(~outputs.valid[0], torch.nan).cpu().numpy()
        scores = np.full(len(pairs), np.nan, np.float32)
        judged = place[other] >= 0
        scores[judged] = matrix[place[human[judged]], place[other[judged]]]
        return scores

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """Interactions among given detections; the images only give their size."""
        assert detections is not None  # predict() sees to it
        options, person = self.config.decoding, self.vocabulary.person
        chosen = [found[most_confident(found, person, options.max_humans, options.max_boxes)] for found in detections]
        longest = max((len(found) for found in chosen), default=0)
        boxes = torch.zeros(len(chosen), max(longest, 1), 4)
        labels = torch.full((len(chosen), max(longest, 1)), -1)
        scores = torch.ones(len(chosen), max(longest, 1))
        for i, (found, image) in enumerate(zip(chosen, images, strict=True)):
            height, width = image.shape[:2]
            boxes[i, : len(found)] = scale_boxes(torch.from_numpy(found.boxes), width, height)
            labels[i, : len(found)] = torch.from_numpy(found.labels)
            scores[i, : len(found)] = torch.from_numpy(found.scores)
        detected = torch.ones(len(chosen), dtype=torch.bool)
        with one_thread():
            outputs = self(
                boxes.to(self.device), labels.to(self.device), detected.to(self.device), scores.to(self.device)
            )
        return self.decode(outputs, torch.tensor([image.shape[:2] for image in images]).reshape(-1, 2), chosen)

    def decode(
        self, outputs: PairOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Triplets of the pairs that D lets pass, best first.

        A triplet's score is C x D where the network knows the detection scores, else C x D x both of them. TIN
        multiplies by steeper curves of the detection scores (LIS), fitted to Faster R-CNN's confidences; the plain
        product suits any detector.

        Args:
            outputs: of `forward`, for B images.
            sizes: (B, 2) height, width.
            detections: of each image, in the order that `forward` saw: people first.

        Raises:
            InputError: no detections.
        """
        if detections is None:
            raise InputError("pairs are pairs of detections: decode needs these")
        probabilities = outputs.verb_probabilities().float().cpu().numpy()
        interactiveness = outputs.interactive_logits.float().sigmoid().cpu().numpy()
        passed = outputs.valid.cpu().numpy() & (interactiveness >= self.config.decoding.suppress_below)
        verbs = np.asarray(self.config.network.verbs, np.int64)
        results = []
        for i, (found, (height, width)) in enumerate(zip(detections, sizes.tolist(), strict=True)):
            human, other = np.nonzero(passed[i])
            score = probabilities[i, human, other].astype(np.float32)  # (P, K)
            if not self.config.network.scores:
                score *= (found.scores[human] * found.scores[other])[:, None]
            kept = self._plausible(score, human, other, found)
            order = np.argsort(-score, axis=None, kind="stable")
            pair, verb = np.divmod(order[kept.ravel()[order]], max(len(verbs), 1))
            results.append(
                Interactions(
                    boxes=found.boxes,
                    labels=found.labels,
                    box_scores=found.scores,
                    human=human[pair],
                    object=other[pair],
                    verb=verbs[verb],
                    score=score[pair, verb],
                    interactiveness=interactiveness[i, human, other][pair],
                    vocabulary=self.vocabulary,
                    keypoints=found.keypoints,
                    track=found.track,
                    height=height,
                    width=width,
                )
            )
        return results

    def _plausible(
        self, score: NDArray[np.float32], human: NDArray[np.int64], other: NDArray[np.int64], found: Detections
    ) -> NDArray[np.bool_]:
        """(P, K) what may be listed of pairs with these scores (P, K), people and objects (P,)."""
        if not self.config.decoding.plausible or not len(score):
            return np.ones(score.shape, bool)
        kept = self.seen_pairs.cpu().numpy()[found.labels[other]]
        known = np.where(kept, score, -1)
        best = np.full((int(human.max()) + 1, score.shape[1]), -1.0, np.float32)
        np.maximum.at(best, human, known)
        kept &= ~self.one_at_a_time.cpu().numpy() | (known >= best[human])
        return kept & better_than_copies(np.where(kept, score, -1), human, other, found.boxes, found.labels)


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Of each member's logits (M, ...) with the one target (...)."""
    return F.binary_cross_entropy_with_logits(logits, target.expand_as(logits), reduction="none")


def _neither(first: Tensor, second: Tensor) -> Tensor:
    """log(1 - sigmoid(first) sigmoid(second))."""
    either = torch.logaddexp(torch.logaddexp(-first, -second), -first - second)
    return either - F.softplus(-first) - F.softplus(-second)
