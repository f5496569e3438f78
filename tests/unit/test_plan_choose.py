"""The cheapest deployment for a load, and where the choice flips.

Goal: the loads on both sides of a flip are loads that were tried. Method: deployments that carry a known load.
"""

from __future__ import annotations

import pytest

from calibration.published.choose import Carried, Probe, Share, Try, carried, chosen
from sim.errors import InputErrors, Problem


def up_to(limit_per_s: float, tried: list[float] | None = None) -> Try:
    def attempt(load: float) -> Probe:
        if tried is not None:
            tried.append(load)
        return Probe(100.0, "too slow" if load > limit_per_s else "")

    return attempt


@pytest.mark.parametrize("limit", [1.0, 7.0, 99.0, 640.0])
def test_the_limit_lies_between_a_load_that_is_carried_and_one_that_is_not(limit: float) -> None:
    tried: list[float] = []
    found = carried("one", up_to(limit, tried), 1, 1000, within=0.1)
    assert found.holds_per_s in tried
    assert found.fails_per_s in tried
    assert found.holds_per_s is not None
    assert found.fails_per_s is not None
    assert found.holds_per_s <= limit < found.fails_per_s <= 1.1 * found.holds_per_s
    assert found.why == "too slow"
    assert max(tried) <= 2 * limit  # a deployment is never asked for much more than it carries


def test_what_carries_everything_has_no_end_and_what_carries_nothing_no_begin() -> None:
    assert carried("one", up_to(5000), 1, 1000, within=0.1) == Carried("one", 100.0, 1000, None, "")
    assert carried("one", up_to(0.5), 1, 1000, within=0.1) == Carried("one", 100.0, None, 1, "too slow")


def test_a_load_that_does_not_fit_is_not_carried_and_a_scenario_that_is_wrong_is_no_answer() -> None:
    def full(load: float) -> Probe:
        if load > 10:
            raise InputErrors([Problem("disk", "is too small")])
        return Probe(1.0, "")

    assert carried("one", full, 1, 100, within=0.5).why == "is too small"
    with pytest.raises(InputErrors):
        carried("one", full, 20, 100, within=0.5)


def test_the_cheapest_that_carries_a_load_is_chosen_and_the_first_named_of_equals() -> None:
    small, large = Carried("small", 1.0, 10, 11, "full"), Carried("large", 9.0, 900, 990, "full")
    same, worse = Carried("same", 1.0, 10, 11, "full"), Carried("worse", 5.0, 8, 9, "slow")
    assert chosen([large, small, same, worse]) == (Share("small", 1.0, (10, 11)), Share("large", 9.0, (900, 990)))
    endless = Carried("endless", 5.0, 1000, None, "")
    assert chosen([large, small, endless]) == (Share("small", 1.0, (10, 11)), Share("endless", 5.0, None))
    assert chosen([Carried("none", 1.0, None, 1, "slow")]) == ()
