"""`draw_timeline`: what people do in a clip, a bar for each segment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interplay.files import atomic_path
from interplay.video.segments import Segment
from interplay.visual.palette import person_colour
from interplay.vocabulary import Vocabulary

_MOST_ROWS = 60


def draw_timeline(
    segments: Sequence[Segment],
    path: Path,
    vocabulary: Vocabulary,
    duration: float | None = None,
    title: str = "",
) -> None:
    """Write a picture with a row for each person, verb and object, by the person and the first time.

    Args:
        path: ``.png``, ``.svg`` or ``.pdf``.
        vocabulary: of the segments' names; says them in plain English.
        duration: seconds that the time axis covers; by default to the end of the last segment.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: dict[tuple[int, str, int], list[Segment]] = {}
    for segment in segments:
        rows.setdefault((segment.person, segment.verb, segment.object_track), []).append(segment)
    kept = sorted(rows, key=lambda key: sum(s.end - s.start for s in rows[key]), reverse=True)[:_MOST_ROWS]
    kept.sort(key=lambda key: (key[0], rows[key][0].start, key[1]))
    figure = Figure(figsize=(11, max(1.6, 0.9 + 0.28 * len(kept))), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    end = duration or max((s.end for s in segments), default=1.0) or 1.0
    for row, key in enumerate(kept):
        colour = tuple(value / 255 for value in person_colour(key[0] + 1))
        for segment in rows[key]:
            width = max(segment.end - segment.start, end / 300)
            axes.barh(
                row, width, left=segment.start, height=0.62, color=colour, alpha=0.35 + 0.65 * min(segment.score, 1)
            )
    axes.set_yticks(range(len(kept)), [_label(rows[key][0], vocabulary) for key in kept], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, end)
    axes.set_xlabel("seconds")
    axes.set_title(title if kept else f"{title}: no interaction".lstrip(": "), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def _label(segment: Segment, vocabulary: Vocabulary) -> str:
    which = "" if segment.object is None else f" ({segment.object_track + 1})"
    return f"person {segment.person + 1}: {segment.phrase(vocabulary)}{which}"
