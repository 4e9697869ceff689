"""People and objects from pixels: one file per detector, all with the same call.

Example:
    >>> from interplay import load_detector, read_image
    >>> detector = load_detector("ssd-mobilenet-v2")                 # doctest: +SKIP
    >>> [found] = detector([read_image("photo.jpg")])                # doctest: +SKIP
    >>> found.boxes, found.labels, found.scores                      # doctest: +SKIP
"""

from interplay.defaults import DEFAULT_DETECTOR
from interplay.detectors.card import DetectorCard
from interplay.detectors.detections import Detections, Detector
from interplay.detectors.load import list_detectors, load_detector

__all__ = ["DEFAULT_DETECTOR", "Detections", "Detector", "DetectorCard", "list_detectors", "load_detector"]
