"""Scenarios in which keys of one model stand together two by two, as far as the house's checks let them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.walk.grow import Addition, options, taken
from tests.walk.uses import NOTHING, Pair, Use, every_pair, mappings_in, model_of, pairs_in

ORDERS = 2
"""Orders in which keys are offered to each scenario: where two exclude each other, the first has its place."""


def paired(scenarios: Mapping[str, Any], seed: int = 1) -> tuple[dict[str, Any], set[Pair]]:
    """Further scenarios with pairs that those given have not; and the pairs that none has."""
    missing = every_pair().difference(*map(pairs_in, scenarios.values()))
    dice = random.Random(seed)
    found: dict[str, Any] = {}
    for name, data in scenarios.items():
        for order in range(ORDERS):
            grown = _with_more(data, missing, dice)
            grown.pop("objectives", None)  # whose figures may have gone with a changed load
            if plan := grown.get("prices", {}).get("savings_plan"):
                plan.setdefault("saving", "50 %")  # a node may have come that the catalogue knows no such rate for
            new = missing & pairs_in(grown)
            if new:
                found[f"{name}-with-{order}"] = grown
                missing -= new
    return found, missing


def _with_more(data: Any, missing: set[Pair], dice: random.Random) -> Any:
    """The scenario with further keys in all of its mappings whose models lack pairs."""
    batch = []
    lacking = {(model, key) for model, *two in missing for key in two}
    offered: set[Use] = set()
    for found in mappings_in(data):
        for key in found.mapping["properties"]:
            use = Use(model_of(found.mapping), key, NOTHING)
            if key not in found.data and (use.model, key) in lacking and use not in offered:
                given = tuple(options(found, use))
                if given:
                    offered.add(use)
                    batch.append(Addition(found.path, use, given))
    dice.shuffle(batch)
    return taken(data, batch, {})
