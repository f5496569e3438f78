"""From circuit breakers, retry budgets and timer queues to words."""

from __future__ import annotations

from sim.engine.fast import layout as L
from sim.engine.fast.program import Program
from sim.network import Network
from sim.network.facts import group_of, node_groups
from sim.network.policies import TOKEN


def write_breakers(program: Program, network: Network) -> None:
    """Every circuit breaker, closed, with nothing remembered."""
    groups, handles = node_groups(network), []
    for name, spec in network.breakers.items():
        at = program.room(L.BK_SIZE)
        program.handles[f"breaker {name}"] = at
        handles.append(at)
        words, count = program.words, 1
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.BK_AT], words[at + L.BK_GROUP] = program.handles[spec.at], program.handles[f"group {group}"]
        words[at + L.BK_COUNT], words[at + L.BK_WIDTH] = count, L.BC_OUTCOMES + spec.window
        words[at + L.BK_WINDOW], words[at + L.BK_OPENING] = spec.window, spec.opening_failures
        words[at + L.BK_TRIALS], words[at + L.BK_REOPENING] = spec.trials, spec.reopening_failures
        words[at + L.BK_OPEN] = spec.open_ns
        program.block(at + L.BK_CIRCUITS, [at, *[0] * (words[at + L.BK_WIDTH] - 1)], count)
    program.words[L.H_BREAKERS], program.words[L.H_BREAKERS + 1] = program.put(handles), len(handles)


def write_budgets(program: Program, network: Network) -> None:
    """Every retry budget, full."""
    groups, handles = node_groups(network), []
    for name, spec in network.budgets.items():
        at = program.room(L.BU_SIZE)
        program.handles[f"budget {name}"] = at
        handles.append(at)
        words, count, full = program.words, 1, spec.burst * TOKEN
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.BU_AT], words[at + L.BU_GROUP] = program.handles[spec.at], program.handles[f"group {group}"]
        words[at + L.BU_COUNT], words[at + L.BU_DEPOSIT], words[at + L.BU_FULL] = count, spec.deposit, full
        words[at + L.BU_SUM] = count * full
        program.block(at + L.BU_NODES, [full], count)
    program.words[L.H_BUDGETS], program.words[L.H_BUDGETS + 1] = program.put(handles), len(handles)


def write_timers(program: Program, network: Network) -> None:
    """Every timer queue, with nothing read."""
    for name, spec in network.timers.items():
        at = program.room(L.TQ_SIZE)
        program.handles[f"timers {name}"] = at
        program.words[at + L.TQ_AHEAD], program.words[at + L.TQ_AFTER] = spec.ahead_ns, spec.after_ns
