"""How long each unit of time is, how large each unit of size, and every spelling that is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

# 8,760 h / 12: the month of the cloud price lists (AWS and Azure calculators both multiply hours by 730).
HOURS_PER_MONTH = 730
MONTH = HOURS_PER_MONTH * HOUR
YEAR = 12 * MONTH

LONGEST_NS = 2**63 - 1
"""Time is int64 nanoseconds throughout, which ends after 292 years."""

NANOSECONDS: Mapping[str, int] = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "min": MINUTE,
    "h": HOUR,
    "day": DAY,
    "week": WEEK,
    "month": MONTH,
    "year": YEAR,
}
"""Length of each unit of time in nanoseconds; a month is 730 h, a year 12 months (365 days)."""

STANDARD_TIME: Mapping[str, str] = {
    "nanosecond": "ns",
    "nanoseconds": "ns",
    "µs": "us",  # micro sign
    "μs": "us",  # Greek mu, which looks the same
    "microsecond": "us",
    "microseconds": "us",
    "msec": "ms",
    "millisecond": "ms",
    "milliseconds": "ms",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "m": "min",  # as Go and Temporal write it
    "mins": "min",
    "minute": "min",
    "minutes": "min",
    "hr": "h",
    "hrs": "h",
    "hour": "h",
    "hours": "h",
    "d": "day",
    "days": "day",
    "w": "week",
    "weeks": "week",
    "mo": "month",
    "months": "month",
    "y": "year",
    "yr": "year",
    "years": "year",
}
"""The standard name for each other spelling of a unit of time."""

TIME: Mapping[str, int] = {
    **NANOSECONDS,
    **{spelling: NANOSECONDS[unit] for spelling, unit in STANDARD_TIME.items()},
}

BYTES: Mapping[str, int] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "PiB": 2**50,
    "Ki": 2**10,  # as Kubernetes writes it
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}

BYTES_OF_BITS: Mapping[str, Fraction] = {
    "bit": Fraction(1, 8),
    "kbit": Fraction(10**3, 8),
    "Mbit": Fraction(10**6, 8),
    "Gbit": Fraction(10**9, 8),
}

PER_SECOND_IN_THE_NAME: Mapping[str, str] = {"kbps": "kbit", "Mbps": "Mbit", "Gbps": "Gbit"}

MULTIPLES: Mapping[str, int] = {
    "": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "thousand": 10**3,
    "million": 10**6,
}

CORES: Mapping[str, Fraction] = {
    "": Fraction(1),
    "vCPU": Fraction(1),
    "vCPUs": Fraction(1),
    "vcpu": Fraction(1),
    "CPU": Fraction(1),
    "cpu": Fraction(1),
    "core": Fraction(1),
    "cores": Fraction(1),
    "m": Fraction(1, 1000),  # as Kubernetes writes it
}
