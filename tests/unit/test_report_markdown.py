"""A report as Markdown: the figures of the page, whole tables, and no mark that a scenario has put there.

Method: the prediction of the report's fixture, and an attack in place of its names.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_fixture as fixture

from sim.report.markdown import markdown
from sim.studies.run.blocks import blocks


@pytest.fixture(scope="module")
def told() -> str:
    return markdown(blocks(fixture.summary(), fixture.bill()))


def test_it_opens_with_its_name_and_has_a_heading_for_each_section_with_more_than_charts(told: str) -> None:
    assert told.startswith("# coinbase-transfers\n")
    headings = [line.removeprefix("## ") for line in told.splitlines() if line.startswith("## ")]
    assert headings[0] == "Of 6 objectives: 1 missed, 2 undecided, 3 met"
    assert headings[1:] == [
        *("Recovery", "Where the time goes", "Monitors", "Bill", "Metrics", "Assumptions", "Repeat it")
    ]


def test_each_row_of_a_table_has_as_many_cells_as_its_head(told: str) -> None:
    tables = [part.splitlines() for part in told.split("\n\n") if part.startswith("| ")]
    assert len(tables) > 8
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1, table[0]


def test_figures_verdicts_and_the_command_are_there(told: str) -> None:
    for words in ("✗ MISSED", "109 ms<br>\\[104, 115\\] ms", "4,756.78", fixture.summary().command, "> **WARNING** "):
        assert words in told


def test_a_scenario_cannot_put_marks_or_elements_into_it() -> None:
    attack = "x</details><script>alert(1)</script>|# *a* [b](http://c.example)"
    summary = replace(fixture.summary(), name=attack, warnings=(attack,))
    attacked = markdown(blocks(summary, None))
    assert "<script" not in attacked.replace("\\<script", "")
    assert "](http" not in attacked.replace("\\](http", "")
