"""TIN's spatial stream: interactiveness and verbs from the boxes and object classes of an image, without pixels.

Li et al., "Transferable Interactiveness Knowledge for Human-Object Interaction Detection", CVPR 2019. As there, a
discriminator D says whether a pair interacts at all and a classifier C says how; a verb's probability is their product,
and pairs that D rejects are removed (non-interaction suppression, section 3.4). Two things differ from the paper: the
configuration is given as numbers instead of a drawn map (`interplay.models.tin.geometry`), and pairs see each other:
the pairs of one person compete for its actions, the pairs of one object for its user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.modes import one_thread
from interplay.layers.normalisers import StepCounts
from interplay.models.base import ClassAxes, HoiModel
from interplay.models.tin.geometry import NUM_FEATURES, pair_geometry, scale_boxes
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections

MAX_PEOPLE = 32
MAX_BOXES = 64
"""Of an image's detections at most this many, the most confident ones, are paired."""


@dataclass(frozen=True)
class SpatialConfig:
    """Size of the network.

    Attributes:
        width: channels of a pair's representation.
        layers: rounds of attention between pairs.
        heads: attention heads.
        embedding: channels of an object class.
        dropout: while training.
        verbs: verbs of the vocabulary that the classifier knows, by index.
        suppress_below: NIS: a pair whose interactiveness is below this is removed (0..1).
    """

    verbs: tuple[int, ...]
    width: int = 64
    layers: int = 2
    heads: int = 4
    embedding: int = 32
    dropout: float = 0.2
    suppress_below: float = 0.0


@dataclass
class PairOutputs:
    """Scores of all pairs of a batch of B images with at most H people (which come first) and N boxes.

    Attributes:
        verb_logits: (B, H, N, K) of the classifier C, for the configuration's K verbs, *given* that the pair interacts.
        interactive_logits: (B, H, N) of the discriminator D.
        valid: (B, H, N) bool: a person and another box, neither of them padding.
    """

    verb_logits: Tensor
    interactive_logits: Tensor
    valid: Tensor

    def verb_probabilities(self) -> Tensor:
        """(B, H, N, K) probability of interacting in this way: C times D."""
        return self.verb_logits.sigmoid() * self.interactive_logits.sigmoid()[..., None]


class TinSpatial(HoiModel):
    """See the module's text. About 135,000 parameters."""

    config: SpatialConfig  # type: ignore[assignment]
    needs_detections = True
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: SpatialConfig, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary, config)  # type: ignore[arg-type]
        if vocabulary.person < 0:
            raise InputError(f"TIN looks for people and the vocabulary {vocabulary.name!r} has no object 'person'")
        objects, width = len(vocabulary.objects), config.width
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("deviation", torch.ones(NUM_FEATURES))
        self.object_embedding = nn.Embedding(objects, config.embedding)
        self.object_gate = _zero_embedding(objects, 2 * width)
        self.source_embedding = _zero_embedding(2, 2 * width)  # annotated or detected boxes
        self.expand = nn.Linear(NUM_FEATURES + config.embedding, 2 * width)
        self.contract = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(PairBlock(width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, len(config.verbs))
        self.object_prior = _zero_embedding(objects, len(config.verbs))
        self.discriminator = nn.Linear(width, 1)
        nn.init.constant_(self.classifier.bias, -2.0)  # most verbs do not hold for most pairs

    def class_axes(self) -> ClassAxes:
        """What depends on the object, and C's rows; see `HoiModel`."""
        objects, verbs = self.vocabulary.objects, [self.vocabulary.verbs[verb] for verb in self.config.verbs]
        return {
            "object_embedding.weight": {0: objects},
            "object_gate.weight": {0: objects},
            "object_prior.weight": {0: objects, 1: verbs},
            "classifier.weight": {0: verbs},
            "classifier.bias": {0: verbs},
        }

    def forward(self, boxes: Tensor, labels: Tensor, detected: Tensor) -> PairOutputs:
        """Score all pairs.

        Args:
            boxes: (B, N, 4) x1, y1, x2, y2 scaled by `scale_boxes`; people first.
            labels: (B, N) object class, -1 for padding.
            detected: (B,) bool: boxes from a detector (imprecise, some missing, some false), not annotated ones.
        """
        valid = self._valid(labels)
        num_humans = valid.shape[1]
        known = labels.clamp_min(0)
        geometry = (pair_geometry(boxes, num_humans) - self.mean) / self.deviation  # (B, H, N, G)
        classes = self.object_embedding(known)[:, None].expand(-1, num_humans, -1, -1)  # (B, H, N, E)
        x = self.expand(torch.cat([geometry, classes], -1)) + self.source_embedding(detected.long())[:, None, None]
        x = self.contract(self.dropout(F.gelu(x * (1 + self.object_gate(known)[:, None]))))  # (B, H, N, width)
        for block in self.blocks:
            x = block(x, valid)
        x = self.norm(x)
        verb_logits = self.classifier(x) + self.object_prior(known)[:, None]
        return PairOutputs(verb_logits, self.discriminator(x)[..., 0], valid)

    def _valid(self, labels: Tensor) -> Tensor:
        """(B, H, N) bool: a person and another box, neither of them padding."""
        person = self.vocabulary.person
        num_humans = max(int((labels == person).sum(1).max()), 1) if labels.numel() else 1
        places = torch.arange(labels.shape[1], device=labels.device)
        valid = (labels[:, :num_humans, None] == person) & (labels[:, None] >= 0)
        return valid & (places[:num_humans, None] != places)

    def learnt_pairs(self, labels: Tensor, labelled: Tensor) -> Tensor:
        """(B, H, N) bool: the pairs that the loss is taken over; see `forward` and `loss`."""
        valid = self._valid(labels)
        return valid & labelled[:, : valid.shape[1], None]

    def loss(
        self, outputs: PairOutputs, targets: tuple[Tensor, Tensor], counts: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """Binary cross entropy of D on all pairs and of C on the pairs that interact.

        Args:
            targets: (B, N, N, K) bool: verbs of each (person, object); and (B, N) bool: people whose interactions were
                annotated; pairs of others are left out.
            counts: (1,) learnt pairs, of the whole training step; by default this batch is all of it.
        """
        verbs_of, labelled = targets
        people = outputs.valid.shape[1]
        chosen = outputs.valid & labelled[:, :people, None]
        target = verbs_of[:, :people][chosen].float()  # (P, K)
        interacts = target.any(-1).float()  # (P,)
        pairs = counts.mean[0].clamp(min=counts.floor(1)) if counts is not None else max(len(target), 1)
        logits = outputs.interactive_logits[chosen].float()
        discriminator = F.binary_cross_entropy_with_logits(logits, interacts, reduction="sum") / pairs
        logits = outputs.verb_logits[chosen].float()
        verbs = F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
        # A quarter of the pairs interact; dividing by all of them keeps the two terms alike.
        classifier = (verbs * interacts).sum() / pairs / 4
        return {"interactiveness": discriminator, "verbs": classifier}

    def fit_normalisation(self, geometry: Tensor) -> None:
        """Set mean and deviation of the pair features (P, G) of the training pairs."""
        self.mean.copy_(geometry.mean(0))
        self.deviation.copy_(geometry.std(0).clamp_min(0.05))

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """Interactions among given detections; the images only give their size."""
        assert detections is not None  # predict() sees to it
        chosen = [_most_confident(found, self.vocabulary.person) for found in detections]
        longest = max((len(found) for found in chosen), default=0)
        boxes = torch.zeros(len(chosen), max(longest, 1), 4)
        labels = torch.full((len(chosen), max(longest, 1)), -1)
        for i, (found, image) in enumerate(zip(chosen, images, strict=True)):
            height, width = image.shape[:2]
            boxes[i, : len(found)] = scale_boxes(torch.from_numpy(found.boxes), width, height)
            labels[i, : len(found)] = torch.from_numpy(found.labels)
        detected = torch.ones(len(chosen), dtype=torch.bool)
        with one_thread():
            outputs = self(boxes.to(self.device), labels.to(self.device), detected.to(self.device))
        return self.decode(outputs, torch.tensor([image.shape[:2] for image in images]), chosen)

    def decode(
        self, outputs: PairOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Triplets of the pairs that D lets pass, best first.

        A triplet's score is C x D x both detection scores. TIN multiplies by steeper curves of the detection
        scores (LIS), fitted to Faster R-CNN's confidences; the plain product suits any detector.
        """
        if detections is None:
            raise InputError("decode needs the detections that were paired")
        probabilities = outputs.verb_probabilities().cpu().numpy()
        interactiveness = outputs.interactive_logits.sigmoid().cpu().numpy()
        passed = outputs.valid.cpu().numpy() & (interactiveness >= self.config.suppress_below)
        verbs = np.asarray(self.config.verbs, np.int64)
        results = []
        for i, found in enumerate(detections):
            human, thing = np.nonzero(passed[i])
            confidence = found.scores[human] * found.scores[thing]
            score = (probabilities[i, human, thing] * confidence[:, None]).astype(np.float32)  # (P, K)
            pair, verb = np.divmod(np.argsort(-score, axis=None, kind="stable"), max(len(verbs), 1))
            results.append(
                Interactions(
                    boxes=found.boxes,
                    labels=found.labels,
                    box_scores=found.scores,
                    human=human[pair],
                    object=thing[pair],
                    verb=verbs[verb],
                    score=score[pair, verb],
                    interactiveness=interactiveness[i, human, thing][pair],
                    vocabulary=self.vocabulary,
                    keypoints=found.keypoints,
                    track=found.track,
                )
            )
        return results

    def set_decoding(self, **options: Any) -> None:
        """There are no options of decoding; always an `InputError`."""
        raise InputError(f"{type(self).__name__} has no options of decoding, got {', '.join(options)}")

    def description(self) -> dict[str, Any]:
        """What a weights file says about the network, enough to build it again."""
        return {"system": "tin-spatial", "config": asdict(self.config), "vocabulary": self.vocabulary.to_dict()}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> TinSpatial:
        """The network that `description` describes, without weights."""
        config = {**description["config"], "verbs": tuple(description["config"]["verbs"])}
        return cls(SpatialConfig(**config), Vocabulary.from_dict(description["vocabulary"]))


class PairBlock(nn.Module):
    """Attention among the pairs of one person and among the pairs of one object, then a feed-forward network."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.same_person = PairAttention(width, heads)
        self.same_object = PairAttention(width, heads)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Update pair representations (B, H, N, width)."""
        rows = self.same_person(x, valid)
        columns = self.same_object(x.transpose(1, 2), valid.transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(rows + columns)
        return x + self.dropout(self.feed_forward(x))


class PairAttention(nn.Module):
    """Self-attention along the second to last axis, with one learned key and value that is always there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.nothing = nn.Parameter(torch.zeros(2, width))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Attend within each row of (B, R, L, width), to valid places (B, R, L) only."""
        b, r, n, width = x.shape
        query, key, value = self.project(self.norm(x)).reshape(b * r, n, 3 * width).chunk(3, -1)
        key = torch.cat([self.nothing[0].expand(b * r, 1, -1), key], 1)
        value = torch.cat([self.nothing[1].expand(b * r, 1, -1), value], 1)
        mask = F.pad(valid.reshape(b * r, 1, 1, n), (1, 0), value=True)

        def split(y: Tensor) -> Tensor:
            return y.view(b * r, -1, self.heads, width // self.heads).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(split(query), split(key), split(value), attn_mask=mask)
        return self.output(mixed.transpose(1, 2).reshape(b, r, n, width))


def _zero_embedding(count: int, width: int) -> nn.Embedding:
    embedding = nn.Embedding(count, width)
    nn.init.zeros_(embedding.weight)
    return embedding


def _most_confident(found: Detections, person: int) -> Detections:
    """People first, at most `MAX_PEOPLE`, then objects, at most `MAX_BOXES` together; each by falling score."""
    order = np.argsort(-found.scores, kind="stable")
    people = order[found.labels[order] == person][:MAX_PEOPLE]
    things = order[found.labels[order] != person][: MAX_BOXES - len(people)]
    return found[np.concatenate([people, things])]
