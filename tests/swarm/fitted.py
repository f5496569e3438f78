"""Makes the network of a seed of a size that says something and takes no time: by its run on the reference engine."""

from __future__ import annotations

from .generate import Case, case
from .observed import Observed, Overrun, observe

MOST_EVENTS = 5_000
AIMED_AT = 1_700
FEW = 1_100
LONGEST = 200.0
"""Greatest scale: where longer runs bring no further events, they stay short."""


def fitted(seed: int) -> tuple[Case, Observed]:
    """The network of a seed and its run on the reference engine, of at most MOST_EVENTS events.

    Runs the shortest form of the network first and makes it longer until it has a good thousand events, or does not
    grow any more.
    """
    scale, limit = 1.0, LONGEST
    best: tuple[Case, Observed] | None = None
    best_scale = 0.0
    for _ in range(10):
        tried = case(seed, scale)
        try:
            observed = observe(tried)
            events = observed.replication.events
        except Overrun:
            events = 4 * MOST_EVENTS
        if events > MOST_EVENTS:
            limit = scale
            scale *= max(AIMED_AT / events, 0.1)
            if best is not None and scale <= best_scale * 1.1:
                break
            continue
        grown = best is None or events > 1.2 * best[1].replication.events
        if best is None or events > best[1].replication.events:
            best, best_scale = (tried, observed), scale
        if events >= FEW or scale >= LONGEST or not grown:
            break
        scale = min(scale * min(AIMED_AT / max(events, 20), 30.0), (scale + limit) / 2 if limit < LONGEST else LONGEST)
    assert best is not None, f"swarm {seed}: no length of the run is short enough"
    return best
