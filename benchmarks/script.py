"""What the scripts share: how they run, and how tables of several seeds write their figures."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable

from interplay.errors import InterplayError


def run(main: Callable[[], None]) -> None:
    """Run a script; a mistake in what it was given ends it with its message, as in the command line."""
    try:
        main()
    except (InterplayError, FileNotFoundError, NotADirectoryError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print(f"\n{sys.argv[0]}: interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def percent(values: list[float], digits: int = 1) -> str:
    """Mean of fractions in percent, with the standard deviation where there are several; empty without any."""
    if not values:
        return ""
    mean = f"{100 * statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.{digits}f}"
