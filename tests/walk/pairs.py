"""Scenarios in which any two keys of one model stand together, as far as the house's checks let them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.walk.grow import Addition, options, problem_with, put
from tests.walk.uses import NOTHING, Found, Pair, Use, every_pair, mappings_in, model_of, pairs_in


def paired(scenarios: Mapping[str, Any]) -> tuple[dict[str, Any], set[Pair]]:
    """Further scenarios with pairs that those given have not, several in each; and the pairs that nothing takes."""
    missing = every_pair().difference(*map(pairs_in, scenarios.values()))
    found: dict[str, Any] = {}
    for name, data in scenarios.items():
        grown = copy.deepcopy(data)
        for pair in sorted(missing):
            grown = _with(grown, pair) or grown
        new = missing & pairs_in(grown)
        if new:
            found[f"{name}-pairs"] = grown
            missing -= new
    return found, missing


def _with(data: Any, pair: Pair) -> Any | None:
    """The scenario with the second key beside the first, or the other way round; None where neither is sound."""
    model, *keys = pair
    for found in mappings_in(data):
        if model_of(found.mapping) == model:
            for there, other in (keys, keys[::-1]):
                if there in found.data and other not in found.data:
                    changed = _added(data, found, other)
                    if changed is not None and pair in pairs_in(changed):
                        return changed
    return None


def _added(data: Any, found: Found, key: str) -> Any | None:
    use = Use(model_of(found.mapping), key, NOTHING)
    for option in options(found, use):
        changed = copy.deepcopy(data)
        if put(changed, Addition(found.path, use, ()), option) and not problem_with(changed):
            return changed
    return None
