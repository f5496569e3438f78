"""Money as people write it ("1108.37 USD/month", "$0.10/h"), alone or per unit of time or of goods."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sim.units.parse import (
    NUMBER,
    InUnitFloat,
    InUnitInt,
    Mistake,
    bare_number,
    digits_of,
    exactly,
    not_negative,
    show_value,
    text_of,
    time_unit_ns,
)
from sim.units.tables import HOUR, MONTH, STANDARD_TIME

_MONEY = re.compile(rf"(-?)(\$|[A-Z]{{3}})?\s*({NUMBER})\s*(\$|[A-Z]{{3}})?\s*(?:(?:/|per\b)\s*(\S.*))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money and what it buys.

    amount: in whole units of `currency`.
    currency: three capital letters.
    per: "" for a plain sum; a unit of time ("h", "month") or of goods ("GB", "GB-month", "million actions").
    """

    amount: float
    currency: str
    per: str

    def __str__(self) -> str:
        amount = repr(self.amount).removesuffix(".0")
        return f"{amount} {self.currency}/{self.per}" if self.per else f"{amount} {self.currency}"


def parse_money(value: object) -> Money:
    """Money of "1108.37 USD/month", "$0.10/h", "400 USD per min" or "0.08 USD/GB-month".

    A unit of time in `per` is given its standard name ("hour" becomes "h"); other goods stay as written.
    Raises Mistake for a bare number and for anything that names no currency or two.
    """
    if isinstance(value, Money):
        return value
    number = bare_number(value, "an amount of money", "25 USD")
    if number is not None:
        raise Mistake(
            f"is {show_value(value)} without a currency; an amount of money is expected",
            f"write {digits_of(abs(number))} USD (or USD/month, USD/h)",
        )
    found = _MONEY.fullmatch(text_of(value))
    if found is None or (found[2] is None) == (found[4] is None):
        raise Mistake(f"is {show_value(value)}; an amount of money is expected", "write it as 25 USD or 0.10 USD/h")
    sign, before, digits, after, per = found.groups()
    currency = "USD" if "$" in (before, after) else str(before or after)
    return Money(float(exactly(sign + digits)), currency, STANDARD_TIME.get(per, per) if per else "")


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
    if not isinstance(value, Money):
        number = bare_number(value, "an amount of money", "25 USD")
        if number is not None and (number == 0 or isinstance(value, InUnitInt | InUnitFloat)):
            return float(not_negative(number, value, "an amount"))
    money = parse_money(value)
    if money.currency != "USD":
        raise Mistake(f"is {show_value(value)}; only USD is known here", "convert it and write USD")
    amount = not_negative(exactly(money.amount), value, "an amount")
    if period_ns is None:
        if money.per:
            raise Mistake(f"is {show_value(value)}; an amount without a period is expected", "write it as 25 USD")
        return money.amount
    if not money.per:
        raise Mistake(
            f"is {show_value(value)}; an amount per unit of time is expected",
            f"write {digits_of(amount)} USD/month (or USD/h)",
        )
    return float(amount * period_ns / time_unit_ns(money.per, value))
