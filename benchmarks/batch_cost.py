"""What a very large batch costs: core hours, money, storage, shards, and what machines that are taken away cost.

    python benchmarks/batch_cost.py
    python benchmarks/batch_cost.py --images 1e9 --rate 4 --price 0.03 --cores 5000 --lost 0

No measurement: it computes from numbers that are given, whose defaults are those of the page about batches. The rate is
what `benchmarks/batch.py` prints, divided by the machine's cores.
"""

from __future__ import annotations

import argparse
import math

from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.errors import InputError


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=float, default=100e6)
    parser.add_argument("--rate", type=float, default=2.55, help="images a second and core (default: %(default)s)")
    parser.add_argument("--price", type=float, default=0.02, help="of a core for an hour (default: %(default)s)")
    parser.add_argument("--cores", type=int, default=1000, help="of all machines together (default: %(default)s)")
    parser.add_argument("--machine", type=int, default=4, help="cores of a machine (default: %(default)s)")
    parser.add_argument("--shard", type=int, default=2000, help="images of a shard (default: %(default)s)")
    parser.add_argument(
        "--lost", type=float, default=0.05, help="probability that a machine is taken away in an hour (%(default)s)"
    )
    parser.add_argument(
        "--start", type=float, default=10.0, help="seconds until a worker begins (default: %(default)s)"
    )
    parser.add_argument("--image-bytes", type=float, default=216, help="of results for each image (%(default)s)")
    parser.add_argument("--file-bytes", type=float, default=47_440, help="of each file besides (%(default)s)")
    options = parser.parse_args()
    if min(options.images, options.rate, options.cores, options.machine, options.shard) <= 0:
        raise InputError("images, rate, cores, machine and shard must be above 0")
    if min(options.price, options.lost, options.start, options.image_bytes, options.file_bytes) < 0:
        raise InputError("price, lost, start and bytes must be 0 or more")
    Console().print(costs(options))


def costs(given: argparse.Namespace) -> Table:
    """The table.

    Machines are taken away at random, independently and at a constant rate. A shard whose worker is lost is begun
    again: a core that takes T hours for a shard and is lost at rate r finishes after (e^(rT) - 1) / r hours on average,
    of which the part above T is lost.
    """
    shard_hours = given.shard / given.rate / 3600
    needed = given.images / given.rate / 3600
    shards = math.ceil(given.images / given.shard)
    again = math.expm1(given.lost * shard_hours) / (given.lost * shard_hours) - 1 if given.lost else 0.0
    starting = given.lost * given.start / 3600
    total = needed * (1 + again + starting)
    storage = given.images * given.image_bytes + shards * given.file_bytes
    millions = given.images / 1e6
    table = Table("", "of all", "of a million images", title=f"{given.images:,.0f} images")
    rows = (
        ("core hours without failures", f"{needed:,.0f}", f"{needed / millions:,.1f}"),
        ("done again, share", f"{again:.2%}", ""),
        ("starts of new workers, share", f"{starting:.3%}", ""),
        ("core hours", f"{total:,.0f}", f"{total / millions:,.1f}"),
        (
            f"cost at {given.price:g} a core hour",
            f"{total * given.price:,.2f}",
            f"{total * given.price / millions:,.2f}",
        ),
        (f"hours on {given.cores:,} cores", f"{total / given.cores:,.1f}", f"{total / given.cores / millions:,.3f}"),
        ("machines taken away", f"{given.lost * total / given.machine:,.0f}", ""),
        ("results, GB", f"{storage / 1e9:,.1f}", f"{storage / 1e9 / millions:,.3f}"),
        (f"shards of {given.shard:,}", f"{shards:,}", f"{shards / millions:,.0f}"),
        ("minutes of a core for a shard", f"{60 * shard_hours:,.1f}", ""),
    )
    for row in rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    run_script(main)
