"""`sim explain`: the lowered network, or the life of one execution, event by event."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sim.cli.options import File, Sets


def command(
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    execution: Annotated[
        int | None, typer.Option("--execution", metavar="N", help="The life of the N-th execution, from 0.")
    ] = None,
    replication: Annotated[int, typer.Option("--replication", help="Of which replication.")] = 0,
    drill: Annotated[str | None, typer.Option("--drill", help="With this scripted fault happening.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Instead of the scenario's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The lowered network as JSON, to be read back.")] = False,
) -> None:
    """Show the lowered network, so that nothing is hidden; or one execution's life."""
    from sim.lower.load import load

    loaded = load(file, sets)
    if execution is not None:
        from sim.plan.predict import life

        for line in life(loaded, execution, replication, drill, seed):
            print(line)
        return
    if as_json:
        network = loaded.lowered.network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        print(json.dumps({"name": loaded.scenario.name, "network": network}, indent=2, ensure_ascii=False))
        return
    from sim.cli.network_text import network_text

    print(network_text(loaded))
