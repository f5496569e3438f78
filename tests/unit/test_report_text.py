"""The prediction in a terminal: everything that decides something is there, in 100 columns of plain text."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from dataclasses import replace

import pytest
import report_fixture as fixture

from sim.figure import Figure
from sim.report.grid import grid, paragraph
from sim.report.text import text as as_text
from sim.report.wording import (
    TargetBound,
    bound_of,
    bracket,
    headline_of,
    interval_of,
    margin_of,
    price_of,
    state_of,
    value_of,
)
from sim.studies.run.blocks import blocks


@pytest.fixture(scope="module")
def text() -> str:
    return as_text(blocks(fixture.summary(), fixture.bill()))


@pytest.mark.parametrize("name", ["wording", "grid", "documents"])
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"sim.report.{name}"))
    assert result.failed == 0
    assert result.attempted > 0


def test_text_and_json_come_without_plotly_and_templates() -> None:
    code = (
        "import sys, sim.report.text, sim.studies.run.blocks, sim.studies.run.document, sim.report.frames\n"
        "print([name for name in ('plotly', 'jinja2', 'pyarrow', 'scipy', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_text_fits_a_terminal_and_any_encoding(text: str) -> None:
    lines = text.splitlines()
    assert max(len(line) for line in lines if "sim run" not in line) <= 100
    assert text.isascii()
    assert text.endswith("\n")
    assert not any(line.endswith(" ") for line in lines)


def test_verdicts_come_first_and_the_command_last(text: str) -> None:
    lines = text.splitlines()
    assert lines[1] == "Of 6 objectives: 1 missed, 2 undecided, 3 met."
    assert lines[3].split() == ["OBJECTIVE", "TARGET", "VALUE", "95", "%", "INTERVAL", "VERDICT"]
    assert lines[5].split() == ["platform", "p99", "<", "200", "ms", "109", "ms", "[104,", "115]", "ms", "met"]
    assert lines[-1].strip() == fixture.summary().command


def test_nothing_that_decides_is_left_out(text: str) -> None:
    joined = " ".join(text.split())
    summary, bill = fixture.summary(), fixture.bill()
    wanted = ["MISSED", "UNDECIDED", "a p99.9 needs 4 h of this load; 65 min were run", "p95 5.6 s 19.5 s"]
    wanted += ["2 of 20 episodes never came back: metastable", "[1.2, 31.7] %", "4,756.78", "99.991 %"]
    wanted += ["waiting for db_connections 14 %", "1,203,117", "<= 0.00025 %", "execution 1712 of replication 3"]
    wanted += [f"WARNING {warning}" for warning in summary.warnings]
    wanted += [*bill.not_priced, *(item.item for item in bill.items)]
    wanted += [f"{item.source}, {item.price.source.date}" for item in bill.items]
    wanted += ["1,108.37", "-500.37"]
    assert [one for one in wanted if one not in joined] == []


def test_a_run_with_nothing_declared_says_so_and_no_more() -> None:
    text = as_text(blocks(fixture.bare(), None))
    assert "The scenario declares no objectives, so nothing is judged." in text
    assert len(text.splitlines()) == 5


def test_levels_that_differ_are_told_one_by_one() -> None:
    one, other = fixture.objectives()[:2]
    other = replace(other, figure=replace(other.figure, confidence=0.99))
    text = as_text(blocks(replace(fixture.bare(), objectives=(one, other)), None))
    assert "  INTERVAL" in text
    assert "[49.8, 50.2]/s (95 %)" in text
    assert "[104, 115] ms (99 %)" in text


def test_a_scenario_cannot_steer_the_terminal() -> None:
    attack = "\x1b[2J\x1b]0;owned\x07\r\u202e"
    summary = replace(fixture.summary(), name=attack, command=attack, warnings=(attack,))
    assert not any(character in as_text(blocks(summary, None)) for character in "\x1b\x07\r\u202e")


def test_a_long_name_gets_a_line_of_its_own() -> None:
    name = "w" * 90
    lines = grid([("PLACE", "mean", "p99"), (name, "1.5 s", "2.25 s"), ("db", "1 s", "2 s")], width=100)
    assert lines[1] == name
    assert lines[2].split() == ["1.5", "s", "2.25", "s"]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("figure", "value", "interval", "margin"),
    [
        (Figure(0.182, "s", 0.176, 0.189, 0.95, 20), "182 ms", "[176, 189] ms", "+-3.8 %"),
        (Figure(0.999912, "ratio", 0.999909, 0.999915, 0.95, 9), "99.9912 %", "[99.9909, 99.9915] %", "+-<0.1 %"),
        (Figure(4873, "USD/month", 4846, 4901, 0.95, 9), "4,873 USD/month", "[4,846, 4,901] USD/month", "+-0.6 %"),
        (Figure(50.0, "1/s", 40.0, 60.0, 0.95, 9), "50/s", "[40, 60]/s", "+-20 %"),
        (Figure.exact(3, ""), "3", "exact", ""),
        (Figure.refused("s", "too short"), "refused", "", ""),
        (Figure(1.0, "s", 0.5, None, 0.95, 9), "1 s", ">= 500 ms", ""),
        (Figure(0.0, "ratio", None, 0.15, 0.95, 20), "0 %", "<= 15 %", ""),
        (Figure(float("inf"), "s", 60.0, float("inf"), 0.95, 20), "never", ">= 60 s", ""),
        (Figure(12.0, "s"), "12 s", "", ""),
    ],
)
def test_a_figure_is_printed_with_unit_and_interval(figure: Figure, value: str, interval: str, margin: str) -> None:
    assert (value_of(figure), interval_of(figure), margin_of(figure)) == (value, interval, margin)


def test_an_interval_over_two_units_names_both() -> None:
    assert bracket("950 ms", "1.2 s") == "[950 ms, 1.2 s]"


@pytest.mark.parametrize(
    ("usd", "printed"), [(1108.37, "1,108.37"), (0.25622, "0.2562"), (0.0000005, "0.0000005"), (0.0, "0.00")]
)
def test_a_price_keeps_its_cents_and_small_ones_their_digits(usd: float, printed: str) -> None:
    assert price_of(usd) == printed


def test_states_are_told_in_words() -> None:
    states = ["wait.db", "service.cpu", "opening.db", "blocked.a", "timer", "lost", "rest"]
    assert [state_of(state) for state in states] == [
        *("waiting for db", "service at cpu", "opening connections of db", "blocked after a"),
        *("timers", "lost work", "rest"),
    ]


@pytest.mark.parametrize(
    ("target", "unit", "bound"),
    [
        ("< 200 ms", "s", TargetBound("below", 0.2)),
        (">= 99.99 %", "ratio", TargetBound("above", 0.9999)),
        ("≤ 6,000 USD/month", "USD/month", TargetBound("below", 6000.0)),
        ("> 49.5/s", "1/s", TargetBound("above", 49.5)),
        ("<= 3", "", TargetBound("below", 3.0)),
        ("< 1.2", "ratio", TargetBound("below", 1.2)),
        ("soon", "s", None),
        ("< soon", "s", None),
        ("", "s", None),
    ],
)
def test_the_bound_of_an_objective_is_read_where_it_can_be(target: str, unit: str, bound: TargetBound | None) -> None:
    found = bound_of(target, unit)
    assert (found and found.side) == (bound and bound.side)
    assert (found and found.value) == pytest.approx(bound and bound.value)


def test_a_line_never_breaks_before_a_percent_sign() -> None:
    assert paragraph("waiting 14 % of it", width=11) == ["waiting", "14 % of it"]


def test_the_headline_counts_apart_what_the_wider_interval_could_turn() -> None:
    summary = fixture.summary()
    first, *rest = summary.objectives
    turned = replace(summary, objectives=(replace(first, verdict="met", fragile=True), *rest))
    met = sum(one.verdict == "met" for one in turned.objectives)
    assert f"{met} met (of these 1 met ?)" in headline_of(turned)
