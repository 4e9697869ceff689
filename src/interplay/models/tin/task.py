"""What a training of TIN's networks consists of: data, loss, validation and what is kept (a `TrainingTask`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interplay.datasets import InteractionDataset
from interplay.datasets.image_check import require_images
from interplay.datasets.pair_source import PairSource
from interplay.datasets.pairs import PairReader
from interplay.errors import InputError
from interplay.layers.normalisers import LossNormaliser
from interplay.models.feature_cache import FeatureCache
from interplay.table import InteractionTable
from interplay.training.annotated_poses import with_poses
from interplay.training.cache import build_cache
from interplay.training.detections import read_detections
from interplay.training.tables import Tables, fingerprint, load_tables, load_training_table
from interplay.training.validation import DetectedValidation
from interplay.vocabulary import Vocabulary

from .config import TinConfig, TinDecodingOptions, TinLossOptions, TinNetworkOptions
from .data import JoinedPairs, TinBatch, TrainingPairs, ValidationPairs
from .losses import LossWeights, class_weights
from .model import TinModel
from .network import TinOutputs
from .published import published_actions
from .recipe import TinDataConfig, TinRecipe
from .start import initialise
from .validation import PairScores, score_pairs


class TinTask:
    """Trains TIN's networks on annotated images.

    Args:
        recipe: of the training.
        tables: what is trained and validated on; by default what the recipe names.

    Raises:
        InputError: there is nothing to learn.
        MissingFileError: data or first weights are not there.
    """

    def __init__(self, recipe: TinRecipe, tables: Tables | None = None) -> None:
        self.config, self.tables = recipe, tables or load_tables(recipe.data)
        further = [(data, *load_training_table(data, f"further.{name}")) for name, data in recipe.further.items()]
        vocabulary = network_vocabulary(recipe, self.tables.training.vocabulary)
        self.verbs = network_verbs(recipe, vocabulary)
        torch.manual_seed(recipe.seed)
        self.model: Any = TinModel(vocabulary, network_config(recipe, self.verbs))
        self.newly_initialised = initialise(self.model, recipe)
        freeze(self.model, recipe)
        self.validation = ValidationPairs(
            self._source(recipe.data, self.tables.validation, self.tables.validation_images, cached=False),
            self.model.is_part,
        )
        self.detected = DetectedValidation(
            self.tables, vocabulary, recipe.data.validation_detections, recipe.data.pose, recipe.data.workers
        )
        given = [(recipe.data, self.tables.training, self.tables.images), *further]
        parts = [self._training(data, table, folder) for data, table, folder in given]
        self.data = parts[0] if len(parts) == 1 else JoinedPairs(parts, recipe.seed)
        if recipe.discriminates and not self.data.rows[1]:
            raise InputError("every annotated pair interacts: there is no pair to learn the opposite from")
        self.model.loss_weights = self._loss_weights()
        self.records = {
            "training": [fingerprint(table) for _, table, _ in given],
            "validation": fingerprint(self.tables.validation),
            "pose": Path(recipe.data.pose).name if recipe.data.pose is not None else None,
        }
        if recipe.features.kind == "frozen":
            self._store_features()
        known = "map" if recipe.classifies else "d_ap"
        self.monitor = "score" if self.detected.detector is not None else known  # what the published figures are of
        self._scored: PairScores | None = None

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Everything that changes, at one rate."""
        return {"default": [parameter for parameter in self.model.parameters() if parameter.requires_grad]}

    def counts(self, batch: TinBatch) -> Tensor:
        """(2,) pairs that interact, and all pairs."""
        return batch.targets.counts()

    def loss(self, network: Callable[..., TinOutputs], batch: TinBatch, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss; see `TinModel.loss`."""
        given = batch.images, batch.humans, batch.objects, batch.maps
        outputs = network(*given, batch.parts) if self.model.is_part else network(*given, *self._positives(batch))
        return self.model.loss(outputs, batch.targets, counts)

    def validate(self, model: TinModel) -> dict[str, float]:
        """Metrics on all pairs of annotated boxes (see `PairScores`), and on detected ones (`DetectedValidation`)."""
        self._scored = score_pairs(model, self.validation)
        return {**self._metrics(self._scored), **self.detected(model)}

    def finish(self, model: TinModel) -> dict[str, Any]:
        """Choose the limits of NIS on the validation images and describe the model."""
        scored = self._scored if self._scored is not None else score_pairs(model, self.validation)
        below, above = self._limits(scored)
        model.set_decoding(interactive_below=below, not_interactive_above=above)
        return {"data": self.records, "validation": self._metrics(scored)}

    def _metrics(self, scored: PairScores) -> dict[str, float]:
        metrics: dict[str, float] = {}
        if self.model.classifies:
            metrics |= scored.classification()
        if self.model.config.decoding.suppress:
            metrics |= scored.suppression(self._limits(scored))
        return {name: value for name, value in metrics.items() if not np.isnan(value)}

    def _limits(self, scored: PairScores) -> tuple[float, float]:
        decoding = self.model.config.decoding
        if self.config.nis_recall_loss is None or not decoding.suppress:
            return decoding.interactive_below, decoding.not_interactive_above
        return scored.limits(self.config.nis_recall_loss)

    def _positives(self, batch: TinBatch) -> list[int]:
        """As published, only pairs that interact have objects."""
        return [batch.positives] if self.config.published_behaviour else []

    def _loss_weights(self) -> LossWeights:
        kind = self.config.pairs.class_weights
        if kind in ("hico", "v-coco"):
            weights = LossWeights.published(kind)
            count = 0 if weights.interactions is None else len(weights.interactions)
            if self.config.classifies and count != len(self.data.class_counts):
                raise InputError(
                    f"pairs.class_weights: {kind} are for {count} classes, the network has "
                    f"{len(self.data.class_counts)}: use 'annotations'"
                )
            return weights
        if kind == "none":
            return LossWeights()
        classes = self.data.class_counts if self.data.class_counts.any() else np.ones(1)
        motions = self.data.motion_counts if self.data.motion_counts.any() else np.ones(1)
        return LossWeights(class_weights(classes), class_weights(self.data.rows), class_weights(motions))

    def _training(self, data: TinDataConfig, table: InteractionTable, folder: Path) -> TrainingPairs:
        labels = self.config.published_behaviour and self.model.is_part
        source = self._source(data, table, folder, cached=True)
        return TrainingPairs(source, self.config.pairs, self.model.is_part, labels, self.config.seed)

    def _source(self, data: TinDataConfig, table: InteractionTable, folder: Path, cached: bool) -> PairSource:
        require_images(table, folder, "data.images")
        if data.pose is not None:
            table = with_poses(table, folder, data.pose, self._feature_folder(data))
        reader = PairReader(
            table.vocabulary,
            self.model.vocabulary,
            self.verbs,
            classify=self.config.classifies,
            published_behaviour=self.config.published_behaviour,
        )
        cache = build_cache(data, len(table), self.config.folder) if cached else None
        return PairSource(
            InteractionDataset(table, folder, cache=cache),
            reader,
            read_detections(data.detections, table),
            self.config.pairs.longer_side,
        )

    def _feature_folder(self, data: TinDataConfig) -> Path:
        return data.feature_folder or self.config.folder / "features"

    def _store_features(self) -> None:
        network = self.model.network
        on_gpu = self.config.accelerator in ("auto", "cuda") and torch.cuda.is_available()
        network.to("cuda" if on_gpu else "cpu")
        cache = FeatureCache(self._feature_folder(self.config.data), network)
        self.data.store_features(cache, self.config.features.copies)
        self.validation.store_features(cache)
        network.to("cpu")


def freeze(model: TinModel, recipe: TinRecipe) -> None:
    """Keep fixed what the recipe does not change. Stem, first block and batch normalisations always are."""
    network = model.network
    interactiveness = {id(p) for module in network.interactiveness_parts for p in module.parameters()}
    classifiers = {id(p) for module in network.classifying_parts for p in module.parameters()}
    features = {id(p) for module in network.frozen_parts for p in module.parameters()}
    everything = {id(p) for p in network.parameters()}
    update = recipe.update
    if update == "without-discriminator" and recipe.published_behaviour:
        update = "all"
    fixed = {
        "all": set(),
        "discriminator": everything - interactiveness,
        "without-discriminator": interactiveness,
        "without-classifiers": classifiers,
    }[update]
    if recipe.features.kind == "frozen":
        fixed = fixed | features
    for parameter in network.parameters():
        if id(parameter) in fixed:
            parameter.requires_grad_(False)


def network_config(recipe: TinRecipe, verbs: tuple[int, ...]) -> TinConfig:
    """The configuration of the network that a recipe trains, with the verb of each class where classes are verbs."""
    trained = recipe.start in ("weights", "published")
    options = recipe.model
    return TinConfig(
        network=TinNetworkOptions(
            level=options.level,
            classes=options.classes,
            verbs=verbs,
            backbone=options.backbone,
            classifies=recipe.classifies or trained,
        ),
        loss=TinLossOptions(learn=recipe.learn),
        decoding=TinDecodingOptions(suppress=recipe.discriminates or trained),
    )


def network_vocabulary(recipe: TinRecipe, annotations: Vocabulary) -> Vocabulary:
    """The vocabulary of the network's classes."""
    return annotations if recipe.model.vocabulary is None else Vocabulary.load(recipe.model.vocabulary)


def network_verbs(recipe: TinRecipe, vocabulary: Vocabulary) -> tuple[int, ...]:
    """The verb of each class, where classes are verbs: the published actions in their order, other verbs in theirs."""
    if recipe.model.classes == "interaction":
        return ()
    return published_actions(vocabulary) or tuple(range(len(vocabulary.verbs)))
