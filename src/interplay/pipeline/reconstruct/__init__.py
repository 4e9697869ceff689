"""From a photograph or a clip to people and objects in 3D.

==================  ===============================================================
`.photograph`       the order of the steps: start reading here
`.options`          what the user may ask for
`.networks`         what looks at pixels
`.people`           choosing people, and their bodies
`.pairs`            choosing the object: who uses what
`.masks`            masks of people and objects
`.contact`          where they touch
`.place`            an object's mesh, and its place beside a person
`.result`, `.write` what is found, and its files
`.clip`             frames of a clip, with the same pairs in all
`.smoothing`        averages over time
==================  ===============================================================
"""

from .clip import reconstruct_clip, reconstruct_frames, write_frames
from .options import ReconstructOptions
from .photograph import Reconstructor
from .result import Person, PlacedObject, Reconstruction, Touch
from .smoothing import smoothed
from .write import write_reconstruction

__all__ = [
    "Person",
    "PlacedObject",
    "ReconstructOptions",
    "Reconstruction",
    "Reconstructor",
    "Touch",
    "reconstruct_clip",
    "reconstruct_frames",
    "smoothed",
    "write_frames",
    "write_reconstruction",
]
