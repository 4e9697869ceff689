"""Procedural objects of COCO's categories, with named places for hands, feet and seats."""

from . import animals, bags, boards, devices, food, furniture, kitchen, sports, street, vehicles
from .base import ObjectModel, Spot
from .registry import FACTORIES, make_object

__all__ = ["FACTORIES", "ObjectModel", "Spot", "make_object"]

_MODULES = (animals, bags, boards, devices, food, furniture, kitchen, sports, street, vehicles)
"""Importing these fills `FACTORIES`."""
