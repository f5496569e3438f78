"""What both engines compute alike of a controller: the use that one node stands for."""

from __future__ import annotations

from typing import Final

from sim.network.controllers import Controller

FULL_SUM: Final = 1 << 62
"""An area under use becomes a double in two parts: what is above and what is below this."""
ONE_CORE: Final = 1 << 20
"""Use of shared cores is measured in so many parts of a core."""


def use_of_a_node(spec: Controller, units: int, cores: float | None) -> float:
    """Use of one node at the utilisation aimed at, from one look to the next.

    Unit-ns of its units; where its cores are shared, 2^-20 core-ns of those.
    """
    assert spec.utilisation is not None
    size = units if cores is None else cores * ONE_CORE
    return spec.interval_ns * size * spec.utilisation
