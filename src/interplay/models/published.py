"""Published weights of every system by one function."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from interplay.checkpoints.tensorflow import find_checkpoint
from interplay.containers.guard import reason
from interplay.errors import InputError, some_of
from interplay.files import check_other
from interplay.systems import System, folder_converter, get_system, published_systems
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from interplay.models.base import HoiModel
    from interplay.models.interactvlm.network import InteractVlm


@dataclass(frozen=True)
class Imported:
    """A model made of published weights, and what there is to say about it.

    Attributes:
        model: in evaluation mode.
        system: name of the system.
        vocabulary: what its classes mean.
        parameters: numbers in its parameters, buffers left out.
        unused: names in the file that the model has no place for.
    """

    model: HoiModel
    system: str
    vocabulary: Vocabulary
    parameters: int
    unused: list[str] = field(default_factory=list)

    def summary(self) -> list[str]:
        """Lines that say what the model is and which names of the file were left over."""
        lines = [
            f"{self.system}, {self.parameters / 1e6:.1f} M parameters",
            f"vocabulary {self.vocabulary.name}: {len(self.vocabulary.objects)} objects, {len(self.vocabulary.verbs)} "
            f"verbs, {len(self.vocabulary.interactions)} interactions",
            *describe_variant(self.model),
        ]
        if self.unused:
            lines.append(f"{len(self.unused)} tensors of the file are not part of the model: {some_of(self.unused)}")
        return lines


def published_system(name: str) -> System:
    """A system whose published weights can be read.

    Raises:
        InputError: unknown, or without published weights.
    """
    system = get_system(name)
    if not system.converter:
        raise InputError(
            f"expected a system with published weights ({', '.join(published_systems())}), got {system.name}. Weights "
            "that 'interplay train' wrote need no import: give the file to --model"
        )
    return system


@overload
def load_published(  # type: ignore[overload-overlap]  # the name tells them apart
    system: Literal["interactvlm"], source: str | os.PathLike[str]
) -> InteractVlm: ...


@overload
def load_published(
    system: str, source: str | os.PathLike[str] | Mapping[str, Tensor], vocabulary: Vocabulary | None = None
) -> HoiModel: ...


def load_published(
    system: str, source: str | os.PathLike[str] | Mapping[str, Tensor], vocabulary: Vocabulary | None = None
) -> HoiModel | InteractVlm:
    """A model from published weights; names and shapes decide variant and data set.

    Args:
        system: ``gen-vlkt``, ``ggnet`` (also PPDM), ``tin`` or ``interactvlm``.
        source: a checkpoint file (torch, safetensors or TensorFlow's), or its state dict; of ``interactvlm`` a folder.
        vocabulary: needed only for models trained on one's own data.

    Returns:
        The model in evaluation mode.

    Raises:
        MissingFileError: no such file.
        InputError: unknown system, unreadable file, or weights that do not fit.

    Example:
        >>> from interplay.importers import load_published  # doctest: +SKIP
        >>> model = load_published("gen-vlkt", "gen_vlkt_s_hico.pth")  # doctest: +SKIP
    """
    if (converter := folder_converter(system)) is not None:
        if isinstance(source, Mapping):
            raise InputError(f"{system}: expected the published folder, got a state dict")
        return converter.load_folder(source)
    return import_published(system, source, vocabulary).model


def import_published(
    system: str, source: str | os.PathLike[str] | Mapping[str, Tensor], vocabulary: Vocabulary | None = None
) -> Imported:
    """Like `load_published`, with a report of what was found and what was left over."""
    from interplay.checkpoints.state_dicts import find_state_dict, read_state_dict

    entry = published_system(system)
    converter = entry.converter_module()
    where = "" if isinstance(source, Mapping) else f"{source}: "
    state = find_state_dict(source) if isinstance(source, Mapping) else read_state_dict(source)
    try:
        model: HoiModel = converter.load(state, vocabulary)
    except InputError as error:
        raise InputError(f"{where}{error}") from None
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # shapes that no network has, such as a matrix without rows
        raise InputError(f"{where}the weights do not fit {entry.name}: {reason(error, 'its weights')}") from None
    parameters = sum(p.numel() for p in model.parameters())
    return Imported(model, entry.name, model.vocabulary, parameters, sorted(converter.unused_names(state, model)))


def convert(
    system: str,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
) -> Imported:
    """Write published weights as interplay's own safetensors file; see `import_published`.

    The file says which network it belongs to, and the hash of the checkpoint that it was made of.

    Raises:
        InputError: the output is the source, or has another suffix than ``.safetensors``; the source is a weights file
            of interplay's already.
    """
    from interplay.models.weights import is_weights_file

    output = Path(output)
    if output.suffix != ".safetensors":
        raise InputError(f"the output must end in .safetensors, got {output}")
    check_other(output, source, "the file to import")
    if is_weights_file(Path(source)):
        raise InputError(f"{source} is a weights file of interplay's already: give it to --model as it is")
    imported = import_published(system, source, vocabulary)
    origin = {"file": Path(source).name, "sha256": sha256(source), "system": imported.system}
    imported.model.save(output, imported_from=origin)
    return imported


def describe_variant(model: HoiModel) -> list[str]:
    """Lines on the variant of a network, as far as its configuration says."""
    network = model.config.network.model_dump(exclude_defaults=True)
    changed = ", ".join(f"{name}={value}" for name, value in network.items())
    lines = [f"variant {model.variant}"] if model.variant else []
    return [*lines, f"settings other than {type(model).__name__}'s defaults: {changed or 'none'}"]


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a file's content; of a TensorFlow checkpoint's numbers, in all its ``.data`` files."""
    source = Path(path)
    checkpoint = find_checkpoint(source)
    parts = sorted(checkpoint.parent.glob(f"{escape(checkpoint.name)}.data-*")) if checkpoint else []
    files = parts or [source]
    digest = hashlib.sha256()
    for each in files:
        with each.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
