"""Interactions in many images: reading, predicting, pictures and a result file that a stopped run continues."""

from interplay.pipeline.job import Job, run_job
from interplay.pipeline.predictor import (
    DetectorOptions,
    ModelOptions,
    TextClasses,
    check_predictor,
    chosen_min_score,
    load_predictor,
)
from interplay.pipeline.results import ResultFile
from interplay.pipeline.run import Detected, Failure, detect_images

__all__ = [
    "Detected",
    "DetectorOptions",
    "Failure",
    "Job",
    "ModelOptions",
    "ResultFile",
    "TextClasses",
    "check_predictor",
    "chosen_min_score",
    "detect_images",
    "load_predictor",
    "run_job",
]
