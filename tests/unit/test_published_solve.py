"""Where an undetermined figure comes out: bisection, its interval, and the honest answers when there is none.

Goal: a value is given only where the figure comes out, with an interval that holds the true one. Method: figures that
are functions of the parameter, exact or with noise of known size; no run is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from calibration.published.registry import Found, Parameter
from calibration.published.rules import hangs_on
from calibration.published.solve import WITHIN, solve
from sim.figure import Figure
from sim.stats.threshold import decisions_at_most


def parameter(**other: Any) -> Parameter:
    fields = {
        "name": "things",
        "at": [{"run": "r", "path": "a.b"}],
        "search": [1, 100],
        "plausible": [5, 20],
        "reason": "so",
    }
    return Parameter.model_validate({**fields, **other})


MOST = decisions_at_most(0.0, math.log(100), WITHIN)
"""The most values that are tried."""


def exactly(function: Callable[[float], float]) -> Callable[[float], Figure]:
    return lambda at: Figure.exact(function(at), "s")


@pytest.mark.parametrize("function", [lambda x: x, lambda x: 100 / x, lambda x: 3 * x * x, lambda x: -x])
def test_what_rises_or_falls_is_found_within_the_last_bracket(function: Callable[[float], float]) -> None:
    solved = solve(exactly(function), parameter(), function(7.3))
    assert solved.found is not None
    assert solved.found.low <= 7.3 <= solved.found.high <= math.exp(WITHIN) * solved.found.low * (1 + 1e-9)
    assert solved.found.value == pytest.approx(7.3, rel=WITHIN / 20)
    assert len(solved.tried) <= MOST / 2 + 1


def test_noise_takes_no_more_values_than_it_says() -> None:
    """Fifty searches, in which each interval is as wide as half of the range."""
    generator = np.random.default_rng(3)
    for _ in range(50):

        def attempt(at: float) -> Figure:
            value = math.log(at) + generator.normal(0, 0.5)
            return Figure(value, "s", value - 1, value + 1, 0.95, 5)

        assert len(solve(attempt, parameter(), math.log(10)).tried) <= MOST


def test_a_count_stays_whole() -> None:
    solved = solve(exactly(lambda x: x), parameter(whole=True), 7.3)
    assert all(one.at == int(one.at) for one in solved.tried)
    assert solved.found == Found(value=7, low=7, high=8)


def test_what_no_value_reaches_is_told_with_the_figures_at_both_ends() -> None:
    solved = solve(exactly(lambda x: x), parameter(), 200)
    assert solved.found is None
    assert solved.why == "not reached within the range: 1 at 1 and 100 at 100, 200 is asked for"
    assert len(solved.tried) == 2


def test_a_run_without_a_figure_ends_the_search() -> None:
    def attempt(at: float) -> Figure:
        return Figure.exact(at, "s") if at in (1, 100) else Figure.refused("s", "overloaded")

    solved = solve(attempt, parameter(), 7)
    assert solved.found is None
    assert solved.why.endswith("there is no interval: overloaded")


def test_what_goes_the_other_way_by_more_than_noise_has_no_value() -> None:
    def wave(at: float) -> float:
        return at + 60 * math.sin(at / 2)

    exact = solve(exactly(wave), parameter(), 50)
    assert exact.found is None
    assert "rises over the whole range, but not from" in exact.why


def test_the_interval_is_all_values_whose_own_interval_holds_the_figure_and_a_gap_at_each_end() -> None:
    """On a straight line with the same noise everywhere it reaches as far as the noise does, by the slope."""
    solved = solve(lambda at: Figure(2 * at, "s", 2 * at - 4, 2 * at + 4, 0.95, 5), parameter(), 20)
    assert solved.found is not None
    assert solved.found.value == pytest.approx(10, rel=1e-3)
    assert 8 / 1.05 <= solved.found.low <= 8
    assert 12 <= solved.found.high <= 12 * 1.05


@pytest.mark.parametrize(("shared", "own"), [(0.5, 0.0), (0.4, 0.3), (0.0, 0.5)])
def test_the_interval_holds_the_true_value_in_95_of_100_searches(shared: float, own: float) -> None:
    """400 searches with noise that all runs share (common draws), that is each one's own, or both: of the same size.

    At 95 % fewer than 367 come by chance with a probability of 0.2 %, and 0.5 % that one of the three fails so.
    """
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        common = generator.normal(0, 1) * shared

        def attempt(at: float, common: float = common) -> Figure:
            value = 5 * math.log(at) + common + generator.normal(0, 1) * own
            return Figure(value, "s", value - 1.96 * 0.5, value + 1.96 * 0.5, 0.95, 5)

        solved = solve(attempt, parameter(), 5 * math.log(9))
        held += solved.found is not None and solved.found.low <= 9 <= solved.found.high
    assert held >= 367


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((7, 6, 8), "plausible"),
        ((4, 3, 6), "hardly plausible"),
        ((3, 2, 4), "not plausible"),
        ((30, 25, 40), "not plausible"),
        ((22, 18, 25), "hardly plausible"),
    ],
)
def test_a_value_is_plausible_where_it_is_within_the_range_that_the_registry_gives(
    found: tuple[float, float, float], said: str
) -> None:
    value, low, high = found
    one = Found(value=value, low=low, high=high)
    assert parameter().plausibility(one) == said
    assert hangs_on(parameter(unit="ms"), one) == (
        f"it comes out at {value} ms [{low} ms, {high} ms] things: {said} (5 ms to 20 ms: so)"
    )


def test_a_parameter_goes_where_the_registry_says_with_its_unit_and_factor() -> None:
    one = parameter(unit="ms", at=[{"run": "r", "path": "a.b"}, {"run": "s", "path": "c", "times": 10}])
    assert one.assignments("r", 2.5) == ["a.b=2.5ms"]
    assert one.assignments("s", 2.5) == ["c=25ms"]
    assert one.assignments("t", 2.5) == []
