"""What to reconstruct, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interplay.defaults import DEFAULT_MODEL, DEFAULT_POSE_ESTIMATOR
from interplay.errors import InputError, MissingFileError
from interplay.reconstruct.stature import SHORTEST, TALLEST

CONTACT_FILES = (".npz", ".npy")
"""Endings of files with contact; `ReconstructOptions.contact` may also name a model."""


@dataclass(frozen=True)
class ReconstructOptions:
    """What to reconstruct, and from what; everything else is found in the photograph.

    Attributes:
        body: a file of one person's body, see `read_body_file`.
        object, meshes: the object's mesh, or a folder to choose it from.
        object_size: metres of the longest side of these meshes; as the files say by default.
        category: COCO's name of the object; by default of what the person most probably does something with.
        mask: a picture of the object's mask.
        contact: scores of the body's vertices, or what finds contact (`interplay contact --model`).
        object_contact: scores of the object's vertices.
        model, detector, pose: names, as of `interplay detect`.
        grounding: Grounding DINO's weights, which find people and the `category` instead of `detector`.
        sam: Segment Anything's weights for masks.
        depth: Depth Pro's weights, for the focal length and for whether the person or the object is nearer.
        focal: length in pixels.
        pairs: of a person and an object that are fitted at most; a person may be in several, and an object too.
        heights: metres from sole to crown of everybody, or of each person as ``fit.json`` counts them; by default all
            are average adults.
        device: where networks run.
    """

    body: Path | None = None
    object: Path | None = None
    meshes: Path | None = None
    object_size: float | None = None
    category: str | None = None
    mask: Path | None = None
    contact: str | None = None
    object_contact: Path | None = None
    model: str = DEFAULT_MODEL
    detector: str | None = None
    pose: str = DEFAULT_POSE_ESTIMATOR
    grounding: str | None = None
    sam: str | None = None
    depth: str | None = None
    focal: float | None = None
    pairs: int = 1
    heights: tuple[float, ...] = ()
    device: str | None = None

    def check_files(self) -> None:
        """Refuse early what is not there.

        Raises:
            MissingFileError: a file or folder that is named.
        """
        contact = (
            Path(self.contact) if self.contact is not None and Path(self.contact).suffix in CONTACT_FILES else None
        )
        named = (("--body", self.body), ("--object", self.object), ("--meshes", self.meshes), ("--mask", self.mask))
        for option, path in (*named, ("--contact", contact), ("--object-contact", self.object_contact)):
            if path is not None and not path.exists():
                raise MissingFileError(f"{option} {path}: there is no such file or folder")

    def __post_init__(self) -> None:
        if self.object is not None and self.meshes is not None:
            raise InputError("--object names the mesh, and --meshes a folder to choose from: give one of them")
        if self.grounding is not None and self.detector is not None:
            raise InputError("--grounding-dino finds people and objects instead of --detector: give one of them")
        if self.focal is not None and not self.focal > 0:
            raise InputError(f"--focal: expected a positive number of pixels, got {self.focal}")
        if self.heights and self.body is not None:
            raise InputError("--height is of bodies that are fitted, and --body gives one as it is: give one of them")
        for height in self.heights:
            if not SHORTEST <= height <= TALLEST:
                raise InputError(f"--height: expected {SHORTEST} to {TALLEST} metres, got {height:g}")

    def height_of(self, person: int) -> float | None:
        """Metres of a person, if they are known."""
        known = self.heights * (person + 1) if len(self.heights) == 1 else self.heights
        return known[person] if person < len(known) else None

    @property
    def one_object(self) -> bool:
        """Whether what is given is of one object; several people may touch it."""
        return self.object is not None or self.object_contact is not None or self.mask is not None
