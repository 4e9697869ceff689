"""The texts whose embeddings classify interactions and objects (Section 3.2, "Text Embedding for Classifier ...")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from interplay.vocabulary import Vocabulary, gerund, normalise, with_article

Wording = Literal["published", "plain"]

BACKGROUND = "a photo of nothing"
ABSENT = "a photo of a person only"
_AT = {"look": "looking at"}


def interaction_prompts(vocabulary: Vocabulary, wording: Wording = "published") -> list[str]:
    """One text per interaction: "a photo of a person riding a bicycle".

    Args:
        vocabulary: with I interactions.
        wording: ``published`` takes the published code's articles ("a umbrella", "a skis") and, for action-roles
            (V-COCO), its bare -ing forms ("sitting a chair").
    """
    return [_interaction(vocabulary, int(v), int(o), wording) for v, o in vocabulary.interactions]


def verb_prompts(vocabulary: Vocabulary, wording: Wording = "published") -> list[str]:
    """One text per verb, without an object: "a photo of a person riding something"."""
    return [_interaction(vocabulary, v, -1, wording) for v in range(len(vocabulary.verbs))]


def object_prompts(vocabulary: Vocabulary, absent: bool, wording: Wording = "published") -> list[str]:
    """One text per object class and for the background: "a photo of a bicycle", ..., "a photo of nothing".

    Args:
        absent: whether there is a class for interactions without object; then the objects are "a photo of a person
            and a bicycle" and it is "a photo of a person only".
    """
    before = "a photo of a person and" if absent else "a photo of"
    objects = [f"{before} {_noun(name, wording)}" for name in vocabulary.objects]
    return [*objects, *([ABSENT] if absent else []), BACKGROUND]


def known_rows(names: Sequence[str], among: Sequence[str]) -> list[int]:
    """For each name its position among others, -1 where it is new."""
    position = {normalise(name): i for i, name in enumerate(among)}
    return [position.get(normalise(name), -1) for name in names]


def _interaction(vocabulary: Vocabulary, verb: int, object: int, wording: Wording) -> str:
    record = vocabulary.verb_records[verb]
    noun = _noun(vocabulary.objects[object], wording) if object >= 0 else ""
    if record.name == "no interaction":
        return f"a photo of a person and {noun or 'something'}"
    if wording == "published" and (record.action or record.role):
        doing = _AT.get(record.name, gerund(record.name))
        # only forms that end in a preposition are completed where there is no object
        rest = noun or ("something" if doing.endswith((" with", " at")) else "")
        return f"a photo of a person {doing} {rest}".rstrip()
    if object < 0 and not record.alone and not len(vocabulary.interactions):  # the verb with any object
        phrase = vocabulary.phrase_template(verb).replace("{object}", "something")
    else:
        phrase = vocabulary.phrase(verb, object)
    return "a photo of a person " + (phrase.replace(with_article(vocabulary.objects[object]), noun) if noun else phrase)


def _noun(name: str, wording: Wording) -> str:
    if wording == "plain":
        return with_article(name)
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"
