"""Defaults that commands, pipeline, models and detectors share. Imports nothing, so that ``--help`` answers at once."""

DEFAULT_MODEL = "tin-spatial-vcoco"
"""Comes with interplay."""

DEFAULT_DETECTOR = "ssd-mobilenet-v2"
"""Runs without network."""

DEFAULT_DETECTION_SCORE = 0.2
"""Detectors give boxes from this score on."""

DEFAULT_POSE_ESTIMATOR = "movenet"
"""Runs without network."""

DEFAULT_BATCH_SIZE = 8
"""Images in memory at once."""
