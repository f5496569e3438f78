"""Compiler of marks: the spans between them, the monitors that watch them, the steps that make them."""

from __future__ import annotations

from sim.engine.fast import layout as L
from sim.engine.fast.program import Fields, Program
from sim.network import Network
from sim.network.facts import node_groups
from sim.network.routines import Mark


def write_spans(program: Program, network: Network) -> None:
    """Spans between marks, and those that measure recovery from a crash."""
    recoveries: list[int] = []
    readied: dict[str, int] = {}
    groups = {name: index for index, name in enumerate(node_groups(network))}
    open_spans = 0
    for name, span in network.spans.items():
        if span.after_crash is None:
            program.record(L.Span.SIZE, {L.Span.READY: open_spans}, f"span {name}")
            open_spans += 1
        else:
            ready = program.number(readied, span.start)
            fields: Fields = {L.Span.RECOVERY: 1, L.Span.READY: ready, L.Span.GROUP: groups[span.after_crash]}
            recoveries.append(program.record(L.Span.SIZE, fields, f"span {name}"))
    program.words[L.Header.SPANS] = open_spans
    program.table(L.Header.RECOVERIES, recoveries)
    program.readied = readied


def write_monitors(program: Program, network: Network) -> None:
    """What is claimed of every execution, and the marks that it is claimed of."""
    first = program.room(L.Monitor.SIZE * len(network.monitors))
    program.write(L.Header.MONITORS, [first, len(network.monitors)])
    requested = 0
    for index, (name, monitor) in enumerate(network.monitors.items()):
        at = first + index * L.Monitor.SIZE
        program.handles[f"monitor {name}"] = at

        def mark(name: str) -> int:
            return program.number(program.marks, name)

        fields: Fields = {L.Monitor.LIMIT: -1 if monitor.within_ns is None else monitor.within_ns}
        if monitor.eventually is not None:
            assert monitor.when is not None
            form, one = L.MonitorForm.EVENTUALLY, mark(monitor.when)
            fields |= {L.Monitor.FORM: form, L.Monitor.ONE: one, L.Monitor.SLOT: requested}
            requested += 1
            for answer in monitor.eventually:
                mark(answer)
        elif monitor.never_both is not None:
            one, other = map(mark, monitor.never_both)
            fields |= {L.Monitor.FORM: L.MonitorForm.NEVER_BOTH, L.Monitor.ONE: one, L.Monitor.OTHER: other}
        elif monitor.at_most_once is not None:
            fields |= {L.Monitor.FORM: L.MonitorForm.AT_MOST_ONCE, L.Monitor.ONE: mark(monitor.at_most_once)}
        else:
            moved = [word for name, amount in (monitor.conserve or {}).items() for word in (mark(name), amount)]
            program.table(at + L.Monitor.AMOUNTS, moved, 2)
            fields[L.Monitor.FORM] = L.MonitorForm.CONSERVE
        program.fill(at, fields)
    program.requested = requested


def write_mark(program: Program, network: Network, at: int, step: Mark) -> None:
    """What a mark step does: the spans that it ends and begins, the monitors that it answers and asks."""
    name = step.mark.name
    fields: Fields = {
        L.MarkStep.READIES: program.readied.get(name, -1),
        L.MarkStep.WATCHED: program.marks.get(name, -1),
        L.MarkStep.ONCE: int(step.mark.once),
    }
    program.fill(at, fields)
    words = program.words
    ends, starts, recovers = [], [], []
    recoveries = 0
    for span_name, span in network.spans.items():
        handle = program.handles[f"span {span_name}"]
        if span.after_crash is not None:
            if span.end == name:
                recovers.append(recoveries)
            recoveries += 1
            continue
        if span.end == name:
            ends += [words[handle + L.Span.READY], handle]
        if span.start == name:
            starts.append(words[handle + L.Span.READY])
    monitors = network.monitors.items()
    answers = [program.handles[f"monitor {n}"] for n, m in monitors for answer in m.eventually or () if answer == name]
    asks = [program.handles[f"monitor {n}"] for n, m in monitors if m.when == name]
    for where, items, width in (
        (L.MarkStep.ENDS, ends, 2),
        (L.MarkStep.STARTS, starts, 1),
        (L.MarkStep.RECOVERS, recovers, 1),
        (L.MarkStep.ANSWERS, answers, 1),
        (L.MarkStep.ASKS, asks, 1),
    ):
        program.table(at + where, items, width)
