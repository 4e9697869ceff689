"""A generated world: people, objects and interactions, rendered with exact labels in 2D and 3D.

From a seed to files: `sampler` draws a scene (`acts`, posed by `posing`, with objects of `objects` in `places`),
`rendering` makes its picture, `labels` says what is in it, `writer` writes data sets, which
`interplay.datasets.generated` reads. Needs the extra ``body``.
"""

from interplay.datasets.generated.settings import Settings

from .labels import SceneLabels, label
from .rendering.image import Rendering, render
from .sampler import sample_scene
from .scene import Scene
from .writer import synthesize

__all__ = [
    "Rendering",
    "Scene",
    "SceneLabels",
    "Settings",
    "label",
    "render",
    "sample_scene",
    "synthesize",
]
