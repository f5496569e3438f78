"""Instants and lengths as exports write them, in ns: RFC 3339 with up to nine digits, and protobuf's `0.500s`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")
_LENGTH = re.compile(r"(\d+)(?:\.(\d{1,9}))?s")


def instant_ns(text: str) -> int:
    """ns since the epoch of `2026-11-26T23:04:54.578634525Z`; without a zone it is UTC. Raises ValueError."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no time such as 2026-11-26T23:04:54.578Z")
    whole, part, zone = found.groups()
    moment = datetime.fromisoformat(whole + (zone or "Z"))
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9 + _fraction(part)


def length_ns(text: str) -> int:
    """ns of `10s` or `0.500s`. Raises ValueError."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no length such as 0.500s")
    return int(found[1]) * 10**9 + _fraction(found[2])


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))
