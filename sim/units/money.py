"""Money as people write it: "25 USD", "1108.37 USD/month", "$0.10/h"."""

from __future__ import annotations

import re

from sim.units.parse import (
    NUMBER,
    Mistake,
    bare_number,
    digits_of,
    exactly,
    is_in_unit,
    not_negative,
    show_value,
    text_of,
    time_unit_ns,
)
from sim.units.tables import HOUR, MONTH

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
