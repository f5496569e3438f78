"""Figures: a value keeps its interval through changes of unit."""

from __future__ import annotations

import pytest

from sim.figure import Figure


def test_a_difference_times_a_price_keeps_its_sign_at_both_ends() -> None:
    # What an episode costs beyond its baseline run may be less than nothing; its interval began at 0 all the same.
    saved = Figure(-0.1, "h", -0.3, 0.05, 0.95, 5).scaled(2.0, "USD")
    assert (saved.low, saved.value, saved.high) == (pytest.approx(-0.6), -0.2, 0.1)
    assert Figure(0.1, "h").scaled(0.0, "USD").value == 0
