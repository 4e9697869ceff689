"""Find where people touch objects in a photograph, in 3D: on the vertices of a body, or of an object's mesh.

People, objects and what they do are found first; each person and object near each other is then asked about. Into
the folder go contact.jsonl (boxes and triplets with contact), contact.jpg (the photograph, and each pair's views with
contact in red), and for each pair every vertex's score (.npz) and coloured meshes (.obj, .glb).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_device
from interplay.commands._types import people
from interplay.defaults import DEFAULT_CONTACT_MODEL, DEFAULT_DETECTOR

EXAMPLE = "interplay contact photo.jpg --object bicycle -o contact"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("image", nargs="?", type=Path, metavar="IMAGE", help="a photograph")
    parser.add_argument("--sample", action="store_true", help="use the picture that comes with interplay")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder to write (default: contact)")
    asked = parser.add_argument_group("what is asked")
    asked.add_argument(
        "--object",
        action="append",
        dest="objects",
        metavar="NAME",
        help="what is touched, such as 'bicycle'; may be given several times (default: what is near a person)",
    )
    asked.add_argument(
        "--people",
        type=people,
        metavar="N",
        help="all, or numbers from left to right, such as 1,3 (default: all)",
    )
    asked.add_argument("--mesh", type=Path, metavar="FILE", help="an object's mesh, to find where it is touched")
    asked.add_argument(
        "--whole-photo",
        action="store_true",
        help="look for no people: ask an InteractVLM about the whole photograph",
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        default=DEFAULT_CONTACT_MODEL,
        metavar="NAME",
        help="a model that comes with interplay, a file of 'interplay train', a folder of InteractVLM's weights, "
        "or what 'interplay import interactvlm' wrote (default: %(default)s)",
    )
    model.add_argument(
        "--detector", metavar="NAME", help=f"what finds people and objects (default: {DEFAULT_DETECTOR})"
    )
    model.add_argument(
        "--quantize", choices=("8bit", "4bit"), help="keep the language model's numbers in fewer bits (bitsandbytes)"
    )
    model.add_argument(
        "--offload",
        action="store_true",
        help="keep what does not fit on the GPU in the processor's memory (accelerate)",
    )
    add_device(model)
    bodies = parser.add_argument_group("bodies")
    bodies.add_argument(
        "--body",
        default="anny",
        metavar="FILE",
        help="the body in the views: your own SMPL, SMPL-H or SMPL-X (.npz, .pkl) (default: Anny)",
    )
    bodies.add_argument(
        "--onto",
        action="append",
        default=[],
        metavar="FILE",
        help="also give contact on this body: such a file, or anny; may be given several times",
    )
    bodies.add_argument(
        "--matrix",
        type=Path,
        metavar="FILE",
        help="your own correspondence to the body of --onto (.npy, .npz, .pkl), instead of one that is computed",
    )


def run(arguments: argparse.Namespace) -> int:
    """Find contact and write it down."""
    from rich.console import Console

    from interplay.errors import InputError
    from interplay.images import read_image
    from interplay.locks import locked
    from interplay.models.interactvlm.memory import MemoryOptions
    from interplay.pipeline.contact import find_contact, load_contact, load_search
    from interplay.pipeline.contact_files import NOTHING_NEAR, write_contact

    if arguments.sample == (arguments.image is not None):
        raise InputError("give a photograph, or --sample for the picture that comes with interplay")
    if arguments.mesh is not None and len(arguments.objects or ()) != 1:
        raise InputError("--mesh needs one --object, the name of what the mesh is")
    if arguments.whole_photo and (not arguments.objects or arguments.people or arguments.detector):
        raise InputError("--whole-photo needs --object, and neither --people nor --detector goes with it")
    if arguments.sample:
        from interplay.samples import sample_path

        arguments.image = sample_path()
    image = read_image(arguments.image)
    output = arguments.output or Path("contact")
    _say_memory(arguments)
    tool = load_contact(
        arguments.model,
        mesh=arguments.mesh,
        body=arguments.body,
        onto=arguments.onto,
        matrix=arguments.matrix,
        device=arguments.device,
        memory=MemoryOptions(arguments.quantize, arguments.offload),
    )
    result = find_contact(
        tool,
        image,
        arguments.objects,
        arguments.people,
        search=None if arguments.whole_photo else load_search(tool, arguments.detector, arguments.device),
        file=arguments.image.name,
    )
    with locked(output, folder=True):
        write_contact(output, tool, image, result)
    console = Console(highlight=False)
    for each in result.pairs:
        console.print(each.in_words(), markup=False, soft_wrap=True)
    if not result.pairs:
        console.print(f"{NOTHING_NEAR}; name what is touched with --object", markup=False, soft_wrap=True)
    console.print(f"written to {output}", markup=False, soft_wrap=True)
    return 0


def _say_memory(arguments: argparse.Namespace) -> None:
    """What loading a large model will take, before it is loaded."""
    from interplay.files import home_path

    if not home_path(arguments.model).is_dir():
        return
    from rich.console import Console

    from interplay.devices import choose_device
    from interplay.models.interactvlm.convert import folder_memory
    from interplay.models.interactvlm.memory import MemoryOptions, worth_saying

    memory = MemoryOptions(arguments.quantize, arguments.offload)
    device = choose_device(arguments.device)
    plan = folder_memory(arguments.model, device=device, memory=memory)
    if worth_saying(plan):
        slow = "; without a GPU an answer takes minutes" if device == "cpu" else ""
        Console(stderr=True).print(f"{arguments.model}: {plan.in_words()}{slow}", markup=False, soft_wrap=True)
