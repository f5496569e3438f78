"""Numbers that people read, over all magnitudes: one formatter a unit, and no digits that nobody can use.

Goal: none of `0.00000000000781 ns`, `4e+09`, `nan`, `USD USD/month` can be printed. Method: each unit at 61 powers of
ten and between, both signs, infinity and what is no number.
"""

from __future__ import annotations

import math
import re

import pytest

from sim.figure import Figure
from sim.report.wording import interval_of, margin_of, value_of
from sim.scenario.model.objectives import Bound
from sim.stats.summarise import verdicts
from sim.units import format_duration_ns, format_quantity

UNITS = ("s", "1/s", "ratio", "B", "B/s", "USD", "USD/month", "USD/1000", "", "x", "ns")
MAGNITUDES = [factor * 10.0**power for power in range(-30, 31) for factor in (1.0, 3.377, 9.996)]
READABLE = re.compile(r"(?:[<>] )?-?[0-9,]*\.?[0-9]*(?: ?[A-Za-z%/0-9,]+)*")


@pytest.mark.parametrize("unit", UNITS)
def test_no_number_of_any_size_is_shown_with_an_exponent_or_with_useless_zeros(unit: str) -> None:
    for size in MAGNITUDES:
        for value in (size, -size):
            said = format_quantity(value, unit)
            assert READABLE.fullmatch(said), said
            assert not re.search(r"[0-9]e[+-]?[0-9]", said), said
            assert "0.0000000" not in said, said


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_no_number_is_said_in_words(unit: str) -> None:
    assert "unknown" in format_quantity(math.nan, unit)
    assert re.search("never|no limit", format_quantity(math.inf, unit))


@pytest.mark.parametrize("unit", UNITS)
def test_a_larger_number_is_never_shown_as_a_smaller_one_of_the_same_unit(unit: str) -> None:
    last: dict[str, float] = {}
    for size in sorted(MAGNITUDES):
        said = format_quantity(size, unit)
        found = re.fullmatch(r"([0-9,.]+)(.*)", said)
        if found is not None:
            value = float(found[1].replace(",", ""))
            assert value >= last.get(found[2], 0.0), said
            last[found[2]] = value


def test_a_time_below_a_nanosecond_is_0() -> None:
    assert format_duration_ns(7.81e-12) == "0 s"
    assert format_duration_ns(0.3) == "0 s"
    assert format_duration_ns(1) == "1 ns"


@pytest.mark.parametrize(
    ("figure", "value", "margin"),
    [
        (Figure(3.37e-7, "", 0.0, 3.46e-6, 0.95, 10), "about 0, <= 0.00000346", ""),
        (Figure(0.002, "s", -0.001, 0.02, 0.95, 10), "about 0, <= 20 ms", ""),
        (Figure(0.001, "ratio", 0.0, 0.004, 0.95, 10), "about 0, <= 0.4 %", ""),
        (Figure(2.0, "s", 0.5, 9.0, 0.95, 10), "2 s", "[500 ms, 9 s]"),
        (Figure(2.0, "s", 1.9, 2.1, 0.95, 10), "2 s", "+-5.0 %"),
        (Figure(0.0, "s", 0.0, 0.0, 0.95, 10), "0 s", ""),
        (Figure.exact(5.0, "USD/month"), "5.00 USD/month", ""),
    ],
)
def test_a_value_that_is_noise_is_about_0_and_a_wide_interval_is_told_by_its_ends(
    figure: Figure, value: str, margin: str
) -> None:
    assert (value_of(figure), margin_of(figure)) == (value, margin)


def test_an_interval_that_begins_below_a_nanosecond_begins_at_0() -> None:
    assert interval_of(Figure(1e-3, "s", 7.81e-21, 5e-3, 0.95, 10)) == "[0 s, 5 ms]"


@pytest.mark.parametrize(
    ("bound", "unit", "target"),
    [
        ("6000 USD/month", "USD/month", "< 6,000 USD/month"),
        ("4 s", "s", "< 4 s"),
        ("99.9 %", "ratio", "< 99.9 %"),
        (1.5, "ratio", "< 1.5x"),
        (4e9, "", "< 4 G"),
        (50, "1/s", "< 50/s"),
    ],
)
def test_a_target_is_in_the_unit_of_its_metric_once(bound: str | float, unit: str, target: str) -> None:
    objective = Bound.model_validate({"metric": "a.b", "below": bound})
    (found,) = verdicts([objective], lambda _: {"a.b": Figure.exact(1.0, unit)}, 0.95)
    assert found.target == target
