"""The words of Temporal, Kubernetes and Terraform lead to ours.

Goal: who writes what they know from elsewhere is told what it is called here. Method: every word of the table, in both
spellings, put where ours stands, and at a place where it does not.
"""

from __future__ import annotations

import re

import pytest

from sim.errors import InputErrors
from sim.meant import bare
from sim.scenario.reading.other_words import _TABLE, VALUES, ours_for
from sim.scenario.reading.shape import shape_of
from sim.scenario.scenario import Scenario
from sim.studies.loading.load import load

SHAPE = shape_of(Scenario)
WORDS = [(place, word) for place, words in _TABLE.items() for word in words]

SHOP = """
name: shop
workflows:
  order:
    arrivals: 5/s
    task_queue: orders
    steps:
      - activity: {name: pay, service: 10 ms, retry: {maximum_attempts: 3}}
      - sleep: 10 ms
workers: {orders: {replicas: 2, cpu: 2}}
temporal: {history_shards: 4, history: {replicas: 2, cpu: 2}, sql: {max_conns: 10}}
postgres: {cpu: 4}
"""


def camel(word: str) -> str:
    first, *others = word.split("_")
    return first + "".join(one.capitalize() for one in others)


@pytest.mark.parametrize("place", _TABLE)
def test_each_word_of_ours_stands_where_the_table_says(place: str) -> None:
    path = tuple(place.split("."))
    assert SHAPE.at(path) is not None, place
    around = SHAPE.at(path[:-1])
    assert around is not None
    assert path[-1] in around.keys


@pytest.mark.parametrize(("place", "word"), WORDS, ids=[f"{word} at {place}" for place, word in WORDS])
def test_a_word_of_others_leads_to_ours_in_either_spelling(place: str, word: str) -> None:
    around = SHAPE.at(tuple(place.split("."))[:-1])
    assert around is not None
    for spelt in (word, camel(word), word.replace("_", "-")):
        found = ours_for(SHAPE, around, spelt)
        assert found is not None
        assert found.is_here
        assert found.key in around.keys


def test_a_word_of_others_is_none_of_ours_at_the_same_place() -> None:
    for place, word in WORDS:
        around = SHAPE.at(tuple(place.split("."))[:-1])
        assert around is not None
        same = [key for key in around.keys if bare(key) == bare(word)]
        assert same in ([], [place.split(".")[-1]]), f"{word} is a key at {place}"


def test_values_of_others_are_for_places_that_there_are() -> None:
    for place, _ in VALUES:
        assert SHAPE.at(tuple(place.split("."))) is not None


def problem(text: str) -> str:
    with pytest.raises(InputErrors) as caught:
        load(text)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("ours", "theirs", "hint"),
    [
        ("arrivals: 5/s", "cron: '0 * * * *'", "did you mean `schedule`? write   schedule: {every:"),
        ("sleep: 10 ms", "timer: 10 ms", "did you mean `sleep`?"),
        ("{replicas: 2, cpu: 2}}\ntemporal", "{replicaCount: 2, cpu: 2}}\ntemporal", "did you mean `replicas`?"),
        ("2, cpu: 2}}\nt", "2, cpu: 2, max_concurrent_activities: 5}}\nt", "did you mean `activity_slots`?"),
        ("2, cpu: 2}}\nt", "2, resources: {limits: {cpu: 2}}}}\nt", "did you mean `cpu`?"),
        ("history_shards", "numHistoryShards", "did you mean `history_shards`?"),
        ("sql: {max_conns: 10}", "maxConns: 10", "here it is `temporal.sql.max_conns`"),
        ("postgres: {cpu: 4}", "postgres: {cpu: 4, multi_az: true}", "here it is `postgres.rds.multi_az`"),
        (
            "postgres: {cpu: 4}",
            "postgres: {rds: {class: db.r6g.large, storage: 500 GB, multi_az: true}}",
            "write   multi_az: instance",
        ),
        (
            "postgres: {cpu: 4}",
            "postgres: {rds: {instance_class: db.r6g.large, allocated_storage: 500 GB}}",
            "did you mean `class`?",
        ),
        ("service: 10 ms", "service: 10 ms, startToCloseTimeout: 5 s", "did you mean `start_to_close`?"),
        ("retry: {maximum_attempts", "retryPolicy: {maximumAttempts", "did you mean `retry`?"),
        ("{maximum_attempts", "{maximumAttempts", "did you mean `maximum_attempts`?"),
    ],
)  # fmt: skip
def test_what_others_write_is_answered_with_what_is_written_here(ours: str, theirs: str, hint: str) -> None:
    assert ours in SHOP
    said = problem(SHOP.replace(ours, theirs, 1))
    assert hint in said, said


def test_what_a_hint_says_to_write_can_be_written() -> None:
    said = problem(SHOP.replace("arrivals: 5/s", "cron: '0 * * * *'"))
    found = re.search(r"write {3}(schedule: .*)", said)
    assert found is not None
    load(SHOP.replace("arrivals: 5/s", found[1]))
