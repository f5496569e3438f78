"""Verbs and options that were renamed or moved: in this version the old ones work; a line says the new one."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from sim.cli.process import note
from sim.errors import InputErrors, Problem, RenamedWarning

VERBS = {"ledger": "error-budget"}
OPTIONS = {"--cure": "--mitigation", "--sweep-cures": "--sweep-mitigations"}
"""Old -> new. They go with version 0.2."""

LABORATORY = "python -m calibration"
"""The command line of a checkout that has `sim validate` and `sim calibrate STUDY.yaml` now."""
OF_A_LOG = ("--kind", "--write", "--scenario", "--like", "--cpu")
OF_A_STUDY = ("-o", "--out", "--max-evaluations", "--only", "--processes")
"""Options of `sim calibrate` that take a value, then and now."""


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


def moved(arguments: Sequence[str]) -> list[str] | None:
    """The arguments of LABORATORY, for what went there; None for all else."""
    if arguments[:1] == ["validate"]:
        return list(arguments)
    if arguments[:1] != ["calibrate"]:
        return None
    valued = {*OF_A_LOG, *OF_A_STUDY}
    files = [one for before, one in pairwise(arguments) if not one.startswith("-") and before not in valued]
    is_study = len(files) == 1 and Path(files[0]).suffix in (".yaml", ".yml")
    return ["study", *arguments[1:]] if is_study else None


def run_moved(arguments: Sequence[str]) -> None:
    """Run LABORATORY with these arguments and exit as it does. Raises InputErrors outside of a checkout."""
    import subprocess

    here = Path.cwd()
    root = next((one for one in (here, *here.parents) if (one / "calibration" / "__main__.py").is_file()), None)
    command = shlex.join(arguments)
    if root is None:
        verb = {"study": "calibrate"}.get(arguments[0], arguments[0])
        message = f"is now `{LABORATORY} {command}`, which is in the repository and not in the package"
        raise InputErrors([Problem(f"sim {verb}", message, "call it inside of a checkout of the repository")])
    note(f"this is now called `{LABORATORY} {command}`")
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-m", "calibration", *arguments], env={**os.environ, "PYTHONPATH": path}, check=False
    )
    raise SystemExit(ended.returncode)


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
