"""What fails, when, and what that does."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.network.counts import Name, NodesOrNone
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import Duration, PositiveDuration, Ratio, SignedDuration


def _bare_is_exponential(value: Any) -> Any:
    return {"exponential": value} if isinstance(value, str) else value


class Target(Spec):
    """Which nodes of which group (or of which resource's or station's own nodes)."""

    group: Name
    """A node group, or a resource or station that has nodes of its own."""
    nodes: Literal["all", "any"] | tuple[NodesOrNone, ...] = "all"
    """All of them together, any one of them (drawn for each episode), or the ones listed, counted from 0."""


class Window(Spec):
    """When a fault may begin, again and again: `{from: 2 h, to: 4 h, period: 24 h}`."""

    from_ns: Duration
    """It opens so long after the beginning of every period; periods count from the start of the run."""
    to_ns: Duration
    """It closes then, itself no longer in it; before `from`, it closes in the next period."""
    period_ns: PositiveDuration
    """From opening to opening: a day, a week."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if max(self.from_ns, self.to_ns) > self.period_ns:
            raise ValueError("`from` and `to` lie within one `period`")
        if self.length_ns == 0:
            raise ValueError("is never open: `from` and `to` are the same instant of the period")
        return self

    @property
    def length_ns(self) -> int:
        """For how long it is open each time."""
        length = self.to_ns - self.from_ns
        return length if length >= 0 else length + self.period_ns


class Fault(Spec):
    """Something that goes down and comes back: scripted at a time, or at random."""

    targets: tuple[Target, ...] = ()
    """What it hits, all at the same instant."""
    effect: Literal["crash", "pause", "slow", "errors", "load", "clock"] = "crash"
    """crash: units and servers are gone and whoever runs there is interrupted; pause: work stands still and then
    goes on; slow: work goes at `speed`; errors: services end in failure with `probability`; load: it hits nothing,
    but sources that are `during` it send while it is there; clock: the wall clock jumps by `jump`, and back at its
    end."""
    speed: Annotated[float, Field(gt=0, lt=1)] | None = None
    """With `effect: slow`: the factor on speed."""
    probability: Ratio | None = None
    """With `effect: errors`: share of services that fail."""
    jump_ns: SignedDuration | None = None
    """With `effect: clock`: by how much it goes forward (+) or back (-). Timers, back-offs and timeouts of attempts
    that are pending are due that much earlier, or later; of a heartbeat one is pending once its signs have stopped."""
    at_ns: Duration | None = None
    """Scripted: when it starts."""
    duration: Distribution | None = None
    """How long until repaired; without it the fault stays."""
    mttf: Annotated[Distribution, BeforeValidator(_bare_is_exponential)] | None = None
    """Random: time from the start (or from repair) to the next fault; a bare time is the mean of an exponential."""
    each: bool = False
    """With `mttf`: every node of the targets fails by a clock of its own."""
    window: Window | None = None
    """With `mttf`: one that would begin outside of it begins when it opens next."""
    common: Ratio = 0.0
    """Common cause: share of the episodes that take all nodes of the targets instead of the one whose clock (`each`)
    or whose turn (`nodes: any`) it was. As every node's clock may bring one, n nodes with `each` have n times as many
    of them as one clock has."""
    notice_ns: PositiveDuration | None = None
    """With `effect: crash`: it is told this long before (spot capacity that is reclaimed, a drain). The nodes leave:
    they are given nothing new, only what is bound to them. When nothing is left there, or the notice is over, they
    crash, all together; `duration` counts from there."""
    drill: bool | None = None
    """A drill enters no average and is compared with a baseline run without it; scripted faults are drills by
    default."""
    source: str = ""
    """Who says how often it comes and how long it stays; without it that is an assumption."""

    @property
    def is_drill(self) -> bool:
        """Whether it stays out of the averages."""
        return self.at_ns is not None if self.drill is None else self.drill

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.at_ns is None) == (self.mttf is None):
            raise ValueError("needs either `at` (scripted) or `mttf` (random)")
        if self.mttf is not None and self.duration is None:
            raise ValueError("a random fault needs a `duration`, the time to repair")
        if (self.effect in ("load", "clock")) != (not self.targets):
            raise ValueError("`targets` say what it hits; only `effect: load` and `clock` hit nothing, and have none")
        if (self.effect == "clock") != bool(self.jump_ns):
            raise ValueError("`jump` goes with `effect: clock`, and that needs one, forward or back")
        if (self.effect == "slow") != (self.speed is not None):
            raise ValueError("`speed` goes with `effect: slow`, and that needs it")
        if (self.effect == "errors") != (self.probability is not None):
            raise ValueError("`probability` goes with `effect: errors`, and that needs it")
        if self.notice_ns is not None and self.effect != "crash":
            raise ValueError("`notice` goes with `effect: crash`: only who will be gone has something to leave")
        if self.each and self.at_ns is not None:
            raise ValueError("`each` goes with `mttf`")
        if self.window is not None and self.at_ns is not None:
            raise ValueError("`window` goes with `mttf`: a scripted fault has its time already")
        if self.common and not (self.each or any(target.nodes == "any" for target in self.targets)):
            raise ValueError("`common` goes with `each` or `nodes: any`: here every episode takes all nodes anyway")
        return self
