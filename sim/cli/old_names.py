"""Verbs, options and JSON keys that were renamed: in this version the old ones work; a line says the new one."""

from __future__ import annotations

import warnings
from typing import Any, TextIO

from sim.cli.output import note
from sim.scenario.old_names import RenamedWarning

VERBS = {"ledger": "error-budget"}
OPTIONS = {"--cure": "--mitigation", "--sweep-cures": "--sweep-mitigations"}
JSON_KEYS = {"cure": "mitigation", "cures": "mitigations", "ledgers": "error_budgets"}
"""Old -> new. They go with version 0.2."""


def with_new_names(arguments: list[str]) -> list[str]:
    """The arguments with old verbs and options under their new names; a remark says each."""
    found = []
    for index, one in enumerate(arguments):
        option, equals, value = one.partition("=")
        new = VERBS.get(one) if index == 0 else OPTIONS.get(option)
        if new is None:
            found.append(one)
            continue
        note(f"`{one if index == 0 else option}` is now called `{new}`")
        found.append(f"{new}{equals}{value}" if index else new)
    return found


def with_old_keys(value: Any) -> Any:
    """JSON data in which what has a new key has the old one, too; `renamed` at the top says which."""
    told = _with_old_keys(value)
    seen = {old: new for old, new in JSON_KEYS.items() if _has(value, new)}
    return told | {"renamed": seen} if isinstance(told, dict) and seen else told


def _with_old_keys(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_with_old_keys(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, one in value.items():
        found[key] = _with_old_keys(one)
        found |= {old: found[key] for old, new in JSON_KEYS.items() if new == key}
    return found


def _has(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has(one, key) for one in value.values())
    return isinstance(value, list | tuple) and any(_has(one, key) for one in value)


def print_renamed_in_one_line() -> None:
    """Show warnings of old keys as remarks, without the line of source that Python adds."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, RenamedWarning):
            note(str(message))
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
