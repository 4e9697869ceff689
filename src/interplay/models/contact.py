"""What models of contact have in common: what they are asked, what they answer, and their weights files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interplay.models.described import DescribedModel

if TYPE_CHECKING:
    from interplay.body.views import MeshViews


@dataclass(frozen=True)
class ContactPair:
    """A person and an object in an image, of whom contact is asked.

    Attributes:
        object: name of the object.
        human_box, object_box: (4,) x1, y1, x2, y2 in pixels; None where they are not known.
        keypoints: (17, 3) of the person: x, y in pixels and score 0..1, NaN for a pose that is not known; None too.
        verbs: what the person does with the object, as far as that is known, in any vocabulary's words.
    """

    object: str
    human_box: NDArray[np.floating] | None = None
    object_box: NDArray[np.floating] | None = None
    keypoints: NDArray[np.floating] | None = None
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True)
class VertexContact:
    """Where a person touches an object, or an object is touched.

    Attributes:
        object: name of the object asked about.
        scores: (N,) of the body's or object's vertices, 0..1.
        answer: what a language model said; empty for a model without one.
        found: whether there is contact at all; if not, all scores are 0.
    """

    object: str
    scores: NDArray[np.float32]
    answer: str
    found: bool

    def vertices(self, threshold: float = 0.5) -> NDArray[np.int64]:
        """Indices of the vertices in contact, ascending."""
        return np.nonzero(self.scores >= threshold)[0]


class ContactFinder(Protocol):
    """What finds contact: a network with the mesh that it answers on."""

    @property
    def kind(self) -> Any:
        """``human``: scores are of a body's vertices; ``object``: of an object's."""
        ...

    @property
    def uses_poses(self) -> bool:
        """Whether it looks at people's keypoints."""
        ...

    @property
    def mesh(self) -> MeshViews:
        """The body or object, with the views that it is drawn from."""
        ...

    def predict_pairs(self, image: NDArray[np.uint8], pairs: Sequence[ContactPair]) -> list[VertexContact]:
        """Contact of each pair, all at once.

        Args:
            image: (H, W, 3) RGB.
            pairs: people and objects in it.

        Raises:
            InputError: a pair lacks what the network needs.
        """
        ...


class ContactModel(DescribedModel):
    """Base of networks of contact that are trained here and whose weights are one file."""

    @abstractmethod
    def finder(self) -> ContactFinder:
        """The network, in evaluation mode, on the built-in body."""
