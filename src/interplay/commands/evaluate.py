"""Score a result file with an official protocol."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from interplay.commands._options import add_compared, add_numbering, add_protocol
from interplay.commands._types import dataset, positive
from interplay.defaults import DATASETS
from interplay.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.metrics import HoiScores, VcocoScores

EXAMPLE = "interplay evaluate hico-det --predictions results.parquet --annotations anno_bbox.mat --json scores.json"

VARIANTS = {
    name: f"evaluate_{name}"
    for name in ("pose", "clips", "damon", "contact", "affordance", "contact2d", "reconstruction")
}
"""What is no data set in its place -> the module of this package that does it."""

_PROTOCOLS = """\
protocols for hico-det, pastanet-hoi and own data:
  official (HICO-DET's MATLAB code), gen-vlkt, qpic, cdn, ppdm, tin-pami, ggnet, pocket-11p, pocket-int, pocket-auc,
  pastanet-hoi (inferred)
protocols for v-coco:
  official, gen-vlkt
protocol for vidhoi:
  vidhoi (keyframes; or one of the first list)
The default is official; for pastanet-hoi and vidhoi it is that of the same name. The known-object setting exists for
official, ggnet and pastanet-hoi."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = f"{parser.description}\n\n{_PROTOCOLS}"
    parser.add_argument(
        "dataset",
        type=dataset,
        choices=DATASETS,
        help="whose annotations. Other words score other things, see interplay evaluate pose --help, and the same with "
        "clips, damon or contact (contact in 3D), affordance, contact2d (masks of contact), reconstruction",
    )
    add_compared(
        parser,
        ".jsonl, .parquet, .csv, a V-COCO .pkl, a folder of HICO-DET detections_XX.mat, or a query detector's .json; "
        "several are scored one after the other and compared",
        "the data set's annotations",
        annotations_metavar="FILE_OR_DIR",
        split=True,
    )
    parser.add_argument(
        "--zero-shot",
        metavar="SPLIT",
        help="score unseen, seen and all interactions: rare-first, non-rare-first, unseen-object, unseen-verb "
        "(hico-det), or a group of your vocabulary's interactions",
    )
    add_protocol(parser, "default: see above")
    parser.add_argument(
        "--overlap", type=float, metavar="IOU", help="smallest overlap of a match, instead of the protocol's 0.5"
    )
    add_numbering(parser)
    parser.add_argument(
        "--vocabulary",
        metavar="V",
        help="what names and numbers mean: built-in name or JSON file (default: the data set's; of own data the names "
        "in the files)",
    )
    parser.add_argument("--top-k", type=positive, metavar="K", help="first keep the best K triplets of each image")
    parser.add_argument(
        "--nms",
        type=_nms,
        metavar="T,A,B",
        help="then drop pairs whose IoU(human)^A * IoU(object)^B with a better one exceeds T (usual: 0.7,1.0,0.5)",
    )
    parser.add_argument("--csv", metavar="OUT", help="write one row per class (of one result file)")
    parser.add_argument("--plots", metavar="DIR", help="write precision-recall curves of all classes (of one file)")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.commands._scores import score_all
    from interplay.evaluation import evaluate, read_truth
    from interplay.files import check_folder_target, check_target
    from interplay.metrics import PairNms
    from interplay.metrics.report import write_csv
    from interplay.vocabulary import Vocabulary

    if len(arguments.predictions) > 1 and (arguments.csv or arguments.plots):
        raise InputError("--csv and --plots are of one result file: give one, or use --json and --table")
    if arguments.csv:
        check_target(arguments.csv)
    if arguments.plots:
        check_folder_target(arguments.plots)

    def prepare(console: Console) -> Callable[[str], HoiScores | VcocoScores]:
        vocabulary = Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None
        annotations = read_truth(arguments.dataset, arguments.annotations, arguments.split, vocabulary)
        return lambda predictions: evaluate(
            arguments.dataset,
            predictions,
            annotations,
            protocol=arguments.protocol,
            setting=arguments.setting,
            top_k=arguments.top_k,
            nms=PairNms(*arguments.nms) if arguments.nms else None,
            zero_shot=arguments.zero_shot,
            overlap=arguments.overlap,
            allow_partial=arguments.allow_partial,
            numbering=arguments.numbering,
            vocabulary=vocabulary,
            progress=console.is_terminal,
        )

    results, console = score_all(arguments, prepare)
    scores = next(iter(results.values()))
    if arguments.csv:
        write_csv(scores, arguments.csv)
    if arguments.plots:
        from interplay.metrics.plots import write_plots

        def tell(done: int, total: int) -> None:
            console.print(f"drawing curves: page {done} of {total}", highlight=False)

        pages = write_plots(scores, arguments.plots, progress=console.is_terminal or tell)
        console.print(f"{len(pages)} pages of curves in {arguments.plots}", highlight=False, markup=False)
    return 0


def _nms(text: str) -> tuple[float, float, float]:
    try:
        threshold, alpha, beta = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected three numbers such as 0.7,1.0,0.5, got {text!r}") from None
    if not min(threshold, alpha, beta) >= 0:
        raise argparse.ArgumentTypeError(f"expected numbers of 0 or more, got {text!r}")
    return threshold, alpha, beta
