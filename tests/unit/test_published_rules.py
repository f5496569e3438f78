"""The rules of the verdicts of published figures, one by one, at their edges.

Goal: no verdict is kinder than its rule. Method: figures with chosen values and intervals; nothing is run.
"""

from __future__ import annotations

from typing import Any

import pytest

from calibration.published.asking import Runs
from calibration.published.registry import Published
from calibration.published.rules import Verdict, headline, judge, tolerance_of, why_missed
from sim.figure import Figure

MECHANISM = {"name": "a part", "remove": ["a=b"]}


def metric(runs: Runs) -> Figure:
    return runs.metric("r", "m")


def published(relation: str, value: Any, unit: str, kind: str | None = None) -> Published:
    predicted = {"by": metric, "kind": kind} if kind else {"by": metric, "mechanism": MECHANISM}
    fields = {"id": "a.b", "section": "1", "role": "target", "derivation": "because"}
    return Published.model_validate(
        {**fields, "relation": relation, "value": value, "unit": unit, "predicted": predicted}
    )


def figure(value: float | None, reach: float = 0.0, unit: str = "ratio") -> Figure:
    if value is None:
        return Figure.refused(unit, "too short")
    return Figure(value, unit, value - reach, value + reach, 0.95, 10)


@pytest.mark.parametrize(
    ("unit", "share"), [("s", 0.2), ("usd", 0.001), ("usd/month", 0.001), ("1/s", 0.05), ("TB", 0.05)]
)
def test_times_have_a_fifth_money_a_thousandth_all_else_a_twentieth(unit: str, share: float) -> None:
    assert tolerance_of(unit) == share


@pytest.mark.parametrize("unit", ["s", "usd", "usd/month", "1/s", "ratio"])
@pytest.mark.parametrize("side", [-1, 1])
def test_an_estimate_may_be_off_by_the_tolerance_and_not_by_more(unit: str, side: int) -> None:
    claim = published("eq", 100, unit)
    off = 100 * tolerance_of(unit)
    assert judge(claim, figure(100 + side * off)).verdict == "met"
    assert judge(claim, figure(100 + side * off * 1.01)).verdict == "missed"


def test_its_intervals_half_width_must_be_below_half_of_the_tolerance() -> None:
    claim = published("eq", 100, "1/s")
    assert judge(claim, figure(100, 2.49)).verdict == "met"
    assert judge(claim, figure(100, 2.5)).verdict == "missed"
    assert "half-width" in judge(claim, figure(100, 2.5)).reason


def test_an_estimate_without_sampling_error_has_no_width_to_mind() -> None:
    assert judge(published("eq", 100, "usd"), Figure.exact(100.0, "USD")).verdict == "met"
    assert judge(published("eq", 3325, "usd/month"), Figure.exact(3325.11, "USD/month")).verdict == "met"
    assert judge(published("eq", 3325, "usd/month"), Figure.exact(3330.0, "USD/month")).verdict == "missed"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(1.89, "missed"), (1.91, "met"), (2.0, "met"), (4.0, "met"), (5.0, "met"), (5.24, "met"), (5.26, "missed")],
)
def test_a_range_is_widened_by_the_tolerance_at_both_ends(value: float, verdict: str) -> None:
    assert judge(published("between", [2, 5], "ratio"), figure(value)).verdict == verdict


def test_in_a_range_the_width_is_held_against_the_estimate_itself() -> None:
    claim = published("between", [2, 5], "ratio")
    assert judge(claim, figure(4.0, 0.099)).verdict == "met"
    assert judge(claim, figure(4.0, 0.101)).verdict == "missed"


@pytest.mark.parametrize(
    ("relation", "value", "reach", "verdict"),
    [
        ("lt", 0.9, 0.05, "met"),
        ("lt", 0.9, 0.1, "missed"),
        ("lt", 1.1, 0.2, "missed"),
        ("lt", 1.0, 0.0, "missed"),
        ("le", 1.0, 0.0, "met"),
        ("le", 0.9, 0.11, "missed"),
        ("gt", 1.1, 0.05, "met"),
        ("gt", 1.1, 0.1, "missed"),
        ("gt", 1.0, 0.0, "missed"),
        ("ge", 1.0, 0.0, "met"),
        ("ge", 1.1, 0.11, "missed"),
        ("ge", 0.9, 0.2, "missed"),
    ],
)
def test_a_bound_is_kept_by_the_far_end_of_the_interval(
    relation: str, value: float, reach: float, verdict: str
) -> None:
    assert judge(published(relation, 1, "1/s"), figure(value, reach)).verdict == verdict


def test_a_bound_has_no_tolerance() -> None:
    assert judge(published("lt", 0.2, "s"), figure(0.2001)).verdict == "missed"


def test_why_a_bound_is_missed_tells_the_estimate_from_its_interval() -> None:
    claim = published("ge", 0.9999, "ratio")
    assert why_missed(claim, figure(0.99999, 0.1)).startswith("the estimate keeps the bound, the lower end")
    assert why_missed(claim, figure(0.9)) == "the estimate does not keep the bound"


def test_a_property_is_met_when_nothing_broke_it_however_few_were_seen() -> None:
    claim = published("eq", 1, "property")
    assert judge(claim, Figure(1.0, "ratio", 0.7, 1.0, 0.95, 10)).verdict == "met"
    assert judge(claim, Figure(0.999999, "ratio", n=1_000_000)).verdict == "missed"


def test_zero_is_met_when_none_was_seen() -> None:
    claim = published("eq", 0, "ratio")
    assert judge(claim, Figure(0.0, "ratio", 0.0, 0.3, 0.95, 10)).verdict == "met"
    assert judge(claim, Figure(1e-9, "ratio", 0.0, 1e-8, 0.95, 10)).verdict == "missed"


def test_a_property_that_was_never_tested_is_missed() -> None:
    assert judge(published("eq", 1, "property"), figure(None)).reason == "refused: too short"


def test_a_figure_that_the_sample_cannot_carry_is_missed() -> None:
    assert judge(published("eq", 1, "s"), figure(None)).verdict == "missed"
    assert judge(published("lt", 1, "s"), Figure(0.5, "s")).verdict == "missed"


@pytest.mark.parametrize("kind", ["arithmetic", "fitted"])
def test_what_is_arithmetic_or_fitted_has_to_come_out_too(kind: str) -> None:
    claim = published("eq", 100, "1/s", kind)
    assert judge(claim, figure(100)).verdict == kind
    assert judge(claim, figure(90)).verdict == "missed"


def test_what_is_contradictory_is_so_whatever_comes_out() -> None:
    claim = published("eq", 100, "1/s", "contradictory")
    assert {judge(claim, found).verdict for found in (figure(100), figure(1), figure(None), None)} == {"contradictory"}


def test_what_has_no_scenario_is_not_modelled_and_neither_met_nor_missed() -> None:
    assert judge(published("eq", 100, "1/s"), None).verdict == "not modelled yet"


# -- model error --------------------------------------------------------------------------------------------------


def wide(value: float, low: float, high: float) -> Figure:
    return Figure(value, "s", value * 0.999, value * 1.001, 0.95, 10, wide_low=low, wide_high=high)


@pytest.mark.parametrize(
    ("relation", "value", "found", "verdict"),
    [
        ("lt", 1, wide(0.5, 0.3, 0.9), "met"),
        ("lt", 1, wide(0.5, 0.3, 1.1), "met ?"),
        ("lt", 1, wide(1.5, 1.1, 2.0), "missed"),
        ("lt", 1, wide(1.5, 0.9, 2.0), "missed ?"),
        ("ge", 1, wide(1.5, 1.1, 2.0), "met"),
        ("ge", 1, wide(1.5, 0.9, 2.0), "met ?"),
        ("ge", 1, wide(0.5, 0.3, 1.1), "missed ?"),
        ("eq", 1, wide(1.0, 0.85, 1.15), "met"),
        ("eq", 1, wide(1.0, 0.75, 1.15), "met ?"),
        ("eq", 1, wide(1.5, 1.3, 1.8), "missed"),
        ("eq", 1, wide(1.5, 1.1, 1.8), "missed ?"),
        ("between", [1, 2], wide(1.5, 0.9, 2.2), "met"),
        ("between", [1, 2], wide(1.5, 0.7, 2.2), "met ?"),
        ("between", [1, 2], wide(3.0, 2.3, 4.0), "missed ?"),
    ],
)
def test_a_verdict_that_model_error_could_turn_has_a_question_mark(
    relation: str, value: Any, found: Figure, verdict: str
) -> None:
    assert judge(published(relation, value, "s"), found).verdict == verdict


def test_where_model_error_was_never_measured_nothing_is_known_to_turn_a_verdict() -> None:
    assert judge(published("lt", 1, "s"), figure(0.999, 0.0)).verdict == "met"


def test_properties_have_no_model_error() -> None:
    found = Figure(1.0, "ratio", 0.9, 1.0, 0.95, 10, wide_low=0.1, wide_high=1.0)
    assert judge(published("eq", 1, "property"), found).verdict == "met"


# -- what hangs on a parameter, and the count ---------------------------------------------------------------------

PARAMETER = {
    "name": "things",
    "at": [{"run": "r", "path": "a.b"}],
    "search": [1, 100],
    "plausible": [5, 20],
    "reason": "so",
}


def undetermined(found: dict[str, float] | None) -> Published:
    predicted = {"by": metric, "kind": "undetermined", "parameter": {**PARAMETER, "found": found}}
    fields = {"id": "a.b", "section": "1", "role": "target", "derivation": "because"}
    return Published.model_validate({**fields, "relation": "lt", "value": 1, "unit": "1/s", "predicted": predicted})


def test_what_hangs_on_a_parameter_is_undetermined_whatever_the_scenario_gives_it() -> None:
    claim = undetermined({"value": 7, "low": 6, "high": 8})
    assert {judge(claim, figure(value)).verdict for value in (0.5, 1.5, None)} == {"undetermined"}
    assert judge(claim, figure(0.5)).reason.startswith("it comes out at 7 [6, 8] things: plausible")


def test_what_comes_out_at_no_value_of_its_parameter_is_judged_as_any_other() -> None:
    assert judge(undetermined(None), figure(0.5)).verdict == "met"
    assert judge(undetermined(None), figure(1.5)).verdict == "missed"


def test_the_headline_counts_met_against_met_and_missed_and_each_figure_once() -> None:
    once: list[Verdict] = [
        "met",
        "met",
        "missed",
        "met ?",
        "missed ?",
        "missed ?",
        "fitted",
        "undetermined",
        "used",
    ]
    found = headline([*((verdict, False) for verdict in once), ("met", True), ("fitted", True)])
    assert (found.met, found.of, found.repeated) == (2, 3, 2)
    assert found.others == {"met ?": 1, "missed ?": 2, "fitted": 1, "undetermined": 1, "used": 1}
