"""Verbs and options that were renamed: in this version the old ones work; a line says the new one."""

from __future__ import annotations

import warnings
from typing import TextIO

from sim.cli.output import note
from sim.scenario.reading.old_names import RenamedWarning

VERBS = {"ledger": "error-budget"}
OPTIONS = {"--cure": "--mitigation", "--sweep-cures": "--sweep-mitigations"}
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
