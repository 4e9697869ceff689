"""Every choice in GEN-VLKT's paper, by name. The defaults are variant s as published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from interplay.layers.names import ResNetName
from interplay.options import ModelConfig, ModelDescription, Options

Positive = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Mimic = Literal["none", "l1", "l2", "l1+l2"]


class GenVlktNetworkOptions(Options):
    """What the network is made of.

    Attributes:
        backbone: network that sees the pixels: ``resnet50`` (s), ``resnet101`` (m, l), or ``resnet-nano``, which trains
            on a laptop.
        frozen_stages: stages of the backbone that do not change; 2 are the stem and the first stage.
        width: channels of every transformer layer.
        heads: attention heads of every transformer layer; `width` is a multiple of it.
        feed_forward: hidden channels of every transformer layer.
        dropout: share of channels that every transformer layer leaves out at random while training.
        encoder_layers: layers of the visual encoder.
        decoder_layers: layers of each of the two decoders: 3 (s, m) or 6 (l).
        queries: pairs that an image can have.
        embedding: width of the text embeddings that classify, and of the mimic feature. 512 is CLIP ViT-B's, 384
            MiniLM's.
        prior: probability that the interaction classifier gives every class at first. The published 0.5 makes the
            first losses large; a small one starts calmly (Lin et al., ICCV 2017).
        classes: what the interaction classifier tells apart: ``interaction`` (Table 4a, Base-triplet) or ``verb``
            (Base-verb).
        interaction_text: classify interactions by similarity with text embeddings (Section 3.2, Table 4b) instead of
            by an ordinary linear layer.
        object_text: classify objects so.
        position_guidance: p-GE: human and object queries that share a learnt position embedding (Section 3.1).
            Without it one query finds both (Table 4a, "- p-GE").
        instance_guidance: i-GE: interaction queries are the mean of the pair's instance features (Equation 2).
            Without it they are learnt, plus the p-GE (Table 4a, "- i-GE").
    """

    backbone: ResNetName = "resnet50"
    frozen_stages: Annotated[int, Field(ge=0, le=5)] = 2
    width: Annotated[int, Field(gt=0, multiple_of=4)] = 256
    heads: Positive = 8
    feed_forward: Positive = 2048
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    encoder_layers: Annotated[int, Field(ge=0)] = 6
    decoder_layers: Positive = 3
    queries: Positive = 64
    embedding: Positive = 512
    prior: Annotated[float, Field(gt=0, lt=1)] = 0.5
    classes: Literal["interaction", "verb"] = "interaction"
    interaction_text: bool = True
    object_text: bool = True
    position_guidance: bool = True
    instance_guidance: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} must be a multiple of heads={self.heads}")
        return self


class GenVlktLossOptions(Options):
    """Matching and loss; the defaults are the published weights (Section 4.1).

    Attributes:
        box: weight of the boxes' L1 distance in the loss.
        giou: weight of the boxes' generalised IoU in the loss.
        object: weight of the objects' classes in the loss.
        interaction: weight of the interactions' classes in the loss.
        mimic_weight: weight of the mimic loss.
        mimic: distance between the mean interaction feature and the teacher's image embedding (Table 4c).
        background: weight of the background class in the object's cross-entropy.
        match_box, match_giou, match_object, match_interaction: weight of this term in the cost by which predictions and
            annotated pairs are matched.
        auxiliary: apply the loss to every decoder layer.
    """

    box: Weight = 2.5
    giou: Weight = 1.0
    object: Weight = 1.0
    interaction: Weight = 2.0
    mimic: Mimic = "l1"
    mimic_weight: Weight = 20.0
    background: Weight = 0.1
    match_box: Weight = 2.5
    match_giou: Weight = 1.0
    match_object: Weight = 1.0
    match_interaction: Weight = 1.0
    auxiliary: bool = True


class GenVlktDecodingOptions(Options):
    """How outputs become interactions.

    Attributes:
        rule: what is ranked: ``interaction``: the best `top_k` of interaction score + object score squared (HICO-DET);
            ``verb``: every verb of every pair, scored by its best interaction (V-COCO's result file).
        top_k: triplets kept per image by the rule ``interaction``.
        ties: what is done with equal scores: each is kept (``all``), or the first is repeated as in the published code
            (``first``).
        short_side, long_side: size of the network's input: the shorter side, unless the longer exceeds its limit.
        nms: suppress near-copies of a better pair.
        nms_threshold, nms_human, nms_object: pairs overlapping by more than the threshold in
            IoU(human) ** nms_human * IoU(object) ** nms_object are near-copies.
    """

    rule: Literal["interaction", "verb"] = "interaction"
    top_k: Positive = 100
    ties: Literal["all", "first"] = "all"
    short_side: Positive = 800
    long_side: Positive = 1333
    nms: bool = True
    nms_threshold: Annotated[float, Field(ge=0, le=1)] = 0.7
    nms_human: Weight = 1.0
    nms_object: Weight = 0.5


class TextOptions(Options):
    """The texts behind the classifiers.

    Attributes:
        encoder: a CLIP model by hub name or local folder, or ``minilm``, which needs no network.
        prompts: the ``published`` wording ("a photo of a person surfing a surfboard") or, for V-COCO's verbs and a few
            nouns, ``plain`` English ("... surfing on a surfboard").
        freeze: do not train the text classifiers (published for zero-shot).
        teacher: what the mimic loss imitates: the ``image`` embedding by the encoder, or, where the encoder knows
            no images, the mean embedding of the annotated interactions' texts (``caption``; ours).
        zero_shot: leave a split's unseen interactions out of training: a published split of HICO-DET's
            (``rare-first``, ``non-rare-first``, ``unseen-object``, ``unseen-verb``), or the name of a group of the
            vocabulary's interactions. With ``network.interaction_text`` the unseen ones are known by their texts, and
            are no classes while training. Without (Table 3's baseline), they are classes without an example, and are
            told by their objects alone.
    """

    encoder: str = "openai/clip-vit-base-patch32"
    prompts: Literal["published", "plain"] = "published"
    freeze: bool = False
    teacher: Literal["image", "caption"] = "image"
    zero_shot: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.teacher == "image" and self.encoder == "minilm":
            raise ValueError("minilm embeds no images: set teacher=caption, or loss.mimic=none with teacher=caption")
        return self


class GenVlktConfig(ModelConfig):
    """A whole GEN-VLKT: network, loss, decoding and texts."""

    network: GenVlktNetworkOptions = GenVlktNetworkOptions()
    loss: GenVlktLossOptions = GenVlktLossOptions()
    decoding: GenVlktDecodingOptions = GenVlktDecodingOptions()
    text: TextOptions = TextOptions()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.text.zero_shot and self.network.interaction_text and self.network.classes == "verb":
            raise ValueError(
                "text.zero_shot with network.interaction_text=true needs network.classes=interaction: training leaves "
                "unseen interactions out of the classifier, and they may have seen verbs"
            )
        return self


class GenVlktDescription(ModelDescription):
    """What a weights file says about a `GenVlkt`.

    Attributes:
        seen, own_seen_classifier: as `GenVlkt` takes them.
    """

    config: GenVlktConfig
    seen: tuple[int, ...] | None
    own_seen_classifier: Positive | None
