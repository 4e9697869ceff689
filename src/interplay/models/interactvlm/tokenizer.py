"""The tokenizer of a folder of weights, cutting text into tokens as its training did."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interplay.errors import MissingExtraError
from interplay.hub import load_pretrained

SENTENCEPIECE = "tokenizer.model"


def load_tokenizer(folder: str | os.PathLike[str]) -> Any:
    """`transformers`' tokenizer of a folder, without asking the hub.

    Published folders hold Llama's (``tokenizer.model``), and their networks were trained with the tokenizer of
    transformers 4.31. That one took blanks and line breaks around an added token away; today's makes a token of them.
    The hidden state before ``[SEG]`` stands for the mask, so that it matters which token that is: here they are taken
    away, too.

    Raises:
        InputError, MissingFileError: no tokenizer that can be read.
        MissingExtraError: sentencepiece, which reads Llama's, is not installed.
    """
    from transformers import AutoTokenizer

    source = Path(folder)
    llama = (source / SENTENCEPIECE).is_file()
    if llama:
        try:
            import sentencepiece  # noqa: F401  # what transformers falls back to without it does not read Llama's
        except ImportError as error:
            raise MissingExtraError("contact", "sentencepiece") from error
    tokenizer = load_pretrained(AutoTokenizer, source, "a tokenizer", "contact")
    return _without_blanks(tokenizer) if llama else tokenizer


def with_tokens(tokenizer: Any, tokens: Sequence[str]) -> Any:
    """Add tokens for these words, after those that the tokenizer has, and without blanks around them; returns it."""
    from tokenizers import AddedToken

    known = tokenizer.get_vocab()
    tokenizer.add_tokens([AddedToken(token, lstrip=True, rstrip=True) for token in tokens if token not in known])
    return tokenizer


def _without_blanks(tokenizer: Any) -> Any:
    """The same, taking away what stands around tokens that were added; those that are there cannot be changed."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    rules = json.loads(tokenizer.backend_tokenizer.to_str())
    for token in rules["added_tokens"]:
        if not token["special"]:
            token["lstrip"] = token["rstrip"] = True
    names = ("bos_token", "eos_token", "unk_token", "pad_token")
    known = {name: str(value) for name in names if (value := getattr(tokenizer, name)) is not None}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(rules)),
        model_max_length=tokenizer.model_max_length,
        padding_side="right",
        **known,
    )
