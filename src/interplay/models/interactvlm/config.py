"""Every choice of an InteractVLM that is not the language model's or SAM's own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from interplay.models.interactvlm.prompts import TokenType
from interplay.options import ModelConfig, ModelDescription, Options

MaskKind = Literal["human", "object", "image"]
"""Whose masks: of a body's views, of an object's views, or of the photograph itself."""


class InteractVlmOptions(Options):
    """Options of the parts between language model and masks.

    Attributes:
        token_type: which tokens stand for masks.
        seg_id, human_id, object_id: their numbers in the language model's vocabulary; with fewer kinds of tokens some
            are the same.
        image_token_id: the number that stands for one of an image's tokens.
        image_tokens: how many of them an image has.
        camera_encoder: how a view's camera changes an embedding; None: it does not.
        views: how many views.
        dim: of an embedding that prompts SAM.
        separate_decoders: one mask decoder for people and one for objects, beside the common one.
        fusion, uncertainty: parts that no released model has.
        human_views, object_views: names of sets of views (`interplay.body.cameras.view_set`).
        view_size: pixels on a side of the views whose masks are lifted; None: as many as SAM sees. A hand is small in
            a view of a whole body, and contact is never found on vertices that no pixel shows.
        crops: whether it looks at a part of the photograph about the person and the object, not at all of it.
        poses: whether it is told the person's keypoints and how the object's box lies to them
            (`interplay.models.pair_geometry`); no published model is.
        published_behaviour: with ``Gen-Int``, split embeddings for people even where an object's are wanted.
    """

    token_type: TokenType = "Gen"
    seg_id: int = Field(ge=0)
    human_id: int = Field(ge=0)
    object_id: int = Field(ge=0)
    image_token_id: int = Field(ge=0)
    image_tokens: int = Field(default=256, ge=1)
    camera_encoder: Literal["simple", "view_index", "vi_v1"] | None = "vi_v1"
    views: int = Field(default=4, ge=1)
    dim: int = Field(default=256, ge=1)
    separate_decoders: bool = False
    fusion: bool = False
    uncertainty: bool = False
    human_views: str = "4MV-Z_Vitru"
    object_views: str = "4MV-Z_HM"
    view_size: int | None = Field(default=None, ge=16)
    crops: bool = False
    poses: bool = False
    published_behaviour: bool = False

    @property
    def mask_ids(self) -> tuple[int, ...]:
        """The tokens that stand for masks."""
        return tuple(dict.fromkeys((self.seg_id, self.human_id, self.object_id)))


class InteractVlmNetworkOptions(Options):
    """The network of a weights file.

    Attributes:
        options: the parts between language model and SAM.
        llava, sam: `transformers`' descriptions of both.
        words: of the tokenizer, where it is one of whole words (`words.WordTokenizer`); empty where it is the base's.
        base: folder or name of the weights that these change; empty where the file holds all.
        lora_rank, lora_alpha: of LoRA's matrices; rank 0: none.
    """

    options: InteractVlmOptions
    llava: dict[str, Any]
    sam: dict[str, Any]
    words: tuple[str, ...] = ()
    base: str = ""
    lora_rank: int = Field(default=0, ge=0)
    lora_alpha: int = Field(default=16, ge=1)


class InteractVlmLossOptions(Options):
    """Weights of the terms; see `losses.LossWeights`.

    Attributes:
        text: of the language model's words.
        parts: of the cross-entropy of which body parts touch, read off the state that prompts SAM; 0: it is not read.
            A network whose masks have no weight then draws none, which is several times faster.
    """

    text: float = Field(default=1.0, ge=0)
    parts: float = Field(default=0.0, ge=0)
    bce: float = Field(default=2.0, ge=0)
    bce_alpha: float = Field(default=0.5, gt=0)
    dice: float = Field(default=1.0, ge=0)
    dice_scale: float = Field(default=1.0, gt=0)
    human: float = Field(default=3.0, ge=0)
    object: float = Field(default=3.0, ge=0)
    published_behaviour: bool = False

    @property
    def masks(self) -> bool:
        """Whether any term looks at masks."""
        return any((self.bce, self.dice, self.human, self.object))


class InteractVlmDecodingOptions(Options):
    """How questions are asked and answered.

    Attributes:
        template: which family of questions about people.
        max_new_tokens: the longest answer.
        given: the answer is given, not generated: the plain one that names the object just before the mask's token
            (`prompts.answer`). For networks that were taught such answers, which say nothing that the question does
            not say.
    """

    template: Literal["hcontact", "hcontact-parts"] = "hcontact-parts"
    max_new_tokens: int = Field(default=64, ge=1)
    given: bool = False


class InteractVlmConfig(ModelConfig):
    """A whole network with its losses."""

    network: InteractVlmNetworkOptions
    loss: InteractVlmLossOptions = InteractVlmLossOptions()
    decoding: InteractVlmDecodingOptions = InteractVlmDecodingOptions()


class InteractVlmDescription(ModelDescription):
    """What a weights file says about the network."""

    config: InteractVlmConfig
