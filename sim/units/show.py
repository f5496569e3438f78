"""Numbers printed as quantities. Parsing is in `parse`.

`format_*` is for people and rounds to three significant digits. `write_*` is for files: parsing what it gives
yields the same value to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from sim.units.parse import parse_ratio
from sim.units.tables import BYTES, DAY, HOUR, MINUTE, NANOSECONDS, SECOND, YEAR

# From which length on a unit is used: 90 s reads better than 1.5 min, 36 h better than 1.5 days.
_UNIT_FROM_NS = (
    (3 * DAY, "days", DAY),
    (2 * HOUR, "h", HOUR),
    (2 * MINUTE, "min", MINUTE),
    (SECOND, "s", SECOND),
    (NANOSECONDS["ms"], "ms", NANOSECONDS["ms"]),
    (NANOSECONDS["us"], "us", NANOSECONDS["us"]),
)

UNKNOWN = "unknown"
"""What is said of a number that there is none of."""
LEAST = 1e-6
"""Below this a number is told by this bound: more zeros than can be counted at a glance."""

# What three significant digits round up to a unit (999.6 ms) is printed in that unit (1 s).
_ROUNDS_UP = 0.9995


def format_duration_ns(ns: float) -> str:
    """A duration for people: "182 ms", "3.1 s", "13.5 min", "2.5 h", "14 days"; "never" for infinity."""
    if not math.isfinite(ns):
        return "never" if ns == math.inf else UNKNOWN
    if abs(ns) < _ROUNDS_UP:  # time is counted in whole nanoseconds
        return "0 s"
    for start, unit, length in _UNIT_FROM_NS:
        if abs(ns) >= _ROUNDS_UP * start:
            return f"{_three_digits(ns / length)} {unit}"
    return f"{_three_digits(ns)} ns"


def format_duration_s(s: float) -> str:
    """As `format_duration_ns`, of seconds."""
    return format_duration_ns(s * SECOND)


def format_rate(per_s: float) -> str:
    """A rate for people: "942/s", "2.5/min", "5.2/year"."""
    if not math.isfinite(per_s):
        return _endless(per_s)
    for unit in ("s", "min", "h", "day", "week"):
        if per_s == 0 or not abs(per_s) * NANOSECONDS[unit] < _ROUNDS_UP * SECOND:
            return f"{_three_digits(per_s * NANOSECONDS[unit] / SECOND)}/{unit}"
    return f"{_three_digits(per_s * YEAR / SECOND)}/year"


def format_bytes(size: float) -> str:
    """A size for people, in powers of 1024: "8 GiB", "512 MiB", "37 B"."""
    return _in_largest(size, {f" {unit}": BYTES[unit] for unit in ("PiB", "TiB", "GiB", "MiB", "KiB")}, " B")


def format_bytes_per_s(bytes_per_s: float) -> str:
    """A throughput for people, in powers of 1000 as providers sell it: "500 MB/s"."""
    return _in_largest(bytes_per_s, {f" {unit}/s": BYTES[unit] for unit in ("GB", "MB", "kB")}, " B/s")


def format_usd(usd: float) -> str:
    """Money for people: "4,873 USD", "12.50 USD", "0.037 USD"; the period is for the caller to add."""
    if not math.isfinite(usd):
        return _endless(usd)
    if abs(usd) >= 999.995:
        return f"{usd:,.0f} USD"
    if abs(usd) >= 1 or usd == 0:
        return f"{usd:.2f} USD"
    return f"{_three_digits(usd)} USD"


def format_ratio(ratio: float) -> str:
    """A share for people: "65 %", "0.5 %", "99.9912 %".

    Just below 100 % three significant digits of what is missing are kept, which is what tells availabilities
    apart.
    """
    if not math.isfinite(ratio):
        return _endless(ratio)
    percent = 100 * ratio
    missing = 100 - percent
    if 0 < missing < 1:
        decimals = min(12, 2 - math.floor(math.log10(missing)))
        return f"{_trimmed(f'{percent:.{decimals}f}')} %"
    return f"{_three_digits(percent)} %"


def format_count(count: float) -> str:
    """A count for people: "1,614", "2.5 M" from a million on; "no limit" for infinity."""
    return _in_largest(count, {" T": 1e12, " G": 1e9, " M": 1e6}, "")


def format_quantity(value: float, unit: str) -> str:
    """A number in any unit of the house's figures: "3.1 s", "65 %", "4,873 USD/month", "1.08x", "1,614"."""
    if unit in _FORMATS:
        return _FORMATS[unit](value)
    if unit == "USD/1000":
        return f"{format_usd(value)} per 1,000"
    if unit.startswith("USD"):
        return f"{format_usd(value)}{unit.removeprefix('USD')}"
    return f"{format_count(value)} {unit}".rstrip()


_FORMATS: Mapping[str, Callable[[float], str]] = {
    "s": format_duration_s,
    "1/s": format_rate,
    "ratio": format_ratio,
    "B": format_bytes,
    "B/s": format_bytes_per_s,
    "x": lambda factor: f"{format_count(factor)}x",
}


def write_duration_ns(ns: int) -> str:
    """The duration in the largest unit up to days that divides it: "90 min", "1500 ms"."""
    if ns == 0:
        return "0 s"
    unit = next(name for name in ("day", "h", "min", "s", "ms", "us", "ns") if ns % NANOSECONDS[name] == 0)
    count = ns // NANOSECONDS[unit]
    return f"{count} {unit}{'s' if unit == 'day' and count != 1 else ''}"


def write_signed_duration_ns(ns: int) -> str:
    """The duration with its sign: "+90 min", "-1500 ms"."""
    return f"{'-' if ns < 0 else '+'}{write_duration_ns(abs(ns))}"


def write_rate_per_s(per_s: float) -> str:
    """The rate per second: "0.25/s"."""
    return f"{_shortest(per_s)}/s"


def write_ratio(ratio: float) -> str | float:
    """The share in percent where that is exact to the last bit, else the bare number."""
    percent = f"{_shortest(float(Decimal(repr(ratio)) * 100))} %"
    return percent if parse_ratio(percent) == ratio else ratio


def write_bytes(size: int) -> str:
    """The size in the largest unit that divides it, binary units first: "8 GiB", "500 MB"."""
    if size == 0:
        return "0 B"
    units = ("TiB", "GiB", "MiB", "TB", "GB", "MB", "KiB", "kB", "B")
    unit = next(name for name in units if size % BYTES[name] == 0)
    return f"{size // BYTES[unit]} {unit}"


def write_bytes_per_s(bytes_per_s: float) -> str:
    """The throughput in bytes per second."""
    return f"{_shortest(bytes_per_s)} B/s"


def write_int_range(ends: tuple[int, int]) -> str | int:
    """The range "6..18", or 6 when both ends are 6."""
    low, high = ends
    return low if low == high else f"{low}..{high}"


def write_events_in_time(seen: tuple[int, int]) -> str:
    """The observation "2 in 730 days"."""
    events, watched_ns = seen
    return f"{events} in {write_duration_ns(watched_ns)}"


def write_usd_per_month(usd: float) -> str:
    """The price "1108.37 USD/month"."""
    return f"{_shortest(usd)} USD/month"


def write_usd_per_hour(usd: float) -> str:
    """The price "0.1 USD/h"."""
    return f"{_shortest(usd)} USD/h"


def _in_largest(number: float, sizes: Mapping[str, float], smallest: str) -> str:
    """A number in the first unit that is not larger than it. sizes: of the units, the largest first."""
    if not math.isfinite(number):
        return _endless(number)
    for unit, size in sizes.items():
        if abs(number) >= _ROUNDS_UP * size:
            return f"{_three_digits(number / size)}{unit}"
    return f"{_three_digits(number)}{smallest}"


def _endless(number: float) -> str:
    return "no limit" if number == math.inf else UNKNOWN


def _three_digits(number: float) -> str:
    """Three significant digits, all digits before the point, thousands separated: "1,614", "13.5", "0.037"."""
    if number == 0:
        return "0"
    if abs(number) < LEAST:
        return f"< {LEAST:f}" if number > 0 else f"> -{LEAST:f}"
    # Rounding first decides the magnitude: 9.996 is 10.0 to three digits, not 10.00.
    magnitude = int(f"{number:.2e}".partition("e")[2])
    return _trimmed(f"{number:,.{max(0, 2 - magnitude)}f}")


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _shortest(number: float) -> str:
    """The shortest digits that give the same float, without a useless ".0"."""
    return repr(float(number)).removesuffix(".0")
