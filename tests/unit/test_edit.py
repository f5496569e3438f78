"""`--set`: what it changes, what it refuses, and that a wrong value is traced to the assignment that brought it."""

from __future__ import annotations

import copy

import pytest
from pydantic import Field

from sim.errors import InputErrors
from sim.scenario.reading.edit import edited
from sim.scenario.reading.reader import parse, validate
from sim.spec import Spec
from sim.units import Cores, Duration, IntRange


class Probe(Spec):
    """A probe."""

    plain_value_is = "every"
    every_ns: Duration
    """Time between two."""


class Pool(Spec):
    """A pool."""

    replicas: IntRange
    """Pods."""

    cpu_cores: Cores = 1.0
    """Cores."""

    probe: Probe | None = None
    """Probe."""

    waits_ns: tuple[Duration, ...] = ()
    """Waits."""


class Network(Spec):
    """The network."""

    rtt_ns: Duration = 0
    """Round trip."""


class Shop(Spec):
    """A shop."""

    pools: dict[str, Pool] = Field(default_factory=dict)
    """Pools."""

    network: Network = Network()
    """Network."""


TEXT = """\
pools:
  orders: &pool {replicas: 3, probe: 5 s, waits: [1 s, 2 s]}
  payouts: *pool
"""


def shop(*assignments: str) -> Shop:
    return validate(edited(parse(TEXT, "x.yaml"), assignments, Shop), Shop)


def refusal(*assignments: str) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        shop(*assignments)
    return [f"{one.file} | {one.path} | {one.message} | {one.hint}" for one in caught.value.problems]


def test_a_value_is_set_as_it_would_be_written_in_the_file() -> None:
    changed = shop("pools.orders.replicas=6..18", "pools.orders.cpu=500m", "pools.orders.waits.1=9 s")
    assert changed.pools["orders"].replicas == (6, 18)
    assert changed.pools["orders"].cpu_cores == 0.5
    assert changed.pools["orders"].waits_ns == (1_000_000_000, 9_000_000_000)


def test_a_whole_mapping_or_list_can_be_set() -> None:
    changed = shop("pools.orders.probe={every: 1 min}", "pools.orders.waits=[3 s]", "pools.batch={replicas: 2}")
    assert changed.pools["orders"].probe == Probe(every_ns=60_000_000_000)
    assert changed.pools["orders"].waits_ns == (3_000_000_000,)
    assert changed.pools["batch"].replicas == (2, 2)


def test_a_key_that_the_file_left_out_can_be_set_with_all_that_is_around_it() -> None:
    assert shop("network.rtt=1 ms").network.rtt_ns == 1_000_000


def test_an_empty_value_takes_a_key_back_to_nothing() -> None:
    assert shop("pools.orders.probe=").pools["orders"].probe is None


def test_a_value_may_contain_an_equals_sign() -> None:
    assert "is 'a=b'" in refusal("network.rtt=a=b")[0]


def test_the_last_of_two_assignments_wins() -> None:
    assert shop("network.rtt=1 ms", "network.rtt=2 ms").network.rtt_ns == 2_000_000


def test_what_an_alias_shares_with_another_place_does_not_change_there() -> None:
    changed = shop("pools.orders.waits.0=9 s")
    assert changed.pools["payouts"].waits_ns == (1_000_000_000, 2_000_000_000)


def test_the_document_that_is_edited_stays_as_it_is() -> None:
    document = parse(TEXT, "x.yaml")
    before = copy.deepcopy(document.data)
    edited(document, ["pools.orders.waits.0=9 s"], Shop)
    assert document.data == before
    assert not document.assignments


def test_a_value_that_does_not_fit_is_traced_to_its_assignment_and_the_rest_to_the_file() -> None:
    broken = parse(TEXT.replace("5 s", "5"), "x.yaml")
    with pytest.raises(InputErrors) as caught:
        validate(edited(broken, ["pools.orders.replicas=x", "network.rtt=7"], Shop), Shop)
    assert [(one.file, one.line, one.path) for one in caught.value.problems] == [
        ("x.yaml", 2, "pools.orders.probe"),
        ("x.yaml", 2, "pools.payouts.probe"),
        ("--set pools.orders.replicas=x", 0, "pools.orders.replicas"),
        ("--set network.rtt=7", 0, "network.rtt"),
    ]


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("pools.orders.replica=3", "did you mean `replicas`?"),
        ("pool.orders.replicas=3", "did you mean `pools`?"),
        ("pools.order.replicas=3", "did you mean `orders`?"),
        ("pools.zzz.replicas=3", "keys there: orders, payouts"),
        ("pools.orders.waits.2=3 s", "is not in the list, which has the indexes 0 to 1"),
        ("pools.orders.waits.last=3 s", "is not in the list, which has the indexes 0 to 1"),
        ("pools.orders.probe.every=3 s", "cannot be set: pools.orders.probe is '5 s', which has no parts"),
        ("network.rtt=1:30", "is 90, which YAML made of 1:30"),
        ("network.rtt=off", "is off, which some YAML readers take for false"),
        ("network.rtt=[1 s", "has a bracket that is not closed"),
        ("network={rtt: 1 s, rtt: 2 s}", "is given twice"),
        ("network.rtt", "is no assignment"),
        ("=3", "is no assignment"),
    ],
)
def test_an_assignment_that_cannot_be_made_is_refused_with_what_would_do(assignment: str, words: str) -> None:
    (told,) = refusal(assignment)
    assert told.startswith(f"--set {assignment} | ")
    assert words in told


def test_all_assignments_that_cannot_be_made_are_told_at_once() -> None:
    assert len(refusal("pool.x=1", "network.rtt=1:30", "pools.orders.waits.7=1 s")) == 3
