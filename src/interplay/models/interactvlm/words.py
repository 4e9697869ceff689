"""A tokenizer of whole words, for networks whose language model knows the questions and answers of contact alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interplay.models.interactvlm.prompts import ANSWERS, IMAGE_END, IMAGE_START, QUESTIONS, conversation

_WORD = re.compile(r"\[\w+\]|<\w+>|</s>|\w+(?:'\w+)?|[^\w\s]")
PAD, START, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
_SPECIAL = (PAD, START, END, UNKNOWN)


@dataclass(frozen=True)
class Tokens:
    """What `transformers`' tokenizers return.

    Attributes:
        input_ids: numbers of the words.
    """

    input_ids: list[int]


class WordTokenizer:
    """One number for each word; words that it does not know share one.

    Args:
        words: by number, as of `word_list`.
    """

    pad_token_id, bos_token_id, eos_token_id, unk_token_id = range(4)

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __call__(self, text: str) -> Tokens:
        found = (self._numbers.get(word, self.unk_token_id) for word in split(text))
        return Tokens([self.bos_token_id, *found])

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The words of numbers, with blanks between."""
        words = [self.words[number] if number < len(self.words) else UNKNOWN for number in ids]
        kept = (word for word in words if not (skip_special_tokens and word in _SPECIAL))
        return re.sub(r" ([.,?!:;])", r"\1", " ".join(kept))

    def number(self, word: str) -> int:
        """A word's number.

        Raises:
            KeyError: none of its words.
        """
        return self._numbers[word]


def word_list(objects: Iterable[str], parts: Iterable[str], tokens: Iterable[str]) -> tuple[str, ...]:
    """The words of all questions and answers about objects and body parts, with masks' tokens."""
    texts = [conversation(""), IMAGE_START, IMAGE_END, *(name.replace("_", " ") for name in objects), *parts]
    texts += [text for family in (*QUESTIONS.values(), *ANSWERS.values()) for text in family]
    found = sorted({word for text in texts for word in split(re.sub(r"\{\w+\}|\[\w+\]|<image>", " ", text))})
    return (*_SPECIAL, *(word for word in found if word not in _SPECIAL), *tokens)


def split(text: str) -> list[str]:
    """Words, marks and tokens of a text, in lower case but for tokens."""
    return [word if word[0] in "[<" else word.lower() for word in _WORD.findall(text)]
