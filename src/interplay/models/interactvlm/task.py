"""What a training of InteractVLM consists of: data sets, loss, LoRA, validation (a `TrainingTask`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interplay.body.model import PARTS
from interplay.errors import InputError
from interplay.layers.modes import evaluating
from interplay.layers.normalisers import LossNormaliser
from interplay.metrics.contact import affordance_scores, contact_scores
from interplay.models.interactvlm.config import (
    InteractVlmConfig,
    InteractVlmDecodingOptions,
    InteractVlmNetworkOptions,
)
from interplay.models.interactvlm.convert import load_folder
from interplay.models.interactvlm.data import VlmData, batch_of, example_of
from interplay.models.interactvlm.extension import extend, token_options
from interplay.models.interactvlm.lessons import Source
from interplay.models.interactvlm.losses import kind_of
from interplay.models.interactvlm.model import UNLEARNT, InteractVlmModel, VlmBatch, VlmOutputs
from interplay.models.interactvlm.modules import PoseEncoder
from interplay.models.interactvlm.nano import nano_network
from interplay.models.interactvlm.prompts import IMAGE
from interplay.models.interactvlm.recipe import GENERATED, ContactDataConfig, InteractVlmRecipe
from interplay.models.interactvlm.sources import open_source
from interplay.models.interactvlm.tokenizer import load_tokenizer
from interplay.models.pair_geometry import as_annotated, pair_features
from interplay.models.weights import read_contact_model
from interplay.table import InteractionTable
from interplay.training.inputs import start_file
from interplay.training.sections import DataConfig
from interplay.training.tables import Tables, fingerprint, load_tables
from interplay.vocabulary import Vocabulary

_VALIDATION_BATCH = 8
_OPTIONAL = ("network.pose_encoder.", "part_head.")
"""Parts of a network that the one that it learns on from need not have, nor keep."""


@dataclass(frozen=True)
class Record:
    """What a weights file says about the data.

    Attributes:
        content: by data set.
    """

    content: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """See `Tables.record`."""
        return self.content


class InteractVlmTask:
    """Trains an InteractVLM: a small one from nothing, or LoRA and the parts around it on given weights.

    Args:
        config: of the training.

    Raises:
        InputError: there is nothing to learn, or the data do not fit.
        MissingFileError: data or weights are not there.
    """

    monitor = "f1"

    def __init__(self, config: InteractVlmRecipe) -> None:
        self.config = config
        generated = [_tables(each) if each.dataset in GENERATED else None for each in self._data()]
        vocabulary = next((each.training.vocabulary for each in generated if each), None) or Vocabulary.load("coco")
        torch.manual_seed(config.seed)
        tables = [each.training for each in generated if each]
        self.model, self.newly_initialised = _model(config, vocabulary, _kinds(tables) or vocabulary.objects)
        if config.model.gradient_checkpointing:
            self.model.network.llava.gradient_checkpointing_enable()
        self.model.freeze()
        if config.start == "weights":
            start = read_contact_model(start_file(config))
            assert isinstance(start, InteractVlmModel)
            own, state = self.model.state_dict(), start.state_dict()
            if start.config.network.words != self.model.config.network.words:
                _match_words(state, own, start.config.network.words, self.model.config.network.words)
            fresh = [name for name in own if name.startswith(_OPTIONAL) and name not in state]
            self.newly_initialised += fresh
            state = {name: tensor for name, tensor in state.items() if name in own or not name.startswith(_OPTIONAL)}
            state |= {name: own[name] for name in fresh}
            _check_same(state, own, start_file(config))
            self.model.load_state_dict(state)
        network = self.model.network
        size, lifted = network.image_size, network.options.view_size
        learnt = config.mask_size or lifted
        sources = [
            (open_source(data, config, size, data.train, tables.training if tables else None, learnt), data.rate)
            for data, tables in zip(self._data(), generated, strict=True)
        ]
        if network.pose_encoder is not None and not network.pose_encoder.fitted:
            fit_poses(network.pose_encoder, [source for source, _ in sources])
        self.data = VlmData(sources, self.model, config)
        self.validation = self._validation(generated[0], sources[0][0], size, lifted)
        self.tables = Record(
            {
                name: {
                    "lessons": len(source),
                    "sha256": _digest(source),
                    **({"annotations": fingerprint(tables.training)} if tables else {}),
                }
                for name, (source, _), tables in zip(("data", *config.further), sources, generated, strict=True)
            }
        )

    def _data(self) -> list[ContactDataConfig]:
        return [self.config.data, *self.config.further.values()]

    def _validation(self, tables: Tables | None, training: Source, size: int, lifted: int | None) -> Source | None:
        """What is validated on: held-out generated scenes, of which the pairs that touch, another data set's split, or
        what is trained on."""
        data = self.config.data
        if tables is not None:
            held_out = tables.validation is not tables.training
            if not held_out and self.config.mask_size in (None, lifted) and not self.config.negatives:
                return training
            root = (data.validation_root if held_out else None) or data.root
            held = data.model_copy(update={"root": root})
            return open_source(held, self.config, size, "val", tables.validation, lifted)
        if data.validation is not None:
            return open_source(data, self.config, size, data.validation)
        return training

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Those that are trained, at one rate."""
        return {"default": [parameter for parameter in self.model.parameters() if parameter.requires_grad]}

    def counts(self, batch: VlmBatch) -> Tensor:
        """(1,) tokens that are learnt."""
        return (batch.labels[:, 1:] != UNLEARNT).sum().float().reshape(1)

    def loss(self, network: Callable[..., Any], batch: VlmBatch, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss of a batch."""
        outputs: VlmOutputs = network(batch)
        return self.model.loss(outputs, batch, counts)

    def validate(self, model: InteractVlmModel) -> dict[str, float]:
        """`f1`, `precision`, `recall` of vertices; of affordances `f1` is SIM. Answers are given, without parts."""
        source = self.validation
        assert source is not None
        chosen = np.linspace(0, len(source) - 1, min(len(source), self.config.validation_samples)).round().astype(int)
        scores: list[tuple[float, float, float]] = []
        rng = np.random.default_rng(0)
        with evaluating(model):
            for start in range(0, len(chosen), _VALIDATION_BATCH):
                rows = chosen[start : start + _VALIDATION_BATCH].tolist()
                examples = [example_of(source.lesson(row, rng, training=False), model) for row in rows]
                batch = batch_of(examples, model.tokenizer.pad_token_id or 0).to(model.device)
                outputs = model(batch)
                for taught, found in zip(batch.taught, model.lifted(outputs, batch), strict=True):
                    if found is None:
                        continue
                    pred, target = found.float().cpu().numpy(), taught.target.cpu().numpy()
                    if kind_of(taught.dataset) == "oafford":
                        scores.append((float(affordance_scores(pred, target).sim), 0.0, 0.0))
                    else:
                        scores.append(tuple(float(each) for each in contact_scores(pred, target).mean))  # type: ignore[arg-type]
        if not scores:
            return {}
        means = np.mean(scores, 0)
        return dict(zip(("f1", "precision", "recall"), map(float, means), strict=True))

    def finish(self, model: InteractVlmModel) -> dict[str, Any]:
        """Data and last validation."""
        return {"data": self.tables.record(), "validation": self.validate(model)}


def _match_words(
    state: dict[str, Tensor], own: Mapping[str, Tensor], theirs: Sequence[str], ours: Sequence[str]
) -> None:
    """Put the rows of other words (`WordTokenizer`) in this network's order, in place; new words keep their own rows.

    The last row, after all words, is the image's.
    """
    known = {word: row for row, word in enumerate((*theirs, IMAGE))}
    both = [(row, known[word]) for row, word in enumerate((*ours, IMAGE)) if word in known]
    rows, given = torch.tensor(both).T
    for name in ("network.llava.model.language_model.embed_tokens.weight", "network.llava.lm_head.weight"):
        state[name] = own[name].clone().index_copy(0, rows, state[name][given].to(own[name]))


def _check_same(state: Mapping[str, Tensor], own: Mapping[str, Tensor], file: Path) -> None:
    """Raise InputError for a tensor of another shape."""
    for name, tensor in state.items():
        if name in own and own[name].shape != tensor.shape:
            raise InputError(
                f"{file}: {name} is {tuple(tensor.shape)} there, and {tuple(own[name].shape)} is expected: a network "
                "learns on from one of the same size"
            )


def fit_poses(encoder: PoseEncoder, sources: Sequence[Source]) -> None:
    """Set mean and deviation to those of the annotated pairs of generated scenes.

    Raises:
        InputError: no source has any.
    """
    pairs = [pair_features(as_annotated(each)) for source in sources for each in source.geometries]
    if not pairs:
        raise InputError("model.poses: poses are learnt from generated scenes; these data sets have none")
    encoder.fit(torch.cat(pairs))


def _tables(data: ContactDataConfig) -> Tables:
    shared = {name: getattr(data, name) for name in DataConfig.model_fields}
    return load_tables(DataConfig(**{**shared, "dataset": "generated"}))


def _kinds(tables: Sequence[InteractionTable]) -> list[str]:
    """Names of the objects in tables, in the order of their vocabularies."""
    names = (table.vocabulary.objects[label] for table in tables for label in np.unique(table.labels))
    return list(dict.fromkeys(names))


def _model(
    config: InteractVlmRecipe, vocabulary: Vocabulary, objects: Sequence[str]
) -> tuple[InteractVlmModel, list[str]]:
    """The network, and what of it a given base does not have.

    Args:
        objects: whose names a network from nothing knows.
    """
    options = config.model
    if options.base is None and options.lora_rank:
        raise InputError(
            "model.base: LoRA changes given weights, and none are given; give --model.base FOLDER of published "
            "InteractVLM or LISA weights, or --model.lora_rank 0 to train a small network from nothing"
        )
    if options.base is not None and options.sam_size is not None:
        raise InputError(
            f"model.sam_size: {options.base} has a SAM of its own size; leave it out, or leave out model.base to "
            "train a small network from nothing"
        )
    if options.base is None:
        network = nano_network(
            objects, PARTS, options.camera_encoder, options.human_views, options.views, options.token_type,
            options.view_size, options.sam_size or 256, options.poses,
        )  # fmt: skip
        decoding = InteractVlmDecodingOptions(template=config.template, given=config.name_objects)
        return InteractVlmModel(vocabulary, InteractVlmConfig(network=network, loss=config.loss, decoding=decoding)), []
    return on_base(Path(options.base), vocabulary, config)


def on_base(base: Path, vocabulary: Vocabulary, config: InteractVlmRecipe) -> tuple[InteractVlmModel, list[str]]:
    """Given weights with LoRA's matrices beside them, and with the parts and tokens that they do not have.

    Returns:
        The network, and the names of the parameters that are not in `base`.

    Raises:
        InputError: tokens or cameras of another kind, or no tokenizer.
        MissingFileError, MissingExtraError: something is not there.
    """
    options = config.model
    network = load_folder(base)
    wanted, tokenizer = token_options(network.options, load_tokenizer(base), options.token_type)
    views = {"camera_encoder": options.camera_encoder, "views": options.views}
    names = {"human_views": options.human_views, "object_views": options.object_views}
    if options.view_size is not None:
        views["view_size"] = options.view_size
    network, fresh = extend(network, wanted.model_copy(update={**views, **names}))
    described = InteractVlmNetworkOptions(
        options=network.options,
        llava=network.llava.config.to_dict(),
        sam=network.sam.config.to_dict(),
        base=str(base),
        lora_rank=options.lora_rank,
        lora_alpha=options.lora_alpha,
    )
    model = InteractVlmModel(vocabulary, InteractVlmConfig(network=described, loss=config.loss), network, tokenizer)
    return model, [f"network.{name}" for name in fresh]


def _digest(source: Source) -> str:
    """Of the images' names."""
    return hashlib.sha256("\n".join(source.name(index) for index in range(len(source))).encode()).hexdigest()
