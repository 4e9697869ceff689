"""Data sets: reading each of their published forms, checking, counting and showing them."""

from interplay.datasets.check import Finding, check_folder
from interplay.datasets.coco_keypoints import KeypointMatch, with_keypoints
from interplay.datasets.images import ImageFinder, InteractionDataset, Sample
from interplay.datasets.load import detect_dataset, load_annotations
from interplay.datasets.statistics import Statistics, statistics
from interplay.datasets.validate import Problem, ValidationReport, validate
from interplay.defaults import DATASETS

__all__ = [
    "DATASETS",
    "Finding",
    "ImageFinder",
    "InteractionDataset",
    "KeypointMatch",
    "Problem",
    "Sample",
    "Statistics",
    "ValidationReport",
    "check_folder",
    "detect_dataset",
    "load_annotations",
    "statistics",
    "validate",
    "with_keypoints",
]
