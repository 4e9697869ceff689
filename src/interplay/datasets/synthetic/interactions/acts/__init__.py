"""The acts, by kind of place or thing; importing this package fills `registry.ACTS`."""

from . import lying as lying
from . import sitting as sitting
