"""`validate`: predictions beside published figures, decisions, theory, and measurements of real systems."""

from __future__ import annotations

from typing import Annotated

import typer

from calibration.cli import validate_real, validate_theory
from sim.cli.process import note, say, say_json, settle
from sim.cli.study import Processes, compile_engine
from sim.errors import InputErrors, Problem

app = typer.Typer(help="Hold predictions against what was published, measured, or is known.", no_args_is_help=True)

app.command("theory")(validate_theory.command)
for _system, _product in (
    ("postgres", "PostgreSQL under pgbench"),
    ("temporal", "a Temporal dev server"),
    ("dbos", "DBOS on PostgreSQL"),
):
    app.command(_system)(validate_real.verb(_system, _product))


@app.callback()
def _group() -> None:
    """Hold predictions against what was published, measured, or is known."""


@app.command("figures")
def figures(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="[ID]...", help="The same as --only.", show_default=False),
    ] = [],  # noqa: B006 - typer copies it
    only: Annotated[
        list[str],
        typer.Option(
            "--only", metavar="ID", help="One figure, `coinbase.p99_latency`, or a family, `coinbase`. Repeatable."
        ),
    ] = [],  # noqa: B006 - typer copies it
    solve: Annotated[
        bool,
        typer.Option(
            "--solve",
            help="Find by runs where undetermined figures come out: the value of what each hangs on, and whether "
            "that is plausible. At most some 16 values are tried for each.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as one JSON list and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    processes: Processes = -1,
) -> None:
    """Predict every figure of the registry and print its verdict.

    met, missed: it could have come out otherwise; with a question mark where model error could turn it. arithmetic:
    it follows from inputs. fitted: something was chosen for it. undetermined: it hangs on one parameter that the text
    does not give, and the row tells where it comes out. contradictory: it conflicts with another one. used: an input
    that a scenario has, and would mean something else without. The headline counts met against met and missed.
    """
    from calibration.case_studies import CONFIGS, registry
    from calibration.cli.figures_text import as_text, solved_as_text
    from calibration.published.check import Checker
    from calibration.published.registry import parameter_of
    from sim.studies.run.study import Options

    if processes != -1 and processes < 1:
        raise InputErrors([Problem("--processes", f"is {processes}; at least 1 is expected")])
    settle()
    compile_engine("fast", quiet)
    checker = Checker(registry(), CONFIGS, Options(processes=processes), lambda name: note(f"running {name}", quiet))
    chosen = [*ids, *only]
    if solve:
        solved = [(figure, checker.solved(figure)) for figure in checker.undetermined(chosen)]
        if as_json:
            told = [one.to_json(figure.id, parameter_of(figure)) for figure, one in solved]
            say_json(told)
        else:
            say(solved_as_text(solved))
        return
    rows = checker.rows(chosen)
    if as_json:
        say_json([row.to_json() for row in rows])
    else:
        say(as_text(rows))


@app.command("decisions")
def decisions(
    only: Annotated[list[str], typer.Option("--only", metavar="NAME", help="One decision. Repeatable.")] = [],  # noqa: B006 - typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    processes: Processes = -1,
) -> None:
    """Decide by runs which deployment to choose for which load, and at what load the choice flips.

    Of the deployments that a recommendation names, the cheapest that keeps its objectives is chosen.
    """
    from calibration.case_studies import CONFIGS, registry
    from calibration.cli.decisions_text import as_text
    from calibration.published.decisions import decide, decisions_of
    from sim.studies.run.study import Options

    if processes != -1 and processes < 1:
        raise InputErrors([Problem("--processes", f"is {processes}; at least 1 is expected")])
    settle()
    compile_engine("fast", quiet)
    known = registry()
    chosen = decisions_of(known, only)
    options = Options(processes=processes, lives=False)
    made = [decide(name, known, CONFIGS, options, lambda what: note(what, quiet)) for name in chosen]
    if as_json:
        say_json([one.to_json() for one in made])
    else:
        say(as_text(made))
