"""Sequential decisions of a share, and the bisection that is made of them.

Goal: no verdict before it is due, error probabilities that are kept, an interval that holds the threshold whatever is
undecided. Method: the test by hand and its exact error by counting paths; searches for thresholds that are known.
"""

from __future__ import annotations

import math

import pytest

from sim.stats.threshold import MOSTLY, SELDOM, Decision, Threshold, Tried, decisions_at_most, threshold


def test_a_decision_falls_when_one_kind_is_ahead_by_as_many_as_the_error_asks_for() -> None:
    # log(1/0.05) / log(3) = 2.73: three ahead. Each hit multiplies the ratio of likelihoods by 3, each miss by 1/3.
    decision = Decision(0.05)
    assert decision.least == 3
    assert [decision.verdict(hits, 3) for hits in (0, 1, 2, 3)] == [False, None, None, True]
    assert decision.verdict(4, 5) is True
    assert decision.verdict(3, 5) is None
    assert decision.verdict(1, 5) is False


def test_an_error_that_is_a_power_of_the_odds_is_not_rounded_up() -> None:
    assert Decision(1 / 9).least == 2
    assert Decision(1 / 9.001).least == 3


@pytest.mark.parametrize("error", [0.05, 0.01, 0.004])
def test_a_share_on_the_edge_is_called_wrongly_with_at_most_the_error(error: float) -> None:
    # The exact probability of ever being `least` ahead the wrong way: gambler's ruin, 1 / (1 + odds^least).
    decision = Decision(error)
    odds = MOSTLY / SELDOM
    ruin = 1 / (1 + odds**decision.least)
    assert ruin <= error
    ahead = {0: 1.0}
    wrong = 0.0
    for n in range(1, 60):
        following: dict[int, float] = {}
        for lead, chance in ahead.items():
            for step, weight in ((1, SELDOM), (-1, MOSTLY)):
                hits = (n + lead + step) // 2
                verdict = decision.verdict(hits, n)
                if verdict is True:
                    wrong += chance * weight
                elif verdict is None:
                    following[lead + step] = following.get(lead + step, 0.0) + chance * weight
        ahead = following
    assert wrong == pytest.approx(ruin, rel=1e-3)


def at(place: float, tried: list[float] | None = None, blind: float = 0.0):
    """Tries that are right, and undecided within `blind` of the threshold."""

    def attempt(value: float) -> Tried:
        if tried is not None:
            tried.append(value)
        if abs(value - place) < blind:
            return Tried(value, 10, 20, None)
        return Tried(value, 5 if value > place else 0, 5, value > place)

    return attempt


@pytest.mark.parametrize("place", [0.51, 0.8, 1.0, 1.49])
def test_the_interval_holds_the_threshold_and_is_as_narrow_as_asked_for(place: float) -> None:
    tried: list[float] = []
    found = threshold(at(place, tried), 0.5, 1.5, 0.05, 0.05)
    assert found.below is not None
    assert found.above is not None
    assert found.below <= place < found.above <= found.below + 0.05 + 1e-9
    assert len(tried) <= decisions_at_most(0.5, 1.5, 0.05) == 2 + 2 * 5
    assert [one.at for one in found.tried] == sorted(tried)


def test_what_happens_everywhere_or_nowhere_has_one_open_end() -> None:
    tried: list[float] = []
    always = threshold(at(0.2, tried), 0.5, 1.5, 0.1, 0.05)
    assert (always.below, always.above) == (None, 0.5)
    assert tried == [0.5]  # a greater value cannot happen less
    never = threshold(at(3.0), 0.5, 1.5, 0.1, 0.05)
    assert (never.below, never.above) == (1.5, None)


def test_an_undecided_stretch_is_closed_in_on_from_both_sides() -> None:
    found = threshold(at(1.0, blind=0.08), 0.5, 1.5, 0.05, 0.05)
    assert found.below is not None
    assert found.above is not None
    assert 0.92 - 0.05 <= found.below <= 0.92
    assert 1.08 <= found.above <= 1.08 + 0.05
    assert len(found.tried) <= decisions_at_most(0.5, 1.5, 0.05)


def test_what_is_known_already_is_not_tried_again() -> None:
    tried: list[float] = []
    known = [Tried(1.0, 0, 10, False)]
    found = threshold(at(1.2, tried), 0.5, 1.5, 0.1, 0.05, known)
    assert min(tried) > 1.0
    assert found.below is not None
    assert found.below <= 1.2 < (found.above or math.inf)


def test_nothing_is_told_where_both_ends_are_undecided() -> None:
    found = threshold(lambda value: Tried(value, 10, 20, None), 0.5, 1.5, 0.1, 0.05)
    assert found == Threshold(None, None, found.tried, 0.05)
    assert [one.at for one in found.tried] == [0.5, 1.5]


def test_verdicts_that_contradict_each_other_leave_the_stretch_between_them_open() -> None:
    known = [Tried(0.8, 5, 5, True), Tried(0.9, 0, 5, False)]
    found = threshold(at(0.7), 0.5, 1.5, 0.7, 0.05, known)
    assert found.below == 0.5
    assert found.above == 1.5
    assert found.is_contradicted
    assert not threshold(at(0.7), 0.5, 1.5, 0.1, 0.05).is_contradicted
