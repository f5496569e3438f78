"""`sim calibrate`: service times fitted to logs, histories, metrics and traces."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.process import note, say
from sim.cli.study import check_files
from sim.errors import InputErrors, Problem
from sim.files import write_text

if TYPE_CHECKING:
    from sim.calibrate.service_times import ServiceTimes
    from sim.observed.table import Observations


def command(
    context: typer.Context,
    file: Annotated[list[Path], typer.Argument(help="What was observed: files or a folder.", show_default=False)],
    kind: Annotated[
        list[str], typer.Option("--kind", metavar="GLOB", help="What is fitted, in place of service times.")
    ] = [],  # noqa: B006 - typer copies it
    write: Annotated[Path | None, typer.Option("--write", help="Write the fits as YAML.", show_default=False)] = None,
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help="pgbench, Temporal: write a scenario, ready to run.", show_default=False),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="Temporal: the scenario whose platform is taken for it.", show_default=False),
    ] = None,
    cpu: Annotated[
        int | None, typer.Option("--cpu", min=1, help="pgbench, one client: cores that the work is shared by.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No notes.")] = False,
) -> None:
    """Fit service times to what was measured.

    Files are told by their content: logs of `pgbench -l`, Temporal workflow histories (`temporal workflow show
    --output json`), range queries of Prometheus, traces (OTLP, Jaeger), results of k6 (CSV, JSON) and locust (CSV).
    Prints what is in it, and for service times the distribution that fits, as a line of YAML.
    """
    from sim.calibrate.service_times import as_file, fit_kinds, service_kinds
    from sim.cli.service_times_text import as_text
    from sim.observed.recognise import read

    words = shlex.join(["sim", *context.find_root().obj])
    _check_files(write, scenario, [*file, *([like] if like is not None else [])])
    observed = read(file)
    name = file[0].name if len(file) == 1 else f"{len(file)} files"
    needs = [key for key, value in (("--like", like), ("--cpu", cpu)) if value is not None and scenario is None]
    if needs:
        raise InputErrors([Problem(key, "is for --scenario", "add   --scenario OUT.yaml") for key in needs])
    fits = fit_kinds(observed, service_kinds(observed, kind))
    text = None if scenario is None else scenario_of(observed, fits, name, like, cpu, words)
    say(as_text(observed, fits, name))
    if write is not None:
        write_text(write, "\n".join(as_file(fits, file, words)) + "\n")
        note(f"fits: {write}", quiet)
    if scenario is not None and text is not None:
        write_text(scenario, text)
        note(f"scenario: {scenario}; try   sim run {scenario}", quiet)


def scenario_of(
    observed: Observations,
    fits: Mapping[str, ServiceTimes],
    name: str,
    like: Path | None,
    cpu: int | None,
    command: str,
) -> str:
    """The scenario of these observations. Raises InputErrors for a source that is neither pgbench nor Temporal."""
    from sim.calibrate.scenarios import pgbench_scenario, temporal_scenario
    from sim.scenario.reading.reader import read as read_scenario

    if "clients" in observed.facts:
        if like is not None:
            raise InputErrors([Problem("--like", "is for workflow histories", "leave it out")])
        return pgbench_scenario(observed, fits, name, cpu, command)
    if "workflows" in observed.facts:
        if cpu is not None:
            raise InputErrors([Problem("--cpu", "is for a log of pgbench", "leave it out")])
        data = None if like is None else read_scenario(like).data
        return temporal_scenario(observed, fits, name, command, data)
    message = f"{observed.source}: what was called in which order is not told"
    raise InputErrors([Problem("--scenario", message, "write one with   sim init   and paste the distributions")])


def _check_files(write: Path | None, scenario: Path | None, inputs: Sequence[Path]) -> None:
    """Raises InputErrors where what is to be written would take the place of what is read, or cannot be written."""
    problems: list[Problem] = []
    files = [(key, one) for key, one in (("--write", write), ("--scenario", scenario)) if one is not None]
    read = [one for path in inputs for one in (path.iterdir() if path.is_dir() else (path,))]
    check_files(files, read, problems)
    if problems:
        raise InputErrors(problems)
