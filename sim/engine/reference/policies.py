"""Circuit breakers and retry budgets: whether a call is let through, whether it may be retried."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sim.engine.reference.groups import Hit, Resident
from sim.engine.reference.jobs import Failed, Job
from sim.network.policies import TOKEN, Breaker, Budget

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine

CLOSED, HALF_OPEN, OPEN = range(3)


class Circuit:
    """One breaker: that of a node, or of all.

    phase: goes up with every change of state; a try let through in another one is none of its business any more.
    let_through: trials of this phase that are under way. failed: failures among what is remembered.
    """

    __slots__ = ("failed", "let_through", "outcomes", "phase", "state", "until_ns")

    def __init__(self) -> None:
        self.phase = 0
        self.until_ns = 0
        self.change(CLOSED)

    def change(self, state: int) -> None:
        """A new state, with nothing remembered."""
        self.state = state
        self.phase += 1
        self.outcomes: deque[bool] = deque()
        self.failed = 0
        self.let_through = 0


class Passage:
    """Leave to go through, until the try has ended or is none of the breaker's business any more."""

    __slots__ = ("breaker", "circuit", "phase")

    def __init__(self, breaker: BreakerState, circuit: Circuit) -> None:
        self.breaker = breaker
        self.circuit = circuit
        self.phase = circuit.phase

    def ended(self, failed: bool) -> None:
        """The try has succeeded or failed."""
        if self.circuit.phase == self.phase:
            self.breaker.learn(self.circuit, failed)

    def left(self) -> None:
        """Somebody else has put an end to the try: its place is free again, and nothing is known."""
        if self.circuit.phase == self.phase:
            self.circuit.let_through -= 1


class BreakerState(Resident):
    """All breakers of one name; with `at` they stand on the nodes of a group.

    requested, turned_away, opened: how often, in the window.
    """

    def __init__(self, engine: Engine, spec: Breaker) -> None:
        self.clock = engine.clock
        self.window = engine.window
        self.spec = spec
        group = engine.pools[spec.at].group if spec.at is not None else None
        self.circuits = [Circuit() for _ in range(group.count if group is not None else 1)]
        self.requested = self.turned_away = self.opened = 0
        if group is not None:
            group.residents.append(self)

    @property
    def level(self) -> int:
        """The states added up: 0 closed, 1 half-open, 2 open."""
        return sum(circuit.state for circuit in self.circuits)

    def ask(self, job: Job) -> Passage:
        """Ask for a try. Raises Failed("open_circuit") when it is turned away, Failed("not_held") without a node."""
        circuit = self.circuits[job.node_of(self.spec.at) if self.spec.at is not None else 0]
        self.requested += self.window.holds(self.clock._now)
        if circuit.state == OPEN and self.clock._now >= circuit.until_ns:
            circuit.change(HALF_OPEN)
        full = circuit.let_through + len(circuit.outcomes) >= self.spec.trials
        if circuit.state == OPEN or (circuit.state == HALF_OPEN and full):
            self.turned_away += self.window.holds(self.clock._now)
            raise Failed("open_circuit")
        circuit.let_through += 1
        return Passage(self, circuit)

    def learn(self, circuit: Circuit, failed: bool) -> None:
        """A try that was let through in this phase has ended."""
        spec = self.spec
        circuit.let_through -= 1
        circuit.outcomes.append(failed)
        circuit.failed += failed
        if circuit.state == CLOSED:
            if len(circuit.outcomes) > spec.window:
                circuit.failed -= circuit.outcomes.popleft()
            if len(circuit.outcomes) == spec.window and circuit.failed >= spec.opening_failures:
                self._open(circuit)
        elif len(circuit.outcomes) == spec.trials:
            if circuit.failed >= spec.reopening_failures:
                self._open(circuit)
            else:
                circuit.change(CLOSED)

    def _open(self, circuit: Circuit) -> None:
        circuit.change(OPEN)
        circuit.until_ns = self.clock._now + self.spec.open_ns
        self.opened += self.window.holds(self.clock._now)

    # -- as a resident of its group ---------------------------------------------------------------------------

    def node_down(self, node: int, hit: Hit) -> None:
        """What the node knew is gone with it."""
        self.circuits[node].change(CLOSED)


class BudgetState(Resident):
    """All retry budgets of one name; with `at` they stand on the nodes of a group.

    tokens: of each, in parts of a TOKEN. wanted, withheld: further tries, in the window.
    """

    def __init__(self, engine: Engine, spec: Budget) -> None:
        self.clock = engine.clock
        self.window = engine.window
        self.spec = spec
        self.full = spec.burst * TOKEN
        group = engine.pools[spec.at].group if spec.at is not None else None
        self.tokens = [self.full] * (group.count if group is not None else 1)
        self.wanted = self.withheld = 0
        if group is not None:
            group.residents.append(self)

    @property
    def level(self) -> int:
        """Whole tokens in all of them together."""
        return sum(self.tokens) // TOKEN

    def deposit(self, job: Job) -> None:
        """A first try is made."""
        node = self._node(job)
        if node is not None:
            self.tokens[node] = min(self.tokens[node] + self.spec.deposit, self.full)

    def take(self, job: Job) -> bool:
        """Whether there is a token for a further try, which takes it."""
        node = self._node(job)
        counts = self.window.holds(self.clock._now)
        self.wanted += counts
        if node is None or self.tokens[node] < TOKEN:
            self.withheld += counts
            return False
        self.tokens[node] -= TOKEN
        return True

    def _node(self, job: Job) -> int | None:
        """The node whose budget it is; None where no unit is held."""
        if self.spec.at is None:
            return 0
        grant = job.holding(self.spec.at)
        return grant.node if grant is not None and grant.node >= 0 else None

    # -- as a resident of its group ---------------------------------------------------------------------------

    def node_down(self, node: int, hit: Hit) -> None:
        """What the node knew is gone with it."""
        self.tokens[node] = self.full
