"""The records of the kernel's memory: no two fields share a word, masks share no bit, mistakes are refused."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from sim.engine.fast import layout
from sim.engine.fast.layout.record import (
    Declared,
    Numbers,
    Record,
    fixed,
    inside,
    number,
    rest,
    size_here,
    word,
    words,
)

DECLARED = [one for one in vars(layout).values() if isinstance(one, Declared) and one not in (Record, Numbers)]
RECORDS = [one for one in DECLARED if issubclass(one, Record)]


def test_every_record_is_known() -> None:
    assert {"Header", "Job", "Grant", "Place", "Source", "AttemptStep"} <= {record.__name__ for record in RECORDS}
    assert len(RECORDS) > 50


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_no_two_fields_of_a_record_overlap_and_it_holds_them_all(record: Any) -> None:
    fields = dict(record.FIELDS)
    for (one, here), (other, there) in combinations(fields.items(), 2):
        assert not set(here) & set(there), f"{record.__name__}.{one} and .{other}"
    assert sorted(word for field in fields.values() for word in field) == list(range(record.SIZE))
    assert {name: getattr(record, name) for name in fields} == {name: field.start for name, field in fields.items()}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_begins_with_the_fields_of_the_one_that_it_is_derived_from(record: Any) -> None:
    (base,) = record.__bases__
    assert list(record.FIELDS.items())[: len(base.FIELDS)] == list(base.FIELDS.items())


def test_numbers_count_from_0_and_fit_the_bits_they_have() -> None:
    assert layout.CircuitState.NAMES == ("CLOSED", "HALF_OPEN", "OPEN")
    assert (layout.CircuitState.CLOSED, layout.CircuitState.HALF_OPEN, layout.CircuitState.OPEN) == (0, 1, 2)
    assert len(layout.Due.NAMES) <= layout.Timer.DUE_MASK + 1
    assert len(layout.Wait.NAMES) <= layout.Job.WAIT_MASK + 1
    assert layout.ERRORS_BUILT_IN[layout.Failure.NOT_HELD] == "not_held"
    assert (
        layout.ERRORS_BUILT_IN[layout.Failure.TIMEOUT_START_TO_CLOSE + layout.Timeout.HEARTBEAT] == "timeout_heartbeat"
    )


def test_the_parts_of_a_word_share_no_bit() -> None:
    job, grant, timer = layout.Job, layout.Grant, layout.Timer
    source, wait = ((1 << 11) - 1) << job.SOURCE_SHIFT, job.WAIT_MASK << job.WAIT_SHIFT
    flags = job.COHORT, job.DROPPED, job.ENDED, job.WOKEN, job.RUNNING_HERE
    state = (layout.LOW, wait, job.STALE_MASK, job.PENDING_MASK, *flags, source)
    flags = grant.IN_QUEUE, grant.CHOSE, grant.WAITED, grant.OPENS, grant.IN_SERVICE, grant.KEPT, grant.WAS_GRANTED
    node = (grant.NODE_MASK, grant.WANTED_MASK, *flags)
    element, kind = ((1 << 24) - 1) << timer.ELEMENT_SHIFT, 7 << timer.KIND_SHIFT
    key = (timer.SLOT_MASK, timer.DUE_MASK << timer.DUE_SHIFT, element, kind)
    for parts in (state, node, key):
        for one, other in combinations(parts, 2):
            assert one & other == 0, (hex(one), hex(other))
    assert timer.FAR & timer.SLOT_MASK == timer.FAR != timer.NOT_SET


def test_offsets_are_assigned_in_the_order_of_the_declaration() -> None:
    class Pair(Record):
        LEFT = word()
        RIGHT = word()

    class Whole(Pair):
        AREA = words(2)
        SHORT = size_here()
        PAIR = inside(Pair)
        KIND = fixed()
        TAIL = rest()

    assert (Pair.LEFT, Pair.RIGHT, Pair.SIZE) == (0, 1, 2)
    assert (Whole.LEFT, Whole.RIGHT, Whole.AREA, Whole.SHORT, Whole.PAIR) == (0, 1, 2, 4, 4)
    assert (Whole.KIND, Whole.TAIL, Whole.SIZE) == (6, 7, 7)


def test_mistakes_in_a_declaration_are_refused() -> None:
    with pytest.raises(TypeError, match="FIELD is declared twice"):

        class Twice(Record):
            FIELD = word()
            FIELD = word()  # noqa: PIE794

    with pytest.raises(TypeError, match="VISIT is declared twice"):

        class Above(layout.Timer):
            VISIT = word()

    with pytest.raises(TypeError, match="LATE comes behind a field that has no end"):

        class Open(Record):
            TAIL = rest()
            LATE = word()

    class Kind(Numbers):
        ONE = number()

    with pytest.raises(AttributeError, match=r"Kind\.ONE is a constant"):
        Kind.ONE = 3
