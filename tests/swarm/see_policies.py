"""What keeps failures from spreading, and timer queues: looks at those of the reference engine."""

from __future__ import annotations

from typing import Any

from sim.engine.reference.policies import CLOSED, HALF_OPEN, BreakerState, BudgetState, Circuit, Passage
from sim.engine.reference.timer_queues import TimerState
from sim.network.policies import TOKEN

from .looks import Seen, look


@look(Circuit, "change")
def _change(seen: Seen, circuit: Any, state: int) -> None:
    before = getattr(circuit, "state", None)
    if before is not None and state != before:
        seen.add(f"breaker.{('closes', 'half_open', 'opens')[state]}")
    if before == HALF_OPEN and state not in (CLOSED, HALF_OPEN):
        seen.add("breaker.opens_again")


@look(BreakerState, "ask")
def _ask(seen: Seen, breaker: Any, job: Any) -> None:
    if len(breaker.circuits) > 1:
        seen.add("breaker.nodes")
    circuit = breaker.circuits[0]
    full = circuit.let_through + len(circuit.outcomes) >= breaker.spec.trials
    if len(breaker.circuits) == 1 and circuit.state == HALF_OPEN and full:
        seen.add("breaker.trials_full")


@look(Passage, "ended")
def _ended(seen: Seen, passage: Any, failed: bool) -> None:
    if passage.phase != passage.circuit.phase:
        seen.add("breaker.stale")


@look(Passage, "left")
def _left(seen: Seen, passage: Any) -> None:
    seen.add("breaker.left")
    if passage.phase == passage.circuit.phase and passage.circuit.state == HALF_OPEN:
        seen.add("breaker.trial_left")


@look(BreakerState, "node_down")
def _node_down(seen: Seen, breaker: Any, node: int, hit: Any) -> None:
    if breaker.circuits[node].state != CLOSED:
        seen.add("breaker.crashed")


@look(BudgetState, "deposit")
def _deposit(seen: Seen, budget: Any, job: Any) -> None:
    node = budget._node(job)
    if node is None:
        return
    seen.add("budget.put_in")
    if budget.tokens[node] + budget.spec.deposit > budget.full:
        seen.add("budget.full")
    if len(budget.tokens) > 1:
        seen.add("budget.nodes")


@look(BudgetState, "take")
def _take(seen: Seen, budget: Any, job: Any) -> None:
    node = budget._node(job)
    if node is not None:
        seen.add("budget.takes" if budget.tokens[node] >= TOKEN else "budget.spent")


@look(BudgetState, "node_down")
def _budget_down(seen: Seen, budget: Any, node: int, hit: Any) -> None:
    if budget.tokens[node] < budget.full:
        seen.add("budget.crashed")


@look(TimerState, "end_of")
def _timer_end(seen: Seen, timers: Any, end_ns: int) -> None:
    if end_ns < timers.least_ns:
        seen.add("timers.put_off")


@look(TimerState, "ended")
def _timer_ended(seen: Seen, timers: Any, now_ns: int) -> None:
    seen.add("timers.read" if now_ns >= timers.read_ns else "timers.within")


@look(TimerState, "notify")
def _timers_notified(seen: Seen, timers: Any, now_ns: int) -> None:
    if now_ns + timers.spec.ahead_ns > timers.least_ns:
        seen.add("timers.notified")
