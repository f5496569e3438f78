"""`sim explain`: the lowered network, or the life of one execution, event by event."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.process import say, say_json, settle
from sim.cli.study import File, MitigationName, Sets
from sim.errors import InputErrors, Problem


def command(
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    execution: Annotated[
        int | None, typer.Option("--execution", metavar="N", help="Show the N-th execution, from 0, event by event.")
    ] = None,
    replication: Annotated[
        int | None, typer.Option("--replication", help="Of this replication.", show_default="0")
    ] = None,
    drill: Annotated[str | None, typer.Option("--drill", help="In the run with this scripted fault.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed in place of the scenario's.")] = None,
    program: Annotated[bool, typer.Option("--program", help="The network as the fast engine has it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The lowered network as JSON, to be read back.")] = False,
) -> None:
    """Show the network that is simulated, or one execution event by event."""
    from sim.cli.network_text import as_scenario, network_text, program_text
    from sim.studies.loading.load import load

    loaded = load(file, sets, mitigation)
    settle()
    if execution is not None:
        from sim.studies.run.study import life

        if as_json:
            raise InputErrors([Problem("--json", "is about the network; the life of an execution is text")])
        if program:
            raise InputErrors([Problem("--program", "is about the network, --execution about a life: keep one")])
        say("\n".join(life(loaded, execution, replication or 0, drill, seed)))
        return
    alone = [("--replication", replication), ("--drill", drill), ("--seed", seed)]
    problems = [
        Problem(name, "selects an execution, and --execution is not given", "add   --execution 0")
        for name, value in alone
        if value is not None
    ]
    if problems:
        raise InputErrors(problems)
    if program:
        if as_json:
            raise InputErrors([Problem("--json", "is about the network; the program is text")])
        say(program_text(loaded))
        return
    if as_json:
        say_json(as_scenario(loaded))
    else:
        say(network_text(loaded))
