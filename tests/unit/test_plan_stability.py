"""A study of stability on systems whose answer is known without chance.

Goal: what is tried, counted and refused is what was asked for. Method: constant times, so that one episode tells all.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.errors import InputErrors
from sim.lower.load import load
from sim.report.page import page
from sim.report.text import text as as_text
from sim.stats.threshold import Threshold, Tried
from sim.studies.stability.at_load import overloaded, shares
from sim.studies.stability.blocks import band_of, between, blocks, document, headline_of, trigger_of
from sim.studies.stability.records import StabilityOptions
from sim.studies.stability.study import foreseen, overloaded_from, stability

QUEUE = """
name: a queue
network:
  sources: {jobs: {routine: job, arrivals: {renewal: 100 ms}}}
  stations: {server: {servers: 1, service: 50 ms}}
  routines: {job: [{use: server}]}
  faults:
    pause: {targets: [{group: server}], effect: pause, at: 10 s, duration: 5 s}
    for_ever: {targets: [{group: server}], effect: pause, at: 10 s}
run: {drill_window: 30 s}
mitigations: {faster: {network.stations.server.service: 25 ms}}
"""


def options(fault: str = "pause", **changes: object) -> StabilityOptions:
    given = {"fault": fault, "episodes": 2, "error": 0.2, "processes": 1, **changes}
    return StabilityOptions(**given)  # type: ignore[arg-type]


def test_a_backlog_is_dealt_out_in_proportion_and_enters_no_figure() -> None:
    assert shares({"a": 1.0, "b": 1.0, "c": 1.0}, 10) == {"a": 4, "b": 3, "c": 3}
    assert sum(shares({"a": 0.7, "b": 0.2, "c": 0.1}, 7).values()) == 7
    network = load(QUEUE).lowered.network
    begun = overloaded(network, 12)
    assert list(begun.sources) == ["jobs", "backlog-of-job"]
    assert begun.sources["backlog-of-job"].counted is False
    assert network.sources.keys() == {"jobs"}


def test_a_queue_with_room_comes_back_and_a_full_one_does_not() -> None:
    # After 5 s of pause 50 jobs wait; at half load the server gains 10 a second and is done after 5 s.
    found = stability(load(QUEUE), options(low=1.0, high=1.0))
    assert found.as_it_is.back.value == 1.0
    assert found.as_it_is.band is None
    assert found.backlog == 50
    assert [one.factor for one in found.starts] == [1.0]
    assert found.starts[0].differ is False
    full = stability(load(QUEUE), options(low=2.0, high=2.0))
    assert full.as_it_is.back.value == 0.0
    assert full.as_it_is.draining == 0


def test_the_search_ends_where_the_room_does() -> None:
    # At factor f the server gains 20 - 10 f a second on a backlog of 50 f, which takes the limit of 30 s at 1.714, and
    # a window less, to which it is told, at 1.692.
    found = stability(load(QUEUE), options(low=1.0, high=2.5, within=0.1))
    band = found.as_it_is.band
    assert band is not None
    assert band.permanent.below is not None
    assert band.permanent.above is not None
    assert band.permanent.below <= 1.715
    assert band.permanent.above >= 1.692
    assert band.permanent.above - band.permanent.below <= 0.1 + 1e-9
    # Beyond 2 the server is busy all the time; a fiftieth more is needed to tell.
    assert band.alone.below is not None
    assert band.alone.above is not None
    assert band.alone.above >= 2.0
    assert band.alone.below <= 2.04
    assert band.estimate == pytest.approx(2.0, rel=0.01)
    assert band.good == pytest.approx(1.0, abs=0.05)


def test_a_mitigation_is_tried_at_the_given_load_and_searched_for_when_asked() -> None:
    found = stability(load(QUEUE), options(low=2.0, high=2.0))
    (faster,) = found.mitigations
    assert faster.mitigation == "faster"
    assert faster.settings == ("network.stations.server.service=25 ms",)
    assert faster.back.value == 1.0
    assert "it always comes back with faster" in headline_of(found)
    swept = stability(load(QUEUE), options(low=1.0, high=2.5, within=0.5, sweep_mitigations=True))
    assert swept.mitigations[0].band is not None
    assert swept.mitigations[0].band.permanent.above is None


def test_a_declared_backlog_is_taken_and_the_number_of_runs_is_about_what_was_told() -> None:
    requested = options(low=0.5, high=1.5, backlog=7)
    found = stability(load(QUEUE), requested)
    assert found.backlog == 7
    assert found.runs <= 2 * foreseen(load(QUEUE), requested)
    assert foreseen(load(QUEUE), requested) <= 3 * found.runs


def test_the_closed_form_finds_the_load_that_is_overloaded_from_or_none() -> None:
    assert overloaded_from(load(QUEUE), 1.5) == pytest.approx(2.0, rel=0.01)
    assert overloaded_from(load(QUEUE), 0.4) is None


@pytest.mark.parametrize(
    ("fault", "text", "message"),
    [
        ("pose", QUEUE, "is no fault of this scenario"),
        ("for_ever", QUEUE, "never ends by itself"),
        ("pause", QUEUE.replace("drill_window: 30 s", "drill_window: 30 s, finite: true"), "only a load that goes on"),
    ],
)
def test_what_cannot_be_watched_is_refused(fault: str, text: str, message: str) -> None:
    with pytest.raises(InputErrors) as raised:
        stability(load(text), options(fault))
    assert message in str(raised.value)


def test_a_mitigation_that_takes_the_fault_away_is_refused() -> None:
    text = QUEUE.replace("faster: {network.stations.server.service: 25 ms}", "none: {network.faults: {}}")
    with pytest.raises(InputErrors, match="takes the fault pause away"):
        stability(load(text), options(low=1.0, high=1.0))


def test_a_threshold_is_told_in_words_whichever_end_is_open() -> None:
    ends = (Tried(0.5, 0, 5, False), Tried(1.5, 0, 5, False))
    assert between(Threshold(0.8, 0.85, ends, 0.05)) == "0.8 and 0.85"
    assert between(Threshold(1.5, None, ends, 0.05)) == "not up to 1.5"
    assert between(Threshold(None, 0.5, ends, 0.05)) == "already at 0.5"
    assert between(Threshold(0.5, None, ends, 0.05)) == "from 0.5 on not known"
    assert between(Threshold(None, 1.0, ends, 0.05)) == "up to 1; below not known"
    assert between(Threshold(None, None, ends, 0.05)) == "not known"


def test_text_page_and_document_tell_the_same() -> None:
    found = stability(load(QUEUE), options(low=1.0, high=2.5, within=0.5))
    text, html, data = as_text(blocks(found, "sim x")), page(blocks(found, "sim x")), document(found)
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "AFTER THE TRIGGER" in text
    assert "TWO STARTS" in text
    assert headline_of(found) in html
    assert data["as_it_is"]["back"]["value"] == found.as_it_is.back.value
    assert [one["load"] for one in data["starts"]] == [one.factor for one in found.starts]


def test_what_is_on_its_way_at_the_limit_is_called_slow_and_not_metastable() -> None:
    band = stability(load(QUEUE), options(low=1.0, high=2.5, within=0.1)).as_it_is.band
    assert band is not None
    assert band.is_slow
    assert "slow rather than metastable" in band_of(band)
    stuck = replace(band, draining=0)
    assert "it is metastable" in band_of(stuck)
    never = replace(band, permanent=Threshold(2.5, None, (), 0.05))
    assert "no load was found at which the fault is permanent" in band_of(never)


def test_a_fault_that_comes_at_random_begins_when_the_run_has_settled() -> None:
    text = QUEUE.replace("pause, at: 10 s, duration: 5 s", "pause, mttf: 1 day, duration: 5 s")
    text = text.replace("drill_window: 30 s", "drill_window: 30 s, warmup: 10 s")
    found = stability(load(text), options(low=1, high=1))
    assert found.begin_s is None
    assert found.backlog == 50
    assert found.as_it_is.back.value == 1.0
    assert found.as_it_is.recovery.at_s.value == 10.0
    assert "at a random phase of the load" in trigger_of(found)


def test_a_random_fault_of_a_cyclic_load_begins_at_any_phase_and_that_cycles_matter_is_told() -> None:
    text = QUEUE.replace("pause, at: 10 s, duration: 5 s", "pause, mttf: 1 day, duration: 5 s").replace(
        "{renewal: 100 ms}",
        "{poisson: 10/s, profile: {period: 40 s, points: [{at: 0 s, factor: 1}, {at: 20 s, factor: 0.5}]}}",
    )
    found = stability(load(text), options(low=1, high=1, episodes=3))
    assert 40.0 <= (found.as_it_is.recovery.at_s.value or 0) < 80.0
    assert any("no whole cycles" in note for note in found.notes)


def test_a_load_spike_is_a_trigger_like_any_other() -> None:
    # 5 s of 50 f jobs a second more, of which 20 - 10 f a second are done meanwhile: a backlog of (60 f - 20) x 5,
    # gone after 20 s at the given load and after 70 s at 1.5 times it.
    text = QUEUE.replace(
        "{jobs: {routine: job, arrivals: {renewal: 100 ms}}}",
        "{jobs: {routine: job, arrivals: {renewal: 100 ms}}, "
        "more: {routine: job, arrivals: {renewal: 20 ms}, during: pause}}",
    ).replace(
        "{targets: [{group: server}], effect: pause, at: 10 s, duration: 5 s}",
        "{effect: load, at: 10 s, duration: 5 s}",
    )
    text = text.replace("mitigations: {faster: {network.stations.server.service: 25 ms}}", "")
    once, more = (stability(load(text), options(low=factor, high=factor)) for factor in (1.0, 1.5))
    assert once.backlog == pytest.approx(200, abs=3)
    assert once.as_it_is.back.value == 1.0
    assert more.backlog == pytest.approx(350, abs=3)
    assert more.as_it_is.back.value == 0.0
    assert more.as_it_is.draining == 2


def test_what_is_little_at_the_lowest_load_and_a_length_that_varies_are_told() -> None:
    text = QUEUE.replace("duration: 5 s", "duration: {uniform: [4 s, 5 s]}", 1).replace(
        "job: [{use: server}]", "job: [{use: server}, {fail: unlucky, probability: 50 %}]"
    )
    found = stability(load(text), options(low=1.0, high=2.5, within=1.0))
    assert "for at most 4.99 s in 99 of 100 episodes" in trigger_of(found)
    assert any("is taken for a load that is carried" in note for note in found.notes)
    assert found.as_it_is.back.value == 1.0
