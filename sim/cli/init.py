"""`sim init`: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.process import say


def command(
    file: Annotated[Path, typer.Argument(help="The file to write; `-` prints it.")] = Path("scenario.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a commented scenario to start from."""
    from importlib.resources import files

    from sim.errors import InputErrors, Problem
    from sim.files import write_text

    text = files("sim.scenario").joinpath("template.yaml").read_text(encoding="utf-8")
    if str(file) == "-":
        say(text.removesuffix("\n"))
        return
    if file.exists() and not force:
        problem = Problem("", "is there already", "write --force to overwrite it, or give another name", str(file))
        raise InputErrors([problem])
    write_text(file, text)
    say(f"{file} written; next:  sim check {file}  and  sim run {file}")
