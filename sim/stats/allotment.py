"""Which kind of fault the next episodes are spent on: where they make the sum more certain for what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the first episodes of a kind say. weight: the factor on its mean in the sum (its rate); spread: standard
    deviation of its values; cost: of one episode, in any unit that all share; done: episodes that there are."""

    weight: float
    spread: float
    cost: float
    done: int


def allotted(pilots: Sequence[Pilot], total: int) -> list[int]:
    """How many more episodes of each kind, so that there are about `total` of all.

    In proportion to weight x spread / sqrt(cost), which makes the variance of the sum least for what it costs (Neyman,
    Journal of the Royal Statistical Society 97, 1934; Cochran, Sampling Techniques, 3rd ed. 1977, section 5.5). What
    is there already stays; a kind that has more than its share gets none, and the others share the rest alike.
    """
    wanted = {index: _worth(pilot) for index, pilot in enumerate(pilots)}
    left = total
    while wanted:
        whole = sum(wanted.values())
        shares = {index: left * worth / whole if whole else 0.0 for index, worth in wanted.items()}
        enough = [index for index, share in shares.items() if share <= pilots[index].done]
        # Those that have enough are taken out, with what they have.
        left -= sum(pilots[index].done for index in enough)
        if not enough:
            more = {index: math.ceil(share - 1e-9) - pilots[index].done for index, share in shares.items()}
            return [more.get(index, 0) for index in range(len(pilots))]
        wanted = {index: worth for index, worth in wanted.items() if index not in enough}
    return [0] * len(pilots)


def _worth(pilot: Pilot) -> float:
    return pilot.weight * pilot.spread / math.sqrt(pilot.cost)
