"""Interactions in many photographs: reading, predicting, pictures and a result file that a stopped run continues."""

from interplay.detect.job import Job, run_job
from interplay.detect.predictor import TextClasses, load_predictor, usual_min_score
from interplay.detect.results import ResultFile
from interplay.detect.run import Detected, Failure, detect_images

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
