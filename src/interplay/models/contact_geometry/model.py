"""Where a person touches an object, from boxes, keypoints, the object's class and what the person does with it.

It sees no pixels, so what it learns on generated scenes, whose contact is exact, holds for photographs as far as poses
do. InteractVLM (CVPR 2025) looks at pixels instead; both answer with scores of a body's vertices.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from interplay.errors import InputError
from interplay.layers.modes import evaluating, one_thread
from interplay.layers.normalisers import LossNormaliser
from interplay.models.contact import ContactModel, ContactPair, VertexContact
from interplay.models.pair_geometry import NUM_FEATURES, found_geometry, pair_features
from interplay.ops.object_names import match_objects
from interplay.vocabulary import Vocabulary

from .batch import PairBatch
from .config import ContactGeometryConfig, ContactGeometryDescription
from .network import ContactOutputs, PairNetwork, VertexNetwork

NUM_PARTS = 19
_SAME_VERB = {"sit": "sit on", "lay": "lie on", "lie": "lie on", "talk on phone": "talk on", "drink": "drink with"}
"""V-COCO's words for what HICO-DET, and the generated world, call otherwise."""


class ContactGeometry(ContactModel):
    """See the module's text. About 0.5 million parameters.

    Args:
        vocabulary: the objects and verbs that it knows.
        config: every choice.
    """

    config: ContactGeometryConfig
    system = "contact-geometry"
    description_class = ContactGeometryDescription
    mean: Tensor
    deviation: Tensor
    surface: Tensor
    part: Tensor

    def __init__(self, vocabulary: Vocabulary, config: ContactGeometryConfig) -> None:
        super().__init__(vocabulary, config)
        options = config.network
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("deviation", torch.ones(NUM_FEATURES))
        self.register_buffer("surface", torch.zeros(options.vertices, 6))
        self.register_buffer("part", torch.zeros(options.vertices, dtype=torch.int64))
        verbs = len(vocabulary.verbs) if options.verbs else 0
        self.pair = PairNetwork(
            *(NUM_FEATURES, len(vocabulary.objects), verbs, options.width, options.layers),
            *(options.embedding, options.rank, options.dropout),
        )
        self.vertex = VertexNetwork(NUM_PARTS, options.rank)

    def forward(self, batch: PairBatch, vertices: Tensor | None = None) -> ContactOutputs:
        """Contact of the pairs of a batch.

        Args:
            vertices: (M,) the only ones to compute; by default all.
        """
        features = (pair_features(batch) - self.mean) / self.deviation
        of_pair, touch = self.pair(features, batch.labels, batch.verbs)
        rows = slice(None) if vertices is None else vertices
        of_vertex, usual = self.vertex(self.surface[rows], self.part[rows])
        return ContactOutputs(touch, of_pair @ of_vertex.T / of_vertex.shape[1] ** 0.5 + usual)

    def loss(
        self, outputs: ContactOutputs, contact: Tensor, touches: Tensor, counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """Cross-entropy of any contact; of pairs that touch, cross-entropy of vertices and dice loss.

        Args:
            outputs: of `forward`.
            contact: (P, M) bool of the vertices that were computed.
            touches: (P,) bool: any contact.
            counts: pairs, and pairs that touch, as the mean over the parts of a step; by default this batch's.
        """
        weights = self.config.loss
        if counts is None:
            counts = LossNormaliser(touch_counts(touches))
        pairs, touching = counts.mean.clamp_min(counts.floor(1.0))
        touch = F.binary_cross_entropy_with_logits(outputs.touch, touches.float(), reduction="sum") / pairs
        logits, target = outputs.vertices[touches], contact[touches].float()
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1).sum() / touching
        p = logits.sigmoid()
        dice = 1 - (2 * (p * target).sum(1) + 1) / (p.sum(1) + target.sum(1) + 1)
        return {
            "touch": weights.touch * touch,
            "vertices": weights.vertices * entropy,
            "dice": weights.dice * dice.sum() / touching,
        }

    def fit(self, features: Tensor, surface: Tensor, part: Tensor) -> None:
        """Set what is not learnt: mean and deviation of the features (P, F) of the training pairs, and the body's
        surface (N, 6) and parts (N,)."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp_min(0.05))
        self.surface.copy_(surface)
        self.part.copy_(part)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.mean.device

    def predict(self, pairs: PairBatch) -> NDArray[np.float32]:
        """(P, N) scores of the body's vertices, 0..1; all 0 for pairs that do not touch."""
        with evaluating(self), one_thread():
            return self(pairs.to(self.device)).scores(self.config.decoding.touch).cpu().numpy()

    def finder(self) -> GeometryFinder:
        """See `ContactModel`."""
        return GeometryFinder(self.eval())


def touch_counts(touches: Tensor) -> Tensor:
    """(2,) numbers of pairs, and of pairs that touch, of labels (P,)."""
    return torch.stack([touches.new_tensor(len(touches), dtype=torch.float32), touches.sum().float()])


class GeometryFinder:
    """A network on the built-in body; see `interplay.models.contact.ContactFinder`."""

    kind: Any = "human"
    uses_poses = True

    def __init__(self, model: ContactGeometry) -> None:
        self.model = model

    @cached_property
    def mesh(self) -> Any:
        """The body's views."""
        from interplay.body.cameras import view_set
        from interplay.body.model import load_body_model
        from interplay.body.views import draw_views, upright_body

        body = load_body_model()
        return draw_views(upright_body(body.template.vertices), body.faces, view_set("4MV-Z_Vitru"), 512)

    def predict_pairs(self, image: NDArray[np.uint8], pairs: Sequence[ContactPair]) -> list[VertexContact]:
        """Contact of each pair; of the image only the size counts. See `ContactFinder`.

        Raises:
            InputError: a pair without boxes.
        """
        if not pairs:
            return []
        scores = self.model.predict(batch_of(self.model.vocabulary, image.shape[1], image.shape[0], pairs))
        return [VertexContact(pair.object, row, "", bool(row.any())) for pair, row in zip(pairs, scores, strict=True)]


def batch_of(vocabulary: Vocabulary, width: int, height: int, pairs: Sequence[ContactPair]) -> PairBatch:
    """Pairs of one image as a network with this vocabulary takes them.

    Raises:
        InputError: a pair without boxes.
    """
    for pair in pairs:
        if pair.human_box is None or pair.object_box is None:
            raise InputError(
                f"contact by geometry needs the boxes of the person and of the {pair.object}; a detector finds them, "
                "or give them"
            )
    verbs = torch.zeros(len(pairs), len(vocabulary.verbs), dtype=torch.bool)
    known = {name.replace("_", " "): index for index, name in enumerate(vocabulary.verbs)}
    for row, pair in zip(verbs, pairs, strict=True):
        for verb in pair.verbs:
            name = verb.lower().replace("_", " ")
            if (index := known.get(_SAME_VERB.get(name, name))) is not None:
                row[index] = True
    names = tuple(pair.object.replace("_", " ") for pair in pairs)
    labels = match_objects(names, vocabulary.objects, vocabulary.human)
    return PairBatch(
        **vars(found_geometry(pairs, width, height)), labels=torch.as_tensor(np.asarray(labels, np.int64)), verbs=verbs
    )
