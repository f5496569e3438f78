"""JSON keys that were renamed: in this version a document has both, and `renamed` at its top says which."""

from __future__ import annotations

from typing import Any

KEYS = {"cure": "mitigation", "cures": "mitigations", "ledgers": "error_budgets"}
"""Old -> new. They go with version 0.2."""


def both(new: str, value: Any) -> dict[str, Any]:
    """A value under its key and under the old one."""
    return dict.fromkeys((new, _old(new)), value)


def renamed(*new: str) -> dict[str, dict[str, str]]:
    """The entry at the top of a document that has these keys."""
    return {"renamed": {_old(one): one for one in new}}


def _old(new: str) -> str:
    return next(old for old, now in KEYS.items() if now == new)
