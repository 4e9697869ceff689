"""Weights that were trained on top of a folder, put into it."""

from __future__ import annotations

from pathlib import Path

import torch

from interplay.errors import InputError, MissingFileError
from interplay.models.interactvlm.config import InteractVlmDescription
from interplay.models.interactvlm.extension import extend, token_options
from interplay.models.interactvlm.folder import copy_tokenizer, save_folder
from interplay.models.interactvlm.model import InteractVlmModel, merge_lora
from interplay.models.interactvlm.network import InteractVlm
from interplay.models.interactvlm.tokenizer import load_tokenizer
from interplay.models.weights import describing, read_weights


def merge_file(file: Path, output: Path) -> InteractVlm:
    """Write the folder that a training began with, changed by what it learnt; LoRA's matrices are added in.

    Args:
        file: of `interplay.models.interactvlm.model.InteractVlmModel`.
        output: an empty folder, or none.

    Raises:
        MissingFileError: the file, or the folder that it changes, is not there.
        InputError: a file of another kind, or one that changes no folder.
    """
    from interplay.models.interactvlm.convert import load_folder

    state, description = read_weights(file)
    if description.get("system") != "interactvlm":
        raise InputError(f"{file} holds weights of {description.get('system')!r}, expected interactvlm")
    with describing(description, file):
        known = InteractVlmDescription.model_validate(description)
    described = known.config.network
    if not described.base:
        raise InputError(f"{file} is whole by itself: 'interplay contact --model {file}' takes it")
    base = Path(described.base)
    if not base.is_dir():
        raise MissingFileError(f"{file} changes the weights in {base}, and there is no such folder")
    network = load_folder(base)
    stored = network.options
    network, _ = extend(network, described.options)
    model = InteractVlmModel(known.vocabulary, known.config, network, tokenizer=object())
    kind = next(network.parameters()).dtype
    model.load_state_dict({name: tensor.to(kind) for name, tensor in state.items()})
    with torch.no_grad():
        merge_lora(network)
    save_folder(network, output, origin={"trained_on": base.name, "training": file.name})
    if stored.token_type == described.options.token_type:
        copy_tokenizer(base, output)
    else:
        token_options(stored, load_tokenizer(base), described.options.token_type)[1].save_pretrained(output)
    return network.eval()
