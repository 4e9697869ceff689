"""Showing interactions: pictures, contact sheets, tables on screen and reports."""

from interplay.visual.draw import Show, draw_interactions
from interplay.visual.explain import draw_explanations
from interplay.visual.report import write_report
from interplay.visual.sheet import contact_sheet, shrink
from interplay.visual.tables import image_table, summary_table

__all__ = [
    "Show",
    "contact_sheet",
    "draw_explanations",
    "draw_interactions",
    "image_table",
    "shrink",
    "summary_table",
    "write_report",
]
