"""A generated world: people, objects and interactions, rendered with exact labels in 2D and 3D.

From a seed to files: `sampler` draws a scene (acts of `interactions`, things of `objects`, places of `settings`),
`rendering` makes its picture, `labels` says what is in it, `output` writes and reads data sets. Needs the extra
``body``.
"""

from .labels import SceneLabels, label
from .output import BENCHMARKS, GeneratedDataset, GeneratedSample, Settings, synthesize
from .rendering import Rendering, render
from .sampler import sample_scene
from .scene import Scene

__all__ = [
    "BENCHMARKS",
    "GeneratedDataset",
    "GeneratedSample",
    "Rendering",
    "Scene",
    "SceneLabels",
    "Settings",
    "label",
    "render",
    "sample_scene",
    "synthesize",
]
