"""How much gets through a resource that is held while something else is waited for: flow-equivalent servers.

Those who hold a unit are taken as a closed network with as many customers as there are units; what they visit while
they hold it are its stations, and what they hold inside is one station, as fast as its own closed network
(Chandy, Herzog and Woo, IBM Journal of Research and Development 19, 1975). APPROXIMATE: exact for product forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 256
"""More customers are counted in groups: of all that is shared there is then less in proportion."""
LEAST_RATE = 1e-12

Rates = NDArray[np.float64]
"""Passes a second with 1, 2, ... customers there."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A station of a closed network. visits: of a pass; rates: visits served a second with 1, 2, ... there, and as
    with the last of them with more."""

    visits: float
    rates: Rates


def servers(units: float, service_s: float, customers: int) -> Rates:
    """The rates of so many servers, of which a part may be left."""
    here = np.arange(1, customers + 1, dtype=np.float64)
    return np.minimum(here, max(units, LEAST_RATE)) / service_s


def passes(centres: Sequence[Centre], delay_s: float, customers: int) -> Rates:
    """Passes a second of a closed network, with 1, 2, ... `customers` in it. delay_s: time of a pass in which nobody
    is in anybody's way; inf passes where it takes no time.

    >>> passes([Centre(1.0, servers(1, 1.0, 3))], 1.0, 3).round(4).tolist()
    [0.5, 0.8, 0.9375]
    """
    numbers = np.arange(customers + 1)
    weights = np.full(customers + 1, -np.inf)  # logarithms of the normalising constants
    weights[0] = 0.0
    if delay_s > 0:
        weights = numbers * np.log(delay_s) - np.concatenate(([0.0], np.cumsum(np.log(numbers[1:]))))
    for centre in centres:
        if centre.visits <= 0:
            continue
        rates = centre.rates[:customers]
        if rates.size < customers:
            rates = np.concatenate((rates, np.full(customers - rates.size, rates[-1])))
        if not np.isfinite(rates).all():
            continue
        own = np.concatenate(([0.0], np.cumsum(np.log(centre.visits) - np.log(np.maximum(rates, LEAST_RATE)))))
        weights = _convolved(weights, own)
    with np.errstate(invalid="ignore"):
        found = np.exp(weights[:-1] - weights[1:])
    return np.where(np.isfinite(found), found, np.inf)


def _convolved(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the sums over k of exp(one[k] + other[n - k])."""
    size = one.size
    at = np.arange(size)
    back = at[:, None] - at[None, :]
    terms = np.where(back >= 0, one[None, :] + other[np.maximum(back, 0)], -np.inf)
    most = terms.max(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(most), most + np.log(np.exp(terms - most[:, None]).sum(axis=1)), -np.inf)
