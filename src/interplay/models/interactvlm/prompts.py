"""What InteractVLM asks the language model, and what it is taught to answer.

The wording is part of the published weights: a model answers well what it was asked in training. The templates are
those of arXiv:2504.05303's released training.
"""

from __future__ import annotations

from typing import Literal

from interplay.errors import InputError

Template = Literal["hcontact", "hcontact-parts", "ocontact", "oafford", "oafford-kind", "oafford-kind-object"]
"""A family of questions and answers.

``hcontact``: contact of a person with an object. ``hcontact-parts``: the same, with the body parts in words.
``ocontact`` and ``oafford``: contact and affordance of an object. ``oafford-kind``: with the affordance's name;
``oafford-kind-object``: and the object's.
"""

TokenType = Literal["Gen", "Gen-Int", "Gen-Hu-Obj"]
"""Which tokens stand for masks: ``[SEG]`` for all (released models of one kind of contact); ``[ISEG]`` for people and
objects; ``[HSEG]`` for people and ``[OSEG]`` for objects (the joint model)."""

_TOKENS: dict[TokenType, tuple[str, str]] = {
    "Gen": ("[SEG]", "[SEG]"),
    "Gen-Int": ("[ISEG]", "[ISEG]"),
    "Gen-Hu-Obj": ("[HSEG]", "[OSEG]"),
}
IMAGE, IMAGE_START, IMAGE_END = "<image>", "<im_start>", "<im_end>"

QUESTIONS: dict[str, tuple[str, ...]] = {
    "hcontact": (
        "Segment the area on the human's body that is in direct contact with the {class_name} in this image.",
        (
            "Identify and mask the part of the human that is touching or interacting with the {class_name} in "
            "this scene."
        ),
        (
            "Show the contact points on the human where they are physically connected to or interacting with "
            "{class_name}."
        ),
        "Please provide a segmentation mask of the human's body parts that are in contact with {class_name}.",
        "Highlight the areas on the human where there is physical interaction or contact with {class_name}.",
    ),
    "hcontact-parts": (
        "Which body parts are in contact with the {class_name}? Segment these contact areas.",
        "Name and segment the specific body parts making contact with the {class_name}.",
        "Looking at the {class_name}, what parts of the human body are touching it? Show these contact regions.",
        "For the {class_name}, list and mask the human body parts that are in contact.",
        "Regarding the {class_name}, identify which body parts are touching it and highlight these contact areas.",
    ),
    "oafford": (
        "Segment the area on the {class_name} where the human is making direct contact in this image.",
        (
            "Identify and mask the part of the {class_name} that the human is touching or interacting with in "
            "this scene."
        ),
        (
            "Show the contact points on the {class_name} where the human is physically connected to or "
            "interacting with it."
        ),
        "Please provide a segmentation mask of the parts of the {class_name} that are in contact with the human.",
        "Highlight the areas on the {class_name} where there is physical interaction or contact with the human.",
    ),
    "oafford-kind": (
        (
            "What type of affordance does the human-object interaction suggest? Then, segment the area on the "
            "{class_name} where the human is making contact."
        ),
        (
            "Describe the affordance provided by the interaction, and identify the part of the {class_name} "
            "that the human is touching or interacting with in this scene."
        ),
        (
            "Explain the affordance type shown by the contact points on the {class_name} where the human is "
            "physically connected. Then show the segmentation mask."
        ),
        (
            "Specify the affordance implied by the human's contact with the {class_name}, then provide a "
            "segmentation mask of the contact area."
        ),
        (
            "Describe the affordance associated with the physical interaction on the {class_name}, and "
            "highlight the contact areas with a segmentation mask."
        ),
    ),
}

ANSWERS: dict[str, tuple[str, ...]] = {
    "hcontact": (
        "It is [HTOKEN].",
        "Sure, the human contact region is [HTOKEN].",
        "Sure, the contact points on human is [HTOKEN].",
        "Sure, the contact mask is [HTOKEN].",
        "[HTOKEN].",
    ),
    "hcontact-parts": (
        "The contacting body parts are {body_parts}, and the contact region is [HTOKEN].",
        "The involved body parts are {body_parts}, with the contact mask at [HTOKEN].",
        "Contact occurs at {body_parts}, with the contact points shown at [HTOKEN].",
        "The body parts in contact are {body_parts}, with contact mask at [HTOKEN].",
        "Body parts: {body_parts}, contact mask: [HTOKEN].",
    ),
    "oafford": (
        "It is [OTOKEN].",
        "Sure, the object contact region is [OTOKEN].",
        "Sure, the contact points on object is [OTOKEN].",
        "Sure, the contact mask is [OTOKEN].",
        "[OTOKEN].",
    ),
    "oafford-kind": (
        "The affordance type is {affordance}, and the contact region is [OTOKEN].",
        "This interaction suggests an affordance of {affordance}, and the object contact region is [OTOKEN].",
        "The contact points indicate an affordance of {affordance}, with the mask at [OTOKEN].",
        "This shows an affordance type of {affordance}, with contact at [OTOKEN].",
        "Affordance: {affordance}, contact mask: [OTOKEN].",
    ),
    "oafford-kind-object": (
        "The affordance type is {affordance} with {class_name}, and the contact region is [OTOKEN].",
        (
            "This interaction suggests an affordance of {affordance} with {class_name}, and the object "
            "contact region is [OTOKEN]."
        ),
        "The contact points indicate an affordance of {affordance} with {class_name}, with the mask at [OTOKEN].",
        "This shows an affordance type of {affordance} with {class_name}, with contact at [OTOKEN].",
        "Affordance: {affordance} with {class_name}, contact mask: [OTOKEN].",
    ),
}

_SAME = {"ocontact": "oafford", "oafford-kind-object": "oafford-kind"}
"""Templates with another's questions."""

_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions."
)
_END = "</s>"


def segmentation_tokens(token_type: TokenType = "Gen") -> tuple[str, ...]:
    """The tokens that are added to a language model's vocabulary, in their order.

    Example:
        >>> segmentation_tokens("Gen-Hu-Obj")
        ('[SEG]', '[HSEG]', '[OSEG]')
    """
    return tuple(dict.fromkeys(("[SEG]", *_tokens(token_type))))


def question(template: Template, object_name: str, index: int = 0) -> str:
    """What to ask about an object, without the image's place.

    Args:
        index: which of the five wordings.

    Raises:
        InputError: unknown template, or no such wording.

    Example:
        >>> question("hcontact-parts", "bicycle")
        'Which body parts are in contact with the bicycle? Segment these contact areas.'
    """
    return _pick(QUESTIONS, _SAME.get(template, template), index).format(class_name=object_name)


def answer(
    template: Template,
    index: int = 0,
    token_type: TokenType = "Gen",
    parts: str = "",
    affordance: str = "",
    object_name: str = "",
    named: bool = False,
) -> str:
    """What a model is taught to answer.

    Args:
        index: which of the five wordings.
        token_type: which token stands for the mask.
        parts: body parts, joined by ", ", for ``hcontact-parts``.
        affordance, object_name: for ``oafford-kind`` and ``oafford-kind-object``.
        named: with the object's name just before the mask's token, which no published model has: the hidden state that
            stands for the mask is then that of the name.

    Example:
        >>> answer("hcontact", object_name="bicycle", named=True)
        'It is bicycle [SEG].'
        >>> answer("hcontact-parts", parts="right hand", token_type="Gen-Hu-Obj")
        'The contacting body parts are right hand, and the contact region is [HSEG].'
    """
    human, thing = _tokens(token_type)
    wording = _pick(ANSWERS, "oafford" if template == "ocontact" else template, index)
    filled = wording.format(body_parts=parts, affordance=affordance, class_name=object_name)
    before = f"{object_name} " if named else ""
    return filled.replace("[HTOKEN]", before + human).replace("[OTOKEN]", before + thing)


def conversation(asked: str, answered: str | None = None) -> str:
    """The text of one question about an image: up to where the answer begins, or with it.

    Example:
        >>> conversation("Where?")[-49:]
        'USER: <im_start><image><im_end>\\nWhere? ASSISTANT:'
    """
    prompt = f"{_SYSTEM} USER: {IMAGE_START}{IMAGE}{IMAGE_END}\n{asked} ASSISTANT:"
    return prompt if answered is None else f"{prompt} {answered}{_END}"


def _pick(templates: dict[str, tuple[str, ...]], name: str, index: int) -> str:
    if name not in templates:
        raise InputError(f"unknown template {name!r}: expected one of {', '.join(templates)}")
    if not 0 <= index < len(templates[name]):
        raise InputError(f"{name}: expected a wording of 0..{len(templates[name]) - 1}, got {index}")
    return templates[name][index]


def _tokens(token_type: TokenType) -> tuple[str, str]:
    if token_type not in _TOKENS:
        raise InputError(f"unknown kind of tokens {token_type!r}: expected one of {', '.join(_TOKENS)}")
    return _TOKENS[token_type]
