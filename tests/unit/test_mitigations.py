"""Mitigations of a scenario: what each changes, that it is what `--set` would do, and where a wrong one is told.

What else a mitigation may have wrong is in tests/invalid/scenario/mitigations_that_do_not_fit.yaml.
"""

from __future__ import annotations

import pytest

from sim.errors import InputErrors
from sim.lower.load import load, mitigated
from sim.scenario.reading.edit import as_assignments
from sim.units.tables import SECOND

MITIGATIONS = """\
mitigations:
  faster: {network.stations.server.service: {exponential: 50 ms}}
  rested: {network.routines.job.1.delay: 2 s, network.stations.server.queue_limit: 7}
"""
QUEUE = """\
name: queue
network:
  sources: {jobs: {routine: job, arrivals: 5/s}}
  stations: {server: {servers: 1, service: {exponential: 100 ms}}}
  routines: {job: [{use: server}, {delay: 1 s}]}
"""
SICK = MITIGATIONS + QUEUE


def told(text: str, *sets: str) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        load(text, sets)
    return [f"{one.file}:{one.line}:{one.column} {one.path} {one.message}" for one in caught.value.problems]


def test_a_mitigated_scenario_is_the_one_that_its_settings_make_by_hand() -> None:
    sick = load(SICK)
    for name, mitigation in sick.scenario.mitigations.items():
        by_hand = load(QUEUE, as_assignments(mitigation))
        assert mitigated(sick, name).scenario == by_hand.scenario
        assert mitigated(sick, name).lowered == by_hand.lowered
        assert mitigated(sick, name).hash == by_hand.hash == load(SICK, mitigation=name).hash
        assert by_hand.hash != load(QUEUE).hash


def test_mitigations_change_nothing_of_the_scenario_that_they_stand_in() -> None:
    sick = load(SICK)
    mitigated(sick, "rested")
    assert sick.lowered == load(QUEUE).lowered
    assert sick.scenario.model_copy(update={"mitigations": {}}) == load(QUEUE).scenario


def test_a_mitigation_is_taken_beside_what_is_set_by_hand_and_wins_over_it() -> None:
    sets = ["network.routines.job.1.delay=9 s", "network.sources.jobs.arrivals=1/s"]
    network = mitigated(load(SICK, sets), "rested").lowered.network
    assert network == load(SICK, sets[1:], "rested").lowered.network
    assert network.sources["jobs"].arrivals.poisson_per_s == 1  # type: ignore[union-attr]
    assert str(2 * SECOND) in str(network.routines["job"])


def test_what_a_mitigation_says_already_by_hand_is_no_mistake() -> None:
    assert mitigated(load(SICK, ["network.stations.server.service={exponential: 50 ms}"]), "faster")


def test_an_unknown_mitigation_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputErrors, match=r"has no `fastr`\n    did you mean `faster`\?"):
        mitigated(load(SICK), "fastr")
    with pytest.raises(InputErrors, match=r"has no `x`\n    mitigations there: none"):
        load(QUEUE, mitigation="x")


def test_a_wrong_mitigation_is_told_at_its_place_and_one_given_by_hand_at_its_assignment() -> None:
    wrong = SICK.replace("50 ms", "50")
    assert told(wrong) == [
        "scenario:2:59 mitigations.faster.network.stations.server.service.exponential is 50 without a unit; a "
        "duration is expected"
    ]
    given = "mitigations={other: {network.stations.server.servers: none}}"
    assert told(QUEUE, given) == [
        f"--set {given}:0:0 mitigations.other.network.stations.server.servers is 'none'; a whole number is expected"
    ]


def test_a_mitigation_may_take_back_what_the_file_says() -> None:
    limited = QUEUE.replace("servers: 1,", "servers: 1, queue_limit: 3,")
    free = load(limited + "mitigations: {free: {network.stations.server.queue_limit: null}}\n", mitigation="free")
    assert free.lowered == load(QUEUE).lowered
