"""The page of a drill, as templates/drill.html.j2 lays it out. Its frame is told in `frame`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.files import write_text
from sim.plan.drill import Case, DrillReport
from sim.plan.episode_cost import IN_IT, NOT_IN_IT
from sim.plan.finding import standstill_of
from sim.report import wording
from sim.report.drill_text import AGAINST, PHASES, length_of, pictures_of, time_of
from sim.report.figures import beside_baseline
from sim.report.frame import Chart, add_chart, framed
from sim.stats.episode_picture import Picture


@dataclass(frozen=True, slots=True)
class Shown:
    """An episode on the page: what it is, and its charts, one for each quantity."""

    title: str
    charts: tuple[Chart, ...]


def write_drill(path: Path, report: DrillReport) -> None:
    """Writes the page of a drill to `path`."""
    write_text(path, render(report))


def render(report: DrillReport) -> str:
    """The page as text."""
    charts: list[Chart] = []
    context = {
        "report": report,
        "findings": [f"{standstill_of(one)}." for one in report.standstills],
        "length": length_of(report),
        "time_of": time_of,
        "phases": PHASES,
        "against": AGAINST,
        "losses": wording.LOSSES,
        "in_it": IN_IT,
        "not_in_it": NOT_IN_IT,
        "shown": [(case, [_shown(case, *one, charts) for one in pictures_of(case)]) for case in report.cases],
    }
    return framed("drill.html.j2", context, charts)


def _shown(case: Case, label: str, picture: Picture, charts: list[Chart]) -> Shown:
    title = f"{label[0].upper()}{label[1:]}, replication {picture.replication}"
    drawn = tuple(
        add_chart(charts, f"{line.name} over time, {case.name}, {label}", beside_baseline(picture, line))
        for line in picture.lines
    )
    return Shown(title, drawn)
