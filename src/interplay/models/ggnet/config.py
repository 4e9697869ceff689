"""Every choice in GGNet's paper and in its published code, by name.

The defaults are what the published code does for the paper's full model (two gaze steps). Where paper and published
code differ, the option's description says so; docs/models/ggnet.md lists the differences.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from interplay.options import ModelConfig, ModelDescription, Options

Backbone = Literal["hourglass-104", "dla-34", "hourglass-nano", "dla-nano"]
Context = Literal["human", "object"]
Points = Literal[9, 25, 49]
Positive = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]

CENTRE_HEATMAPS = ("hm_rel_human", "hm_rel_object")
"""Heatmaps of verbs at the centres of humans and objects; see `GGNetNetworkOptions.context`."""


class GGNetNetworkOptions(Options):
    """What the network is made of.

    Attributes:
        verbs: channels of the interaction heatmaps: ``roles``, one for each verb of the vocabulary that takes an object
            (V-COCO: 25, as in the published code), or ``actions``, one for each of its actions (V-COCO: 26, as in the
            paper; "hit", "cut" and "eat" have two roles each, four never have an object).
        backbone: network that sees the pixels: ``hourglass-104`` (two stacks) or ``dla-34``; the ``nano`` ones learn on
            a laptop.
        head_width: channels between a head's two layers and of the action-aware features.
        levels: feature levels that the interaction and matching heads read; 3 concatenates those of the up-sampling
            (DLA only; PPDM's "3level").
        global_reasoning: pass those features through a global reasoning unit first (PPDM's "glob").
        glance: predict interaction points before gazing. Without it one gaze step samples its own features (Table
            3, "ActPoints w/o glance and gaze").
        gaze_steps: steps of refinement, from 0 (glance only: PPDM, the baseline) to 3.
        act_points: action-aware points per pixel and step: 9, 25 or 49.
        share_sampling: all gaze steps sample the same features (Table 2, "Sharing") instead of features of their own.
        context: centre points whose features join the interaction point's (Table 3, "I + H", "I + O", "I + H + O").
        matching: how pixels point to the human and the object: ``per-verb`` offsets (APM) or one ``shared`` pair.
        matching_input: features the offset heads read: the action-aware ones of the ``glance`` step (APM) or the
            ``backbone``'s (PPDM). Not given: as in the named paper for the `matching` chosen.
    """

    verbs: Literal["roles", "actions"] = "roles"
    backbone: Backbone = "hourglass-104"
    head_width: Positive = 256
    levels: Literal[1, 3] = 1
    global_reasoning: bool = False
    glance: bool = True
    gaze_steps: Annotated[int, Field(ge=0, le=3)] = 2
    act_points: Points = 25
    share_sampling: bool = False
    context: tuple[Context, ...] = ()
    matching: Literal["per-verb", "shared"] = "per-verb"
    matching_input: Literal["glance", "backbone"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.levels == 3 and not self.backbone.startswith("dla"):
            raise ValueError(f"levels=3 needs a DLA backbone, which has three levels, not {self.backbone}")
        if not self.glance and self.gaze_steps != 1:
            raise ValueError(f"glance=false goes with gaze_steps=1, got gaze_steps={self.gaze_steps}")
        if self.context and self.gaze_steps:
            raise ValueError(f"context goes with gaze_steps=0, got gaze_steps={self.gaze_steps}")
        if self.context and self.matching == "per-verb":
            raise ValueError("context finds one human and one object centre per pixel: it goes with matching=shared")
        if len(set(self.context)) != len(self.context):
            raise ValueError(f"context names {self.context} twice")
        return self

    @property
    def matching_reads_glance(self) -> bool:
        """Whether the offset heads read the action-aware features of the glance step."""
        return (self.matching_input or ("glance" if self.matching == "per-verb" else "backbone")) == "glance"

    @property
    def kernel_size(self) -> int:
        """Side of the grid of ActPoints: 3, 5 or 7."""
        return math.isqrt(self.act_points)

    @property
    def auxiliary_heatmaps(self) -> tuple[str, ...]:
        """Interaction heatmaps that only training needs, in the order in which they are computed."""
        names = [f"hm_rel_{who}" for who in self.context]
        if self.gaze_steps and self.glance:
            names.append("hm_rel")
        names += [f"hm_rel_refine{step + 1}" for step in range(self.gaze_steps - 1)]
        return tuple(names)

    @property
    def final_heatmap(self) -> str:
        """The interaction heatmap that the result is read from."""
        return "hm_rel_refine" if self.gaze_steps else "hm_rel"

    @property
    def interaction_heatmaps(self) -> tuple[str, ...]:
        """Every heatmap of interaction points."""
        return tuple(n for n in (*self.auxiliary_heatmaps, self.final_heatmap) if n not in CENTRE_HEATMAPS)

    @property
    def head_names(self) -> tuple[str, ...]:
        """Every map that the network predicts."""
        return ("hm", "wh", "reg", "sub_offset", "obj_offset", *self.auxiliary_heatmaps, self.final_heatmap)


class TargetOptions(Options):
    """How annotations become target maps.

    Attributes:
        hard_negatives: mark, for the HNA loss, other verbs that are meaningful with the object as -1.
        hard_negative_rule: the published code leaves out hard negatives unless the patch around them is ``free`` at
            that moment, so that the order of the annotations matters. By the paper ``all`` are marked, except where
            the verb is labelled; where Gaussians meet, the stronger counts.
        hard_negative_radius: radius of the negative Gaussian, in output pixels.
        soft_gaussian: give the gaze steps targets of their own, narrower around positives (sigma D/8 instead of D/6)
            and wider around hard negatives (7/2 instead of 7/6). In the official scripts, not in the paper.
        whole_pixels: truncate the transformed corners of boxes that are given in whole pixels, as the published
            code does.
        max_objects: most objects of an image; further ones are left out.
        max_interactions: most interactions of an image; further ones are left out.
    """

    hard_negatives: bool = True
    hard_negative_rule: Literal["free", "all"] = "free"
    hard_negative_radius: Positive = 3
    soft_gaussian: bool = True
    whole_pixels: bool = True
    max_objects: Positive = 128
    max_interactions: Positive = 64


class GGNetLossOptions(Options):
    """Terms of the loss and how they are summed.

    Attributes:
        beta: exponent of hard negatives in the HNA loss (Equation 4; supplement B).
        interaction: weight of the last heatmap of interaction points; 0, with all other weights but `size` 0, learns to
            find people and objects only, as CenterNet does.
        glance, gaze, context: weight of these auxiliary heatmaps (lambda 1).
        matching: weight of each offset loss (lambda 1).
        size: weight of the box sizes (lambda 2).
        matching_over_stacks: the published code *sums* the offset losses of the stacks and averages all others, so
            that with two stacks their weight is double; ``mean`` is the paper's.
        normaliser: the published code divides heatmaps' losses by the number of positive pixels of the ``batch``; the
            paper's Equation 4 has each ``image``'s own number of interaction points (objects, for their centres).
    """

    beta: Weight = 7.0
    interaction: Weight = 1.0
    glance: Weight = 0.1
    gaze: Weight = 0.1
    context: Weight = 0.1
    matching: Weight = 0.1
    size: Weight = 0.1
    matching_over_stacks: Literal["sum", "mean"] = "sum"
    normaliser: Literal["batch", "image"] = "batch"


class GGNetDecodingOptions(Options):
    """How maps become interactions.

    Attributes:
        input_size: longer side of the image in the network's input, in pixels.
        resize: what is done to an image: ``fit`` it to that size in a square, or ``keep`` its size and pad it to a
            multiple of 32 (128 for the hourglass).
        top_k: humans, objects and interaction points considered.
        score_map: read interactions off the ``final`` heatmap, or off the ``product`` of all.
        matching: centre for an interaction point: ``product`` is the published 1/(|dx|+1) 1/(|dy|+1) score, highest;
            ``distance`` the paper's (|dx|+|dy|)/score, lowest (Equation 8).
        flip: average the maps with those of the mirrored image.
        boxes: humans and objects are the network's ``own``, or another ``detector``'s, which `GGNet.predict` then needs
            (Table 5, double dagger).
        min_side: boxes narrower or lower than this become so wide or high, in pixels.
    """

    input_size: Positive = 512
    resize: Literal["fit", "keep"] = "fit"
    top_k: Positive = 100
    score_map: Literal["final", "product"] = "final"
    matching: Literal["product", "distance"] = "product"
    flip: bool = False
    boxes: Literal["own", "detector"] = "own"
    min_side: Weight = 10.0


class GGNetConfig(ModelConfig):
    """A whole GGNet: network, targets, loss and decoding."""

    network: GGNetNetworkOptions = GGNetNetworkOptions()
    targets: TargetOptions = TargetOptions()
    loss: GGNetLossOptions = GGNetLossOptions()
    decoding: GGNetDecodingOptions = GGNetDecodingOptions()


class GGNetDescription(ModelDescription):
    """What a weights file says about a `GGNet`.

    Attributes:
        verbs: as `GGNet` takes them.
    """

    config: GGNetConfig
    verbs: tuple[int, ...]
