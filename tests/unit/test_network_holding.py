"""Who waits for whom follows from the routines: what is asked for while units of another place are held."""

from __future__ import annotations

import yaml

from sim.network import Network
from sim.network.holding import Holding, holding

PLACES = """
sources: {jobs: {routine: job, arrivals: 1/s}}
resources: {slots: {units: 1}, pollers: {units: 1}, shards: {units: 1}, side: {units: 1}}
stations: {wal: {kind: group_commit, flush: 1 ms}, cpu: {cores: 1, service: 1 ms}}
routines:
"""


def held(routines: str) -> Holding:
    return holding(Network.model_validate(yaml.safe_load(PLACES + routines)))


def test_places_asked_for_while_another_is_held_are_within_it_through_calls_too() -> None:
    found = held(
        """
  job: [{acquire: slots}, {acquire: pollers}, {call: write}, {release: pollers}, {use: cpu}]
  write: [{acquire: shards}, {use: wal}, {release: shards}]
"""
    )
    assert found.inner["pollers"] == {"shards", "wal"}
    assert found.inner["slots"] == {"pollers", "shards", "wal", "cpu"}
    assert found.behind("wal") == {"shards", "pollers", "slots"}
    assert found.within("shards") == {"wal"}
    assert found.visited["job"] == {"slots", "pollers", "shards", "wal", "cpu"}


def test_what_has_been_given_back_waits_for_nothing() -> None:
    found = held("\n  job: [{acquire: slots}, {release: slots}, {use: cpu}]\n")
    assert "slots" not in found.inner


def test_a_parent_waits_for_what_its_children_wait_for_unless_nobody_awaits_them() -> None:
    fork = "\n  job: [{acquire: slots}, {fork: {branches: [[{use: cpu}]], join: %s}}]\n"
    assert held(fork % "all").inner["slots"] == {"cpu"}
    assert "slots" not in held(fork % 0).inner


def test_the_way_round_of_one_who_lost_patience_does_not_hold_what_he_did_not_get() -> None:
    found = held("\n  job: [{acquire: {resource: slots, patience: 1 s, otherwise: [{use: cpu}]}}, {use: wal}]\n")
    assert found.inner["slots"] == {"wal"}


def test_a_routine_that_calls_itself_ends() -> None:
    found = held(
        "\n  job: [{acquire: slots}, {branch: [{probability: 10 %, steps: [{call: job}]}, {}]}, {use: cpu}]\n"
    )
    assert found.inner["slots"] == {"cpu"}
