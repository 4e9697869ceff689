"""Every choice of TIN: network, loss and decoding. The defaults are the published network for HICO-DET."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from interplay.options import ModelConfig, ModelDescription, Options

if TYPE_CHECKING:
    from torch import Tensor

BackboneName = Literal["resnet50", "resnet-nano"]
Classes = Literal["interaction", "verb"]
Level = Literal["instance", "part"]
Rule = Literal["plain", "published-hico", "published-vcoco", "published-tpami"]
TrainModule = Literal["all", "streams", "interactiveness", "instances", "spatial"]
"""What a training minimises; the published TRAIN_MODULE 1, 2, 3, 4 and any other number."""

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class TinNetworkOptions(Options):
    """What the network is made of.

    Attributes:
        level: ``instance`` (representation, classifier and discriminator) or ``part`` (interactiveness by body parts,
            no classes).
        classes: what the classifier tells apart: ``interaction`` (a verb with an object, as published for HICO-DET) or
            ``verb`` (as published for V-COCO). The discriminator's branches are arranged as in the one or the other.
        verbs: where classes are verbs, the vocabulary's verb of each class; by default all verbs in order.
        backbone: ``resnet50`` as published, or ``resnet-nano``, a small one that trains from nothing.
        classifies: whether the classifier was trained, or only the discriminator (always so for ``part``).
    """

    level: Level = "instance"
    classes: Classes = "interaction"
    verbs: tuple[int, ...] = ()
    backbone: BackboneName = "resnet50"
    classifies: bool = True


class TinLossOptions(Options):
    """What a training minimises.

    Attributes:
        learn: which terms of the loss.
    """

    learn: TrainModule = "all"


class TinDecodingOptions(Options):
    """How outputs become interactions.

    Attributes:
        rule: ``plain`` suits any detector: a score is half the late fusion p_sp (p_H + p_O), times both detection
            scores. The others are the published rules of HICO-DET, of V-COCO (CVPR 2019) and of the extension on
            HICO-DET (TPAMI 2021), which choose the pairs, weigh detections (LIS) and suppress pairs (NIS) with limits
            fitted to Faster R-CNN's boxes; see `interplay.models.tin.published`. All scores are in 0..1.
        min_human, min_object: by the rule ``plain``, detections up to these scores make no pairs.
        max_humans, max_objects: by the rule ``plain``, at most so many detections of an image, the best, make pairs.
        suppress: by the rule ``plain``, remove pairs that the discriminator finds non-interactive with a probability
            above `not_interactive_above` and interactive with one below `interactive_below` (NIS). Published rules have
            limits of their own and always suppress.
        prior_mask: for ``published-vcoco``: the authors' file (``.pkl``, or the array as ``.npy``) of how often an
            action comes with an object. Without it only the table of possible objects counts.
        discriminator: weights file of another TIN network, whose interactiveness is used instead of the network's own.
            Published figures combine two networks in this way.
    """

    rule: Rule = "plain"
    min_human: Share = 0.3
    min_object: Share = 0.2
    max_humans: Positive = 12
    max_objects: Positive = 24
    suppress: bool = True
    not_interactive_above: Share = 0.9
    interactive_below: Share = 0.1
    prior_mask: Path | None = None
    discriminator: Path | None = None


class TinConfig(ModelConfig):
    """A whole TIN: network, loss and decoding."""

    network: TinNetworkOptions = TinNetworkOptions()
    loss: TinLossOptions = TinLossOptions()
    decoding: TinDecodingOptions = TinDecodingOptions()


class TinDescription(ModelDescription):
    """What a weights file says about the model."""

    config: TinConfig


def from_format_1(description: dict[str, Any], state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Format 2: sections, classes that are named by what they are, and verbs among the options.

    Before, the configuration was flat, named the layout after a data set, and the verbs stood beside it.
    """
    config = dict(description["config"])
    network = {
        "level": config["network"],
        "classes": "verb" if config.get("layout") == "vcoco" else "interaction",
        "verbs": list(description.get("verbs", ())),
        "backbone": config.get("backbone", "resnet50"),
        "classifies": config.get("classifies", True),
    }
    renamed = {"min_person": "min_human"}
    kept = ("min_person", "min_object", "suppress", "not_interactive_above", "interactive_below")
    decoding = {renamed.get(name, name): config[name] for name in kept if name in config}
    rest = {name: value for name, value in description.items() if name != "verbs"}
    known = {*kept, "network", "layout", "backbone", "classifies"}
    unknown = {name: value for name, value in config.items() if name not in known}  # refused when they are checked
    return {**rest, "config": {**unknown, "network": network, "decoding": decoding}}, state
