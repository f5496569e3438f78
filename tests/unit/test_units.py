"""Quantities: what is accepted, that nothing is lost on the way, and that a refusal says what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Tag, TypeAdapter, ValidationError

import sim.units as units
from sim.spec import Spec, chosen_by_key, key_of
from sim.units import (
    DAY,
    HOUR,
    HOURS_PER_MONTH,
    MINUTE,
    MONTH,
    SECOND,
    WEEK,
    YEAR,
    Duration,
    Mistake,
    PositiveDuration,
    Quantity,
    Rate,
    Ratio,
    UsdPerMonth,
)


def test_a_month_is_730_hours_and_twelve_of_them_are_a_year_of_365_days() -> None:
    assert HOURS_PER_MONTH == 730
    assert MONTH == 730 * HOUR
    assert YEAR == 365 * DAY


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250 ms", 250_000_000),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("0.1 s", 100_000_000),
        ("2 min", 2 * MINUTE),
        ("1m", MINUTE),
        ("1 h", HOUR),
        ("3 days", 3 * DAY),
        ("1 week", WEEK),
        ("1 month", MONTH),
        ("2 years", 2 * YEAR),
        ("1h30m", 90 * MINUTE),
        ("1 h 30 min 5 s", 90 * MINUTE + 5 * SECOND),
        ("7 µs", 7_000),
        ("1e3 s", 1000 * SECOND),
        ("10,000 s", 10_000 * SECOND),
        ("5 Minutes", 5 * MINUTE),
        ("1.5 ns", 2),  # rounds, half to even
        ("2.5 ns", 2),
        (0, 0),
        ("0", 0),
    ],
)
def test_a_duration_is_exact_nanoseconds(text: object, ns: int) -> None:
    assert units.parse_duration_ns(text) == ns


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.parse_rate_per_s, "50/s", 50.0),
        (units.parse_rate_per_s, "1000 /s", 1000.0),
        (units.parse_rate_per_s, "2/min", 2 / 60),
        (units.parse_rate_per_s, "10/h", 10 / 3600),
        (units.parse_rate_per_s, "2 per week", 2 / 604_800),
        (units.parse_rate_per_s, "2/year", 2 / (365 * 86_400)),
        (units.parse_rate_per_s, "3 k/s", 3000.0),
        (units.parse_ratio, "99.99 %", 0.9999),
        (units.parse_ratio, "65%", 0.65),
        (units.parse_ratio, 0.5, 0.5),
        (units.parse_ratio, 1, 1.0),
        (units.parse_signed_duration_ns, "+30 s", 30 * SECOND),
        (units.parse_signed_duration_ns, "- 1 min 30 s", -90 * SECOND),
        (units.parse_signed_duration_ns, "250 ms", 250_000_000),
        (units.parse_bytes, "32 GiB", 32 * 2**30),
        (units.parse_bytes, "500 MB", 500_000_000),
        (units.parse_bytes, "2 KiB", 2048),
        (units.parse_bytes, "8Gi", 8 * 2**30),
        (units.parse_bytes_per_s, "500 MB/s", 5e8),
        (units.parse_bytes_per_s, "10 Gbit/s", 1.25e9),
        (units.parse_bytes_per_s, "10 Gbps", 1.25e9),
        (units.parse_cores, "8 vCPU", 8.0),
        (units.parse_cores, "8", 8.0),
        (units.parse_cores, 0.5, 0.5),
        (units.parse_cores, "500m", 0.5),
        (units.parse_count, "10,000", 10_000),
        (units.parse_count, "10_000", 10_000),
        (units.parse_count, "300k", 300_000),
        (units.parse_count, 1e6, 1_000_000),
        (units.parse_count, "4 million", 4_000_000),
        (units.parse_int_range, "6..18", (6, 18)),
        (units.parse_int_range, [6, 18], (6, 18)),
        (units.parse_int_range, 6, (6, 6)),
        (units.parse_events_in_time, "2 in 2 years", (2, 2 * YEAR)),
        (units.parse_events_in_time, "0 in 5 years", (0, 5 * YEAR)),
        (units.parse_usd, "$25", 25.0),
        (units.parse_usd_per_month, "1108.37 USD/month", 1108.37),
        (units.parse_usd_per_month, "$0.10/h", 73.0),
        (units.parse_usd_per_hour, "400 USD per minute", 24_000.0),
    ],
)
def test_a_quantity_is_taken_as_people_write_it(
    parse: Callable[[object], object], text: object, value: object
) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "value", "message", "hint"),
    [
        (units.parse_duration_ns, 5, "is 5 without a unit", "write 5 s"),
        (units.parse_duration_ns, "5", "is '5' without a unit", "write 5 s"),
        (units.parse_duration_ns, "-5 s", "cannot be negative", "5 s"),
        (units.parse_duration_ns, "5 sek", "'sek' is not a unit of time", "ns, us, ms, s, min, h"),
        (units.parse_duration_ns, "5 M", "'M' is not a unit of time", "month"),  # minutes, or months?
        (units.parse_duration_ns, "1,5 s", "a duration is expected", "5 s"),
        (units.parse_duration_ns, True, "is true", "5 s"),
        (units.parse_duration_ns, None, "is empty", "5 s"),
        (units.parse_duration_ns, {"s": 5}, "is a mapping", "5 s"),
        (units.parse_duration_ns, "0.1 ns", "the shortest duration is 1 ns", "write 0"),
        (units.parse_duration_ns, "300 years", "the longest duration is 292 years", ""),
        (units.parse_duration_ns, "1e999999999 s", "beyond all measure", ""),
        (units.parse_duration_ns, "1e-999999999 s", "beyond all measure", ""),
        (units.parse_positive_duration_ns, 0, "a duration above 0 is expected", "5 s"),
        (units.parse_rate_per_s, 50, "is 50 without a unit", "write 50/s"),
        (units.parse_rate_per_s, "50 rps", "a rate is expected", "50/s"),
        (units.parse_rate_per_s, "-1/s", "at least 0", ""),
        (units.parse_positive_rate_per_s, "0/s", "a rate above 0 is expected", "50/s"),
        (units.parse_ratio, 50, "is 50; a share between 0 and 1", "write 50 %"),
        (units.parse_ratio, "120 %", "a share between 0 and 1", ""),
        (units.parse_ratio, "-1 %", "a share between 0 and 1", ""),
        (units.parse_bytes, 8, "is 8 without a unit", "write 8 GiB"),
        (units.parse_bytes, "8 gib", "has the unit 'gib'", "write one of GiB"),
        (units.parse_bytes_per_s, "500 MB", "a throughput is expected", "500 MB/s"),
        (units.parse_cores, 0, "more than 0 cores", "500m"),
        (units.parse_count, 1.5, "a whole number is expected", "write 2"),
        (units.parse_count, -3, "at least 0", ""),
        (units.parse_positive_count, 0, "at least 1", ""),
        (units.parse_int_range, "18..6", "the lower end comes first", "write 6..18"),
        (units.parse_int_range, "a..b", "a whole number or a range", "6..18"),
        (units.parse_events_in_time, "twice", "a number of events in a time", "2 in 3 years"),
        (units.parse_usd, 25, "is 25 without a currency", "write 25 USD"),
        (units.parse_usd, "USD 5 EUR", "an amount of money is expected", ""),
        (units.parse_usd_per_month, "5 EUR/month", "only USD is known", "write USD"),
        (units.parse_usd_per_month, "5 USD", "an amount per unit of time", "5 USD/month"),
        (units.parse_usd, "5 USD/h", "an amount without a period", "25 USD"),
    ],
)
def test_a_refusal_says_what_was_found_and_what_to_write(
    parse: Callable[[object], object], value: object, message: str, hint: str
) -> None:
    with pytest.raises(Mistake) as caught:
        parse(value)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_very_long_text_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Mistake, match="a text of 100000 characters"):
        units.parse_duration_ns("1e" * 50_000)


@given(st.integers(0, units.LONGEST_NS))
def test_a_duration_that_is_written_reads_back_the_same(ns: int) -> None:
    assert units.parse_duration_ns(units.write_duration_ns(ns)) == ns
    assert units.parse_signed_duration_ns(units.write_signed_duration_ns(-ns)) == -ns


@given(st.floats(0, 1e12))
def test_a_rate_and_a_throughput_that_are_written_read_back_the_same(value: float) -> None:
    value = value if value > 1e-40 else 0.0  # beyond, quantities are refused
    assert units.parse_rate_per_s(units.write_rate_per_s(value)) == value
    assert units.parse_bytes_per_s(units.write_bytes_per_s(value)) == value
    assert units.parse_usd_per_month(units.write_usd_per_month(value)) == value


@given(st.floats(1e-40, 1.0))
def test_a_share_that_is_written_reads_back_the_same(share: float) -> None:
    assert units.parse_ratio(units.write_ratio(share)) == share


@given(st.integers(0, 2**60))
def test_a_size_that_is_written_reads_back_the_same(size: int) -> None:
    assert units.parse_bytes(units.write_bytes(size)) == size


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (units.format_duration_ns(182e6), "182 ms"),
        (units.format_duration_s(3.1), "3.1 s"),
        (units.format_duration_s(90), "90 s"),
        (units.format_duration_s(810), "13.5 min"),
        (units.format_duration_s(9000), "2.5 h"),
        (units.format_duration_ns(14 * DAY), "14 days"),
        (units.format_duration_ns(999.6e6), "1 s"),
        (units.format_duration_ns(0), "0 s"),
        (units.format_duration_s(float("inf")), "never"),
        (units.format_rate(942.3), "942/s"),
        (units.format_rate(1 / 24), "2.5/min"),
        (units.format_rate(5.2 / (365 * 86_400)), "5.2/year"),
        (units.format_ratio(0.65), "65 %"),
        (units.format_ratio(0.9999), "99.99 %"),
        (units.format_ratio(0.999912), "99.9912 %"),
        (units.format_ratio(1.0), "100 %"),
        (units.format_ratio(0.005), "0.5 %"),
        (units.format_bytes(8 * 2**30), "8 GiB"),
        (units.format_bytes(37), "37 B"),
        (units.format_bytes_per_s(5e8), "500 MB/s"),
        (units.format_usd(4872.99), "4,873 USD"),
        (units.format_usd(12.5), "12.50 USD"),
        (units.format_usd(0.037), "0.037 USD"),
        (units.format_count(1614), "1,614"),
        (units.format_count(695e6), "695 M"),
    ],
)
def test_a_figure_is_printed_with_three_significant_digits_in_a_fitting_unit(shown: str, expected: str) -> None:
    assert shown == expected


QUANTITIES = {
    name: (kind, get_args(kind)[1])
    for name, kind in vars(units).items()
    if any(isinstance(part, Quantity) for part in get_args(kind)[1:])
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_an_editor_offers_is_accepted_and_survives_json(name: str) -> None:
    kind, quantity = QUANTITIES[name]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    text_schema = adapter.json_schema()["anyOf"][0]
    for example in quantity.examples:
        value = adapter.validate_python(example)
        written = json.loads(adapter.dump_json(value))
        assert adapter.validate_python(written) == value
        for text in (example, written):
            if isinstance(text, str):
                assert re.search(text_schema["pattern"], text)


class Retry(Spec):
    """When to try again."""

    timeout_ns: PositiveDuration = 5 * SECOND
    """Longest attempt."""

    pause_ns: Duration | None = None
    """Time between two attempts."""

    ends_ns: tuple[Duration, Duration] = (0, SECOND)
    """Shortest and longest."""

    budget_per_s: Rate = 1.0
    """Attempts allowed."""

    error_rate_ratio: Ratio = 0.0
    """Share that fails."""

    price_usd_per_month: UsdPerMonth = 0.0
    """Price."""


def test_the_key_of_an_attribute_is_its_name_without_the_unit() -> None:
    assert [key_of(name) for name in Retry.model_fields] == [
        "timeout", "pause", "ends", "budget", "error_rate", "price",
    ]  # fmt: skip
    assert set(Retry.model_json_schema()["properties"]) == {key_of(name) for name in Retry.model_fields}


def test_a_number_under_the_attribute_name_is_in_its_unit_and_under_the_key_needs_one() -> None:
    assert Retry(timeout_ns=7, ends_ns=(1, 2), budget_per_s=3) == Retry.model_validate(
        {"timeout": "7 ns", "ends": ["1 ns", "2 ns"], "budget": "3/s"}
    )
    with pytest.raises(ValidationError, match="is 7 without a unit"):
        Retry.model_validate({"timeout": 7})
    with pytest.raises(ValidationError, match="above 0"):
        Retry(timeout_ns=0)


def test_a_spec_written_as_json_reads_back_the_same() -> None:
    retry = Retry(timeout_ns=1_234_567, pause_ns=90 * MINUTE, budget_per_s=1 / 3, error_rate_ratio=0.07)
    assert Retry.model_validate_json(retry.model_dump_json()) == retry


def test_defaults_in_the_json_schema_read_as_a_person_writes_them() -> None:
    properties = Retry.model_json_schema()["properties"]
    assert properties["timeout"]["default"] == "5 s"
    assert properties["timeout"]["description"] == "Longest attempt."
    assert properties["price"]["x-unit"] == "USD/month"


def test_two_attributes_with_the_same_key_are_a_mistake_of_the_programmer() -> None:
    with pytest.raises(AssertionError, match="same key"):

        class Twice(Spec):
            """Has the key `wait` twice."""

            wait_ns: Duration
            wait_per_s: Rate


class Constant(Spec):
    """Always the same."""

    plain_value_is = "constant"
    constant_ns: Duration
    """The duration."""


class Exponential(Spec):
    """Exponentially distributed."""

    exponential_ns: Duration
    """Mean."""


Service = Annotated[
    Annotated[Constant, Tag("constant")] | Annotated[Exponential, Tag("exponential")],
    chosen_by_key({"constant": "constant", "exponential": "exponential"}, plain="constant"),
]


def test_the_key_of_a_mapping_chooses_the_alternative_and_a_plain_value_has_its_own() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Service)
    assert adapter.validate_python("5 ms") == Constant(constant_ns=5_000_000)
    assert adapter.validate_python({"constant": "5 ms"}) == Constant(constant_ns=5_000_000)
    assert adapter.validate_python({"exponential": "5 ms"}) == Exponential(exponential_ns=5_000_000)
    assert adapter.validate_python(Exponential(exponential_ns=1)) == Exponential(exponential_ns=1)
    assert adapter.validate_python({"exponential_ns": 1}) == Exponential(exponential_ns=1)
