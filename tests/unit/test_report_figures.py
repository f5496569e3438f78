"""The charts: what is drawn where, read from plotly's own description of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_fixture as fixture

from sim.report import figures, tables
from sim.stats.summary import Split


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, "relative luminance")."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_line_stands_out_on_both_backgrounds(theme: str) -> None:
    ground = figures.THEMES[theme]["layout"]["hoverlabel"]["bgcolor"]
    assert [colour for colour in (*tables.COLOURS, figures.FAULT) if contrast(colour, ground) < 3] == []
    assert contrast(figures.THEMES[theme]["layout"]["font"]["color"], ground) >= 7
    assert contrast(figures.THEMES[theme]["layout"]["xaxis"]["tickfont"]["color"], ground) >= 4.5


def test_the_latency_curve_puts_each_nine_one_step_further() -> None:
    figure = figures.latency_curves(fixture.curves(), fixture.objectives())
    assert figure.layout.xaxis.tickvals[1:4] == (1.0, 2.0, 3.0)
    assert figure.layout.xaxis.ticktext[1:4] == ("90 %", "99 %", "99.9 %")
    assert figure.layout.yaxis.type == "log"


def test_an_objective_on_a_percentile_is_marked_at_its_bound() -> None:
    figure = figures.latency_curves(fixture.curves(), fixture.objectives())
    (marks,) = (trace for trace in figure.data if trace.name == "objective")
    # Of all objectives only the platform's p99 is on a curve: 99 % is at 2, the bound 200 ms.
    assert list(zip(marks.x, marks.y, strict=True)) == [(2.0, 0.2)]


def test_a_band_is_drawn_for_each_line_and_no_line_twice() -> None:
    figure = figures.latency_curves(fixture.curves())
    named = [trace.name for trace in figure.data if trace.name]
    assert named == ["latency.transfer", "span.platform"]
    assert sum(trace.fill == "tonexty" for trace in figure.data) == 2


def test_the_fault_is_shaded_from_its_begin_to_its_end() -> None:
    base, drill, _ = fixture.timelines()
    (family, *_) = tables.families([base, drill], 5)
    figure = figures.timeline(drill, family, 3600.0)
    (shade,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (shade.x0, shade.x1) == (20.0, 21.0)  # minutes
    assert figure.layout.annotations[0].text == "▼ worker_crash"
    assert figures.timeline(base, family, 3600.0).layout.shapes == ()


def test_a_fault_without_an_end_lasts_to_the_end_of_the_run() -> None:
    drill = replace(fixture.timelines()[1], end_s=None)
    (family, *_) = tables.families([drill], 5)
    figure = figures.timeline(drill, family, 3600.0)
    (shade,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    assert shade.x1 == 60.0


def test_base_and_drill_are_drawn_to_one_scale_in_the_same_colours() -> None:
    lines = fixture.timelines()
    for family in tables.families(lines, 5):
        drawn = [figures.timeline(line, family, 3600.0) for line in lines]
        assert len({figure.layout.yaxis.range for figure in drawn}) == 1
        looks = [{(t.name, t.line.color, t.line.dash) for t in figure.data if t.name} for figure in drawn]
        assert looks[0] == looks[1] == looks[2]


def test_of_many_series_the_highest_are_drawn_and_the_others_counted() -> None:
    lines = fixture.timelines()
    found = {family.kind: family for family in tables.families(lines, 1)}
    assert list(found) == ["in_flight", "queue", "completions"]
    assert found["queue"].names == ("queue.db_connections",)
    assert found["queue"].left_out == 1  # worker_slots; history is empty throughout
    assert found["in_flight"].peak >= max(lines[2].series[0].high)


def test_the_shares_of_a_bar_sum_to_the_whole() -> None:
    figure = figures.where_the_time_goes(fixture.splits())
    for place in range(4):
        assert sum(trace.x[place] for trace in figure.data) == pytest.approx(100, abs=0.05)


def test_the_states_in_the_legend_are_those_in_the_bars_in_their_order() -> None:
    figure = figures.where_the_time_goes(fixture.splits())
    legend = tables.legend(fixture.splits())
    assert [name for name, _, _ in legend] == [trace.name for trace in figure.data]
    assert [colour for _, colour, _ in legend] == [trace.marker.color for trace in figure.data]
    assert len({(colour, striped) for _, colour, striped in legend}) == len(legend)
    assert legend[-1][0] == "rest"


def test_states_beyond_the_largest_are_the_rest() -> None:
    split = Split({f"wait.{n}": float(n) for n in range(1, 11)}, {"wait.3": 60.0, "wait.1": 40.0})
    found = tables.shares(split, 4)
    # By the larger of both shares: 3 (60 % of the tail), 1 (40 %), 10 (10/55), then 9 .. 2.
    assert [share.state for share in found] == ["wait.3", "wait.1", "wait.10", "rest"]
    assert found[-1].mean_s == pytest.approx(55 - 3 - 1 - 10)
    assert sum(share.tail_s for share in found) == pytest.approx(100)


def test_what_a_single_state_hides_is_shown_without_it() -> None:
    hiding = Split({"timer": 180.0, "network": 0.3, "wait.db": 0.1}, {"timer": 700.0, "wait.db": 0.2})
    even = Split({"timer": 0.8, "network": 0.2}, {"timer": 1.0})
    found = tables.with_what_remains({"transfer": hiding, "order": even, "idle": Split({}, {})})
    assert list(found) == ["transfer", "transfer without timers", "order", "idle"]
    assert found["transfer without timers"] == Split({"network": 0.3, "wait.db": 0.1}, {"wait.db": 0.2})


def test_an_empty_split_has_no_shares() -> None:
    assert tables.shares(Split({}, {}), 4) == []
    assert figures.where_the_time_goes({"idle": Split({"timer": 0.0}, {})}).data == ()
