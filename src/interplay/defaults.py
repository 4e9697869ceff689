"""Defaults and names that several rooms share. Imports nothing heavy, so that ``--help`` answers at once."""

from typing import Literal, get_args

DatasetName = Literal["hico-det", "v-coco", "pastanet-hoi", "hoi-a", "vidhoi", "generated", "own"]
"""Data sets; ``own`` is one's own data."""

DATASETS: tuple[str, ...] = get_args(DatasetName)
"""Names that `interplay.load_annotations` takes."""

EXPORT_FORMS = (
    "label-studio", "cvat", "labelme", "fiftyone", "coco-relations", "hoia", "pairs", "boxes-by-image", "hub", "vidvrd",
    "vidhoi",
)  # fmt: skip
"""Other tools' forms that `interplay datasets convert --to` writes; see `interplay.datasets.exchange`."""

DEFAULT_MODEL = "tin-spatial-vcoco"
"""Comes with interplay."""

DEFAULT_CONTACT_MODEL = "contact-geometry"
"""Comes with interplay."""

DEFAULT_DETECTOR = "ssd-mobilenet-v2"
"""Runs without network."""

DEFAULT_DETECTION_SCORE = 0.1
"""Detectors give boxes from this score on."""

DEFAULT_POSE_ESTIMATOR = "movenet"
"""Runs without network."""

DEFAULT_FRAME_RATE = 5.0
"""Frames of a clip a second that are looked at: what people do seldom changes faster."""

Decoder = Literal["pyav", "torchcodec"]
"""What reads a clip's file."""

DECODERS: tuple[str, ...] = get_args(Decoder)
"""Names that ``--decoder`` takes; the first is the default."""

DEFAULT_BATCH_SIZE = 8
"""Images in memory at once."""
