"""Score contact in 3D, of bodies' or objects' vertices: F1, precision, recall, geodesic error."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from interplay.commands._options import add_compared

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.datasets.contact_truth import ContactTruth
    from interplay.metrics.contact_evaluation import ContactEvaluation

EXAMPLE = "interplay evaluate contact --predictions contact.npz --annotations scenes/test"

PREDICTIONS = (
    ".npz with image, object and scores, what 'interplay contact' writes, or a folder of such files; several are "
    "compared"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_contact_options(
        parser, "a generated data set, DAMON, LEMON, RICH, or an .npz of your own in the form of predictions"
    )
    parser.add_argument(
        "--of", choices=["human", "object"], default="human", help="whose vertices (default: human, the bodies')"
    )


def add_contact_options(parser: argparse.ArgumentParser, annotations: str) -> None:
    """Add what all scores of contact in 3D need."""
    add_compared(parser, PREDICTIONS, annotations, annotations_metavar="FILE_OR_DIR", split=True)
    parser.add_argument(
        "--protocol",
        choices=["interactvlm", "deco"],
        default="interactvlm",
        help="what counts where nothing is predicted: 0 (default), or by DECO's challenge precision 1 and recall 0",
    )
    parser.add_argument(
        "--published-behaviour",
        action="store_true",
        help="repeat the mistakes of the published evaluation: geodesic errors with both sides exchanged, precision "
        "and recall of raw scores, names with a blank in no category",
    )
    parser.add_argument(
        "--geodesic",
        metavar="FILE",
        help="distances over the body in metres: .npy (V, V), or a mesh (.obj, .ply, .glb) along whose edges they are "
        "measured (default: of generated data sets the body in their folder; of others none)",
    )
    parser.add_argument(
        "--without-ground", action="store_true", help="leave out contact with what people stand, sit or lie on"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.datasets.contact_truth import read_contact_truth

    return score_contact(arguments, lambda: read_contact_truth(arguments.annotations, arguments.split, arguments.of))


def score_contact(arguments: argparse.Namespace, read_truth: Callable[[], ContactTruth]) -> int:
    """Score each file of predictions against annotations."""
    from interplay.commands._scores import score_all
    from interplay.formats.contact_results import read_contact_results
    from interplay.metrics.contact_evaluation import evaluate_contact, read_geodesic

    def prepare(console: Console) -> Callable[[str], ContactEvaluation]:
        geodesic = read_geodesic(arguments.geodesic) if arguments.geodesic else None
        with console.status("reading annotations"):
            truth = read_truth()
        if arguments.without_ground:
            truth = truth.without_ground()
        return lambda predictions: evaluate_contact(
            read_contact_results(predictions, truth.side),
            truth,
            protocol=arguments.protocol,
            published_behaviour=arguments.published_behaviour,
            geodesic=geodesic,
            allow_partial=arguments.allow_partial,
        )

    score_all(arguments, prepare)
    return 0
