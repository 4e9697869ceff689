"""Put a person's body and an object together in 3D, from one photograph or a clip.

Into the folder of -o go scene.glb (body, object, contact in red, camera), picture.jpg (photograph, overlay, from the
side, from above), turntable.gif and fit.json (cameras, poses, what each part was made from, residuals, warnings). Of a
clip: scene.glb of its middle frame, overlay.mp4 and a line a frame in fits.jsonl. 'interplay view' shows scene.glb.

Everything works offline: the body is Anny fitted to keypoints, the object a shape of the generated world, the mask
GrabCut's. What is better known can be given instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_device, add_pose
from interplay.commands._types import positive, rate
from interplay.defaults import (
    DEFAULT_CONTACT_MODEL,
    DEFAULT_DETECTOR,
    DEFAULT_FRAME_RATE,
    DEFAULT_MODEL,
    DEFAULT_POSE_ESTIMATOR,
)

EXAMPLE = "interplay reconstruct photo.jpg -o reconstruction --object racket.glb"


def _length(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def _lengths(text: str) -> tuple[float, ...]:
    return tuple(_length(each) for each in text.split(","))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", nargs="?", metavar="PATH", help="a photograph or a clip")
    parser.add_argument("--sample", action="store_true", help="use the picture that comes with interplay")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("reconstruction"), metavar="DIR", help="default: %(default)s"
    )
    given = parser.add_argument_group("what is known")
    given.add_argument(
        "--body", type=Path, metavar="FILE", help=".npz of OSX or SAM 3D Body, or any mesh in the camera's frame"
    )
    given.add_argument("--object", type=Path, metavar="MESH", help="the object's mesh, in metres")
    given.add_argument("--meshes", type=Path, metavar="FOLDER", help="choose the object's mesh here, by its outline")
    given.add_argument(
        "--object-size",
        type=_length,
        metavar="M",
        help="metres of the longest side of such a mesh (default: as the file says, or as such objects have)",
    )
    given.add_argument("--category", metavar="NAME", help="what the object is (default: what the person uses)")
    given.add_argument("--mask", type=Path, metavar="FILE", help="the object's mask: a picture, white on black")
    given.add_argument(
        "--contact",
        metavar="FILE_OR_MODEL",
        help=f"scores of the body's vertices (.npz, .npy), or a model of contact (default: {DEFAULT_CONTACT_MODEL})",
    )
    given.add_argument("--object-contact", type=Path, metavar="FILE", help="scores of the object's vertices")
    given.add_argument(
        "--focal", type=_length, metavar="PIXELS", help="focal length (default: EXIF's, or 1.2 times the longer side)"
    )
    given.add_argument(
        "--height",
        type=_lengths,
        default=(),
        metavar="M[,M]",
        help="metres from sole to crown, of all people or of each as fit.json counts them; below 1.45 m they are "
        "children (default: average adults)",
    )
    finding = parser.add_argument_group("finding")
    finding.add_argument(
        "--pairs",
        type=positive,
        default=1,
        metavar="N",
        help="of a person and an object, at most; who holds two things is in two pairs (%(default)s)",
    )
    finding.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="who uses what (%(default)s)")
    finding.add_argument("--detector", metavar="NAME", help=f"people and objects (default: {DEFAULT_DETECTOR})")
    add_pose(finding, DEFAULT_POSE_ESTIMATOR)
    finding.add_argument("--grounding-dino", metavar="FOLDER", help="its weights, to find people and --category")
    finding.add_argument("--sam", metavar="FOLDER", help="Segment Anything's weights, for masks (default: GrabCut)")
    finding.add_argument("--depth-pro", metavar="FOLDER", help="its weights, for the focal length and who is nearer")
    add_device(finding)
    clip = parser.add_argument_group("clips")
    clip.add_argument(
        "--frames-per-second", type=rate, default=DEFAULT_FRAME_RATE, metavar="N", help="looked at (%(default)s)"
    )
    clip.add_argument(
        "--smooth", type=float, default=1.0, metavar="FRAMES", help="how widely; 0 does not (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Reconstruct and write."""
    from rich.console import Console

    from interplay.errors import InputError
    from interplay.files import check_folder_target
    from interplay.images import read_image
    from interplay.locks import locked
    from interplay.pipeline.reconstruct import (
        ReconstructOptions,
        Reconstructor,
        reconstruct_clip,
        write_reconstruction,
    )
    from interplay.samples import sample_path
    from interplay.video import is_video

    if arguments.sample == bool(arguments.image):
        raise InputError("give a photograph or a clip, or --sample for the picture that comes with interplay")
    options = ReconstructOptions(
        body=arguments.body,
        object=arguments.object,
        meshes=arguments.meshes,
        object_size=arguments.object_size,
        category=arguments.category,
        mask=arguments.mask,
        contact=arguments.contact,
        object_contact=arguments.object_contact,
        model=arguments.model,
        detector=arguments.detector,
        pose=arguments.pose,
        grounding=arguments.grounding_dino,
        sam=arguments.sam,
        depth=arguments.depth_pro,
        focal=arguments.focal,
        pairs=arguments.pairs,
        heights=arguments.height,
        device=arguments.device,
    )
    options.check_files()
    folder = check_folder_target(arguments.output)
    console = Console(highlight=False)
    worker = Reconstructor(options)
    if not arguments.sample and is_video(arguments.image):
        with locked(folder, folder=True):
            lines, files = reconstruct_clip(
                worker, arguments.image, folder, arguments.frames_per_second, arguments.smooth, Console(stderr=True)
            )
        for line in lines:
            console.print(line, markup=False, soft_wrap=True)
        console.print(f"written: {', '.join(str(file) for file in files)}", markup=False, soft_wrap=True)
        return 0
    path = sample_path() if arguments.sample else Path(arguments.image)
    image = read_image(path)
    with Console(stderr=True).status("reconstructing"):
        result = worker(image, path)
    with locked(folder, folder=True):
        files = write_reconstruction(folder, result, image)
    for line in result.in_words():
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"written: {', '.join(str(file) for file in files)}", markup=False, soft_wrap=True)
    return 0
