"""Compiler of circuit breakers, retry budgets and timer queues."""

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
        at = program.room(L.Breaker.SIZE)
        program.handles[f"breaker {name}"] = at
        handles.append(at)
        words, count = program.words, 1
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.Breaker.AT], words[at + L.Breaker.GROUP] = (
                program.handles[spec.at],
                program.handles[f"group {group}"],
            )
        words[at + L.Breaker.COUNT], words[at + L.Breaker.WIDTH] = count, L.Circuit.OUTCOMES + spec.window
        words[at + L.Breaker.WINDOW], words[at + L.Breaker.OPENING] = spec.window, spec.opening_failures
        words[at + L.Breaker.TRIALS], words[at + L.Breaker.REOPENING] = spec.trials, spec.reopening_failures
        words[at + L.Breaker.OPEN] = spec.open_ns
        program.block(at + L.Breaker.CIRCUITS, [at, *[0] * (words[at + L.Breaker.WIDTH] - 1)], count)
    program.words[L.Header.BREAKERS], program.words[L.Header.BREAKER_COUNT] = program.put(handles), len(handles)


def write_budgets(program: Program, network: Network) -> None:
    """Every retry budget, full."""
    groups, handles = node_groups(network), []
    for name, spec in network.budgets.items():
        at = program.room(L.Budget.SIZE)
        program.handles[f"budget {name}"] = at
        handles.append(at)
        words, count, full = program.words, 1, spec.burst * TOKEN
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.Budget.AT], words[at + L.Budget.GROUP] = (
                program.handles[spec.at],
                program.handles[f"group {group}"],
            )
        words[at + L.Budget.COUNT], words[at + L.Budget.DEPOSIT], words[at + L.Budget.FULL] = count, spec.deposit, full
        words[at + L.Budget.SUM] = count * full
        program.block(at + L.Budget.NODES, [full], count)
    program.words[L.Header.BUDGETS], program.words[L.Header.BUDGET_COUNT] = program.put(handles), len(handles)


def write_timers(program: Program, network: Network) -> None:
    """Every timer queue, with nothing read."""
    for name, spec in network.timers.items():
        at = program.room(L.TimerQueue.SIZE)
        program.handles[f"timers {name}"] = at
        program.words[at + L.TimerQueue.AHEAD], program.words[at + L.TimerQueue.AFTER] = spec.ahead_ns, spec.after_ns
