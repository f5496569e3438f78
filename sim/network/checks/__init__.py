"""Whether a network can be run: every check, in order. How a message names a place or guesses a name is in `words`.

1. `size`: no machine could run it; nothing else is asked then.
2. `fit`: every name leads somewhere, every number is within its element.
3. `steps`, for each step: its names lead somewhere and its parts fit.
4. `around`, for each routine: units that a step needs are held, no routine calls itself.
5. `fit` and `steps` again: options that would mean nothing; not asked where routines call each other in a circle.
   `at_once` tells there whether an attempt may fail in no time.
"""

from __future__ import annotations

from sim.errors import Problem
from sim.network.checks.around import recursion, unheld, without_context
from sim.network.checks.fit import misfits, nonsense
from sim.network.checks.size import too_large
from sim.network.checks.steps import misfits_of_steps, nonsense_of_steps
from sim.network.network import Network


def problems(network: Network) -> list[Problem]:
    """Everything that is wrong with a network, each with its path in it."""
    large = list(too_large(network))
    if large:
        return large
    found = [*misfits(network), *misfits_of_steps(network), *unheld(network)]
    circles = list(recursion(network))
    if not circles:
        found += [*nonsense(network), *nonsense_of_steps(network), *without_context(network)]
    return [*found, *circles]


__all__ = ["problems", "too_large"]
