"""Quantities and money as people write them ("250 ms", "40/s", "8 GiB", "25 USD/month") into plain numbers.

Printing is in `show`.

Every function takes what YAML gives (text or a number) and raises `Mistake` with what was found and what to write
instead. Which key the value came from, and where in the file, is not known here (see `sim.scenario.reading.reader`).

Parsing is exact (`Fraction`) and rounds once, at the end: "0.1 s" is exactly 100,000,000 ns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from sim.units.tables import (
    BYTES,
    BYTES_OF_BITS,
    CORES,
    HOUR,
    LONGEST_NS,
    MONTH,
    MULTIPLES,
    NANOSECONDS,
    PER_SECOND_IN_THE_NAME,
    SECOND,
    TIME,
)

NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NUMBER_AND_REST = re.compile(rf"([+-]?{NUMBER})\s*(.*)", re.DOTALL)
_PART_OF_A_DURATION = re.compile(rf"({NUMBER})\s*([A-Za-zµμ]+)\s*")
_DURATION = re.compile(rf"(?:{_PART_OF_A_DURATION.pattern})+")
_RANGE = re.compile(r"(.+?)\s*(?:\.\.|…)\s*(.+)")
_OTHER_RANGE = re.compile(r"([0-9]+)\s*(?:-|–|—|to|:|\.\.\.)\s*([0-9]+)")
_OTHER_DURATION = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?")
_OTHER_RATES = {"rps": "s", "qps": "s", "tps": "s", "hz": "s", "req/s": "s", "ops": "s", "rpm": "min"}
_EVENTS_IN_TIME = re.compile(r"(.+?)\s+in\s+(.+)")


N = TypeVar("N", int, float)


class Mistake(ValueError):  # the user's word for it; pydantic passes any ValueError through
    """A value that cannot be taken, before anybody knows where it stands in the file.

    message: what was found and what was expected, a predicate of the value ("is 5 without a unit; ...").
    hint: what to write instead.
    at: keys from the value that is being validated down to the culprit, such as ("steps", 2).
    """

    def __init__(self, message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message, hint, at)
        self.message = message
        self.hint = hint
        self.at = at

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InUnitInt(int):
    """A whole number that needs no unit: Python code gave it under a name that ends with the unit."""


class InUnitFloat(float):
    """A number that needs no unit: Python code gave it under a name that ends with the unit."""


def parse_duration_ns(value: object) -> int:
    """Nanoseconds, never negative, of "250 ms", "1.5s", "1h30m", "3 days", "1 month" (730 h) or 0.

    Raises Mistake for a bare number other than 0, an unknown unit, a negative or an over-long time.
    """
    if isinstance(value, InUnitInt) and 0 <= value <= LONGEST_NS:
        return int(value)
    number = bare_number(value, "a duration", "5 s", " s (or ms, min, h)")
    if number is not None:
        return _whole_ns(number, value)
    text = text_of(value)
    if text.startswith("-"):
        raise Mistake(f"is {show_value(value)}; a duration cannot be negative", "write a duration such as 5 s")
    if not _DURATION.fullmatch(text):
        raise Mistake(f"is {show_value(value)}; a duration is expected", _duration_meant(text))
    parts = _PART_OF_A_DURATION.findall(text)
    return _whole_ns(sum((exactly(digits) * time_unit_ns(unit, value) for digits, unit in parts), Fraction(0)), value)


def _duration_meant(text: str) -> str:
    """What to write: of ISO 8601 ("PT1H30M") the same in our words."""
    iso = _OTHER_DURATION.fullmatch(text)
    parts = zip(iso.groups(), ("day", "h", "min", "s"), strict=True) if iso else ()
    said = " ".join(f"{number} {unit}" for number, unit in parts if number)
    return f"write {said}" if said else "write a number and a unit, as in 5 s"


def parse_positive_duration_ns(value: object) -> int:
    """As `parse_duration_ns`, but 0 is refused too."""
    return _above_0(parse_duration_ns(value), value, "a duration above 0", "write a duration such as 5 s")


def parse_signed_duration_ns(value: object) -> int:
    """As `parse_duration_ns`, but with a sign: "+30 s", "-1h30m"; without one it is positive."""
    if isinstance(value, InUnitInt):
        return int(value)
    text = value.strip() if isinstance(value, str) else ""
    if not text.startswith(("+", "-")):
        return parse_duration_ns(value)
    ns = parse_duration_ns(text[1:].lstrip())
    return -ns if text.startswith("-") else ns


def parse_rate_per_s(value: object) -> float:
    """Events per second of "50/s", "2/min", "1 k/s", "2 per week" or 0.

    Raises Mistake for a bare number other than 0, a negative one or an unknown unit of time.
    """
    amount, rest = _amount_and_unit(value, "a rate", "50/s", "/s (or /min, /h)")
    if not rest:
        return float(not_negative(amount, value, "a rate"))
    multiple, per = _before_and_after_per(rest)
    if not per or multiple not in MULTIPLES:
        unit = _OTHER_RATES.get(rest.lower())
        hint = f"write {digits_of(abs(amount))}/{unit}" if unit else "write it per unit of time, as in 50/s"
        raise Mistake(f"is {show_value(value)}; a rate is expected", hint)
    return float(not_negative(amount * MULTIPLES[multiple] * SECOND / time_unit_ns(per, value), value, "a rate"))


def parse_positive_rate_per_s(value: object) -> float:
    """As `parse_rate_per_s`, but 0 is refused too."""
    return _above_0(parse_rate_per_s(value), value, "a rate above 0", "write a rate such as 50/s")


def parse_ratio(value: object) -> float:
    """A share in [0, 1] of "99.99 %", 0.5 or "0.5".

    Raises Mistake for anything outside [0, 1]; a bare number above 1 is taken for a forgotten percent sign.
    """
    if isinstance(value, float) and 0 <= value <= 1:
        return float(value)
    amount, rest = _amount_and_unit(value, "a share between 0 and 1", "5 %")
    if rest not in ("", "%"):
        meant = f"{digits_of(abs(amount))} %" if rest.lower() in ("percent", "pct", "per cent") else "5 % or 0.05"
        raise Mistake(f"is {show_value(value)}; a share between 0 and 1 is expected", f"write it as {meant}")
    share = amount / 100 if rest else amount
    if not 0 <= share <= 1:
        forgotten = not rest and 1 < share <= 100
        raise Mistake(
            f"is {show_value(value)}; a share between 0 and 1 is expected",
            f"write {digits_of(amount)} % if percent is meant" if forgotten else "write it as 5 % or 0.05",
        )
    return float(share)


def parse_bytes(value: object) -> int:
    """Bytes of "32 GiB", "500 MB", "2 KiB", "8Gi" or 0.

    Raises Mistake for a bare number other than 0, a negative one or an unknown unit.
    """
    amount, unit = _amount_and_unit(value, "a size", "8 GiB", " GiB (or B, KiB, MB)")
    size = _look_up(unit, BYTES, value, "a size") if unit else Fraction(1)
    return round(not_negative(amount * size, value, "a size"))


def parse_bytes_per_s(value: object) -> float:
    """Bytes per second of "500 MB/s", "10 Gbit/s" (8 bits a byte), "2 TB/month" or 0.

    Raises Mistake for a bare number other than 0, a negative one or an unknown unit.
    """
    amount, rest = _amount_and_unit(value, "a throughput", "500 MB/s", " MB/s (or KiB/s, Gbit/s)")
    if not rest:
        return float(not_negative(amount, value, "a throughput"))
    unit, per = _before_and_after_per(rest)
    if unit in PER_SECOND_IN_THE_NAME and not per:
        unit, per = PER_SECOND_IN_THE_NAME[unit], "s"
    if not per:
        raise Mistake(f"is {show_value(value)}; a throughput is expected", "write it as 500 MB/s")
    size = _look_up(unit, {**BYTES, **BYTES_OF_BITS}, value, "a throughput")
    return float(not_negative(amount * size * SECOND / time_unit_ns(per, value), value, "a throughput"))


def parse_cores(value: object) -> float:
    """Processor cores of "8 vCPU", 0.5, "8" or "500m" (thousandths, as Kubernetes writes them).

    Raises Mistake for zero, a negative number or an unknown unit.
    """
    amount, unit = _amount_and_unit(value, "a number of cores", "2 vCPU")
    cores = amount * _look_up(unit, CORES, value, "a number of cores")
    if cores <= 0:
        raise Mistake(f"is {show_value(value)}; more than 0 cores are expected", "write it as 2, 0.5 or 500m")
    return float(cores)


MOST_COUNT = 10**15
"""Of anything that is only counted, such as rows."""
MOST_IN_RANGE = 100_000
"""Of what ranges are about, pods: each is a place of its own."""


def parse_count(value: object) -> int:
    """A whole number, never negative, of 20000, "10,000", "10_000", "300k" or "4 million".

    Raises Mistake for a fraction, a negative number or a unit.
    """
    amount, unit = _amount_and_unit(value, "a whole number", "20000")
    count = amount * _look_up(unit, MULTIPLES, value, "a whole number")
    if count.denominator != 1:
        raise Mistake(f"is {show_value(value)}; a whole number is expected", f"write {max(0, round(count))}")
    if count < 0:
        raise Mistake(f"is {show_value(value)}; a whole number of at least 0 is expected")
    if count > MOST_COUNT:
        raise Mistake(f"is {show_value(value)}; a whole number of at most {MOST_COUNT:,} is expected")
    return int(count)


def parse_positive_count(value: object) -> int:
    """As `parse_count`, but 0 is refused too."""
    return _above_0(parse_count(value), value, "a whole number of at least 1")


def parse_int_range(value: object) -> tuple[int, int]:
    """Lowest and highest of "6..18", [6, 18] or 6 (which is 6 to 6).

    Raises Mistake when an end is no whole number or the first is above the second.
    """
    ends: tuple[object, object] = (value, value)
    if isinstance(value, list | tuple) and len(value) == 2:
        ends = (value[0], value[1])
    elif isinstance(value, str) and (found := _RANGE.fullmatch(text_of(value))):
        ends = (found[1], found[2])
    try:
        low, high = parse_count(ends[0]), parse_count(ends[1])
    except Mistake:
        meant = _OTHER_RANGE.fullmatch(text_of(value)) if isinstance(value, str) else None
        raise Mistake(
            f"is {show_value(value)}; a whole number or a range of them is expected",
            f"write {meant[1]}..{meant[2]}" if meant else "write it as 6 or 6..18",
        ) from None
    if low > high:
        raise Mistake(f"is {show_value(value)}; the lower end comes first", f"write {high}..{low}")
    if high > MOST_IN_RANGE:
        raise Mistake(f"is {show_value(value)}; at most {MOST_IN_RANGE:,} is expected")
    return low, high


def parse_events_in_time(value: object) -> tuple[int, int]:
    """Events seen and nanoseconds watched of "2 in 2 years"; "0 in 5 years" is an observation too.

    Raises Mistake for anything else.
    """
    found = _EVENTS_IN_TIME.fullmatch(text_of(value)) if isinstance(value, str) else None
    if found is None:
        raise Mistake(f"is {show_value(value)}; a number of events in a time is expected", "write it as 2 in 3 years")
    return parse_count(found[1]), parse_positive_duration_ns(found[2])


def show_value(value: object) -> str:
    """The value in a message as the user wrote it: text in quotes, YAML's words for the rest, cut when long."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = f"{value!r}" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_in_unit(value: object) -> bool:
    """Whether a number needs no unit, because it was given under a name that ends with one."""
    return isinstance(value, InUnitInt | InUnitFloat)


def bare_number(value: object, expected: str, example: str, forgotten: str = "") -> Fraction | None:
    """The value where it is a number without a unit, None for any other text. Raises Mistake for the rest.

    forgotten: the unit to write behind a number that may only be 0 by itself, and what else it may be.
    """
    if isinstance(value, str):
        found = _NUMBER_AND_REST.fullmatch(text_of(value))
        number = exactly(found[1]) if found and not found[2] else None
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Mistake(f"is {show_value(value)}; {expected} is expected", f"write it as {example}")
    else:
        number = exactly(value)
    if number and forgotten and not is_in_unit(value):
        message = f"is {show_value(value)} without a unit; {expected} is expected"
        raise Mistake(message, f"write {digits_of(abs(number))}{forgotten}")
    return number


def _amount_and_unit(value: object, expected: str, example: str, forgotten: str = "") -> tuple[Fraction, str]:
    """The leading number and whatever follows it, "" after a bare number. Raises Mistake without a number."""
    number = bare_number(value, expected, example, forgotten)
    if number is not None:
        return number, ""
    found = _NUMBER_AND_REST.fullmatch(text_of(value))
    if found is None:
        raise Mistake(f"is {show_value(value)}; {expected} is expected", f"write it as {example}")
    return exactly(found[1]), found[2]


def _before_and_after_per(rest: str) -> tuple[str, str]:
    """What stands before and after the slash (or the word per): ("k", "s") of "k/s"; ("k", "") of "k"."""
    before, _, after = rest.partition("/") if "/" in rest else rest.partition("per ")
    return before.strip(), after.strip()


def _look_up(unit: str, table: Mapping[str, int | Fraction], value: object, expected: str) -> Fraction:
    if unit in table:
        return Fraction(table[unit])
    same = [name for name in table if name and name.lower() == unit.lower()]
    units = ", ".join(same or [name for name in table if name])
    found = f"has the unit '{unit}'" if unit else "has no unit"
    raise Mistake(f"is {show_value(value)}, which {found}; {expected} is expected", f"write one of {units}")


def time_unit_ns(unit: str, value: object) -> int:
    """Nanoseconds of a unit of time in any spelling; a single capital letter is not taken for a small one."""
    if unit in TIME:
        return TIME[unit]
    if len(unit) > 1 and unit.lower() in TIME:
        return TIME[unit.lower()]
    raise Mistake(
        f"is {show_value(value)}, and '{unit}' is not a unit of time", f"write one of {', '.join(NANOSECONDS)}"
    )


def _whole_ns(ns: Fraction, value: object) -> int:
    if ns < 0:
        raise Mistake(f"is {show_value(value)}; a duration cannot be negative", "write a duration such as 5 s")
    if ns > LONGEST_NS:
        raise Mistake(f"is {show_value(value)}; the longest duration is 292 years")
    whole = round(ns)
    if whole == 0 and ns > 0:
        raise Mistake(f"is {show_value(value)}; the shortest duration is 1 ns", "write 0 or at least 1 ns")
    return whole


def not_negative(number: Fraction, value: object, expected: str) -> Fraction:
    """The number itself. Raises Mistake when it is below 0."""
    if number < 0:
        raise Mistake(f"is {show_value(value)}; {expected} of at least 0 is expected")
    return number


def _above_0(number: N, value: object, expected: str, hint: str = "") -> N:
    """The number itself, which is not negative. Raises Mistake when it is 0."""
    if number == 0:
        raise Mistake(f"is {show_value(value)}; {expected} is expected", hint)
    return number


def exactly(number: str | int | float) -> Fraction:
    """The number as it was written: a float is taken by its shortest digits, as the file had it.

    Raises Mistake beyond 50 digits, which no quantity needs and which would cost memory ("1e999999999").
    """
    text = repr(float(number)) if isinstance(number, float) else str(number)
    decimal = Decimal(text.replace(",", "").replace("_", ""))
    if abs(decimal.adjusted()) > 50:
        raise Mistake(f"is {show_value(number)}, which is beyond all measure; check the exponent")
    return Fraction(decimal)


def digits_of(number: Fraction) -> str:
    """The number for a hint, without a useless ".0"."""
    return repr(float(number)).removesuffix(".0")


def text_of(value: object) -> str:
    """The text without surrounding blanks; it is known not to be a number. Raises Mistake for a very long one."""
    assert isinstance(value, str), f"{value!r} should have been taken as a number"
    if len(value) > 200:
        raise Mistake(f"is {show_value(value)}, a text of {len(value)} characters; a quantity is expected")
    return value.strip()


_MONEY = re.compile(rf"(-?)(\$|[A-Z]{{3}})?\s*({NUMBER})\s*(\$|[A-Z]{{3}})?\s*(?:(?:/|per\b)\s*(\S.*))?")


def parse_usd(value: object) -> float:
    """US dollars of "25 USD" or "$25"; never per time. Raises Mistake otherwise."""
    return _dollars(value, None)


def parse_usd_per_month(value: object) -> float:
    """US dollars per month of 730 h of "1108.37 USD/month" or "$0.10/h". Raises Mistake otherwise."""
    return _dollars(value, MONTH)


def parse_usd_per_hour(value: object) -> float:
    """US dollars per hour of "$0.10/h" or "400 USD/min". Raises Mistake otherwise."""
    return _dollars(value, HOUR)


def _dollars(value: object, period_ns: int | None) -> float:
    """US dollars, converted from the period that was written to `period_ns`; a plain sum where that is None."""
    number = bare_number(value, "an amount of money", "25 USD")
    if number is not None:
        if number == 0 or is_in_unit(value):
            return float(not_negative(number, value, "an amount"))
        raise Mistake(
            f"is {show_value(value)} without a currency; an amount of money is expected",
            f"write {digits_of(abs(number))} USD (or USD/month, USD/h)",
        )
    found = _MONEY.fullmatch(text_of(value))
    if found is None or (found[2] is None) == (found[4] is None):
        raise Mistake(f"is {show_value(value)}; an amount of money is expected", "write it as 25 USD or 0.10 USD/h")
    sign, before, digits, after, per = found.groups()
    if (before or after) not in ("$", "USD"):
        raise Mistake(f"is {show_value(value)}; only USD is known here", "convert it and write USD")
    amount = not_negative(exactly(sign + digits), value, "an amount")
    if period_ns is None:
        if per:
            raise Mistake(f"is {show_value(value)}; an amount without a period is expected", "write it as 25 USD")
        return float(amount)
    if not per:
        raise Mistake(
            f"is {show_value(value)}; an amount per unit of time is expected",
            f"write {digits_of(amount)} USD/month (or USD/h)",
        )
    return float(amount * period_ns / time_unit_ns(per, value))
