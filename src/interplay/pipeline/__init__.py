"""Interactions in many photographs: reading, predicting, pictures and a result file that a stopped run continues."""

from interplay.pipeline.job import Job, run_job
from interplay.pipeline.predictor import TextClasses, load_predictor, usual_min_score
from interplay.pipeline.results import ResultFile
from interplay.pipeline.run import Detected, Failure, detect_images

__all__ = [
    "Detected",
    "Failure",
    "Job",
    "ResultFile",
    "TextClasses",
    "detect_images",
    "load_predictor",
    "run_job",
    "usual_min_score",
]
