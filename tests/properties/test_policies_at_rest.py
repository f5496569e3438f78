"""Policies against failures that never have a reason to act change nothing, however they are spread over a network.

Goal: whoever looks at a breaker, a budget or the age of a line only looks. Method: the payments case study with all
that can go wrong in it, with and without policies everywhere that never come into play: the columns are equal but for
what the policies tell of themselves. Places that shed also leave the short cut of plain ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.network.checks import problems
from tests.properties.test_conservation import hazardous
from tests.swarm.compare import differences

SECOND = 10**9
NEVER = "1000 h"


def guarded(network: Network) -> Network:
    """Every attempt with a breaker and, where it tries again, a budget; every place sheds by a thousand hours."""
    document = network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for attempt in _attempts(document["routines"]):
        attempt["breaker"] = "all"
        if attempt.get("retry") is not None:
            attempt["retry"]["budget"] = "all"
    for place in (*document["resources"].values(), *document["stations"].values()):
        if place.get("kind", "server") == "server" and place.get("when_full") != "block":
            place["shed"] = {"after": NEVER}
    document["breakers"] = {"all": {"window": 100_000, "failures": 1.0}}
    document["budgets"] = {"all": {"ratio": 1.0, "burst": 1_000_000}}
    made = Network.model_validate(document)
    assert not problems(made)
    return made


def _attempts(value: Any) -> list[dict[str, Any]]:
    """Every attempt in a document."""
    if isinstance(value, list):
        return [found for item in value for found in _attempts(item)]
    if not isinstance(value, dict):
        return []
    own = [value["attempt"]] if isinstance(value.get("attempt"), dict) else []
    return own + [found for item in value.values() for found in _attempts(item)]


def test_policies_that_never_act_change_nothing() -> None:
    bare = hazardous()
    plan = Plan(seed=3, warmup_ns=2 * SECOND, horizon_ns=15 * SECOND, follow_ns=SECOND, drain_ns=300 * SECOND)
    without, with_them = run_one(bare, plan), run_one(guarded(bare), plan)
    assert with_them.breakers["all"].requested > 1000
    assert with_them.budgets["all"].wanted > 0
    assert differences(without, replace(with_them, breakers={}, budgets={})) == []
