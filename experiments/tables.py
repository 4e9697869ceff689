"""How tables of several seeds write their metrics."""

from __future__ import annotations

import statistics


def percent(values: list[float], digits: int = 1) -> str:
    """Mean of fractions in percent, with the standard deviation where there are several; empty without any."""
    if not values:
        return ""
    mean = f"{100 * statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.{digits}f}"
