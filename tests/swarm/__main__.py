"""`python -m tests.swarm SEED`: repeats one network on both engines and tells where they differ.

With --shrink it also looks for a small network that they differ on, with --print it shows the whole one. FIRST-LAST in
the place of a seed goes through all of these and tells a line about each that differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial

from sim.errors import InputErrors

from .compare import first, kind
from .engines import fast, told_apart
from .fitted import fitted
from .generate import Case
from .observed import Overrun, observe
from .shrink import as_text, shrink


def main() -> int:
    """Gives 1 where the engines differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.swarm", description=__doc__)
    parser.add_argument("seed", help="a seed, or FIRST-LAST")
    parser.add_argument("--shrink", action="store_true", help="look for a small network that fails")
    parser.add_argument("--print", action="store_true", help="print the network")
    options = parser.parse_args()
    one, _, last = options.seed.partition("-")
    if last:
        lines = list(differing(range(int(one), int(last) + 1)))
        print(f"{len(lines)} networks differ")
        return bool(lines)
    case, observed = fitted(int(one))
    if options.print:
        print(as_text(case))
    found = told_apart(case, observed.replication, fast)
    print(f"swarm {one}: {observed.replication.events} events, {len(found)} differences (reference and fast)")
    print(*found, sep="\n")
    if found and options.shrink:
        small = shrink(
            case, partial(fails, kind(found)), lambda line: print(f"\r{line:40}", end="", file=sys.stderr, flush=True)
        )
        print("\n", as_text(small), sep="")
        print(*told_apart(small, observe(small).replication, fast), sep="\n")
    return bool(found)


def differing(seeds: range) -> Iterator[str]:
    """Prints and gives a line about each network on which the engines differ."""
    for seed in seeds:
        case, observed = fitted(seed)
        found = told_apart(case, observed.replication, fast)
        if found:
            line = f"swarm {seed}: {len(found)} differences, the first {first(found)[:120]}"
            print(line, flush=True)
            yield line


def fails(what: str, case: Case) -> bool:
    """Whether the reference engine runs the case and the fast one differs from it first in `what`."""
    try:
        expected = observe(case, closely=False).replication
    except (InputErrors, Overrun):
        return False
    found = told_apart(case, expected, fast)
    return bool(found) and kind(found) == what


if __name__ == "__main__":
    sys.exit(main())
