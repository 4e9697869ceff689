"""Labels of contact and affordance as networks learn them that look at views: views, masks, tables, heat maps."""

from .prepare import Kind, PrepareJob, prepare_contact

__all__ = ["Kind", "PrepareJob", "prepare_contact"]
