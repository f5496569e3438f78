"""What is called otherwise since the golden files were made: old name -> new name, for strings in columns and figures.

Columns are equal through this table. A rename of elements adds its rows here, in the commit that renames.
"""

from __future__ import annotations

RENAMED: dict[str, str] = {}
"""Whole names."""

_OLD = {new: old for old, new in RENAMED.items()}


def old_name(name: str) -> str:
    """What the golden files call it."""
    return _OLD.get(name, name)
