"""What an execution does: the steps of a routine. How an engine walks them is SEMANTICS.md's matter."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import Field, Tag, model_validator

from sim.network.counts import From0, Name, Positive, Signed
from sim.network.distributions import Distribution, Number
from sim.network.plain_steps import Change as Change
from sim.network.plain_steps import CountStep as CountStep
from sim.network.plain_steps import Fail as Fail
from sim.network.plain_steps import Forget as Forget
from sim.network.plain_steps import Mark as Mark
from sim.network.plain_steps import MarkBody as MarkBody
from sim.network.plain_steps import Notify as Notify
from sim.network.plain_steps import Prompt as Prompt
from sim.network.plain_steps import Release as Release
from sim.network.plain_steps import SetStep as SetStep
from sim.network.plain_steps import Start as Start
from sim.network.plain_steps import StepSpec as StepSpec
from sim.network.plain_steps import Tell as Tell
from sim.network.policies import Heartbeat as Heartbeat
from sim.network.policies import Retry as Retry
from sim.spec import Spec, chosen_by_key
from sim.units import Duration, PositiveDuration, Ratio


class AcquireBody(Spec):
    """What to acquire, and what to do when it does not come."""

    plain_value_is: ClassVar[str] = "resource"
    resource: Name
    """The resource."""
    units: Positive = 1
    """How many units, all of one node."""
    at: Name | None = None
    """On the node of the unit of this resource that is held already."""
    affinity: Name | None = None
    """On the node remembered under this name, if there is one; the node that grants is remembered."""
    lease_ns: Duration | None = None
    """With `affinity`: a node that has been down for this long is known to be, and is not waited for."""
    patience: Distribution | None = None
    """Wait at most this long; then `otherwise`, or fail with `patience`."""
    otherwise: Steps | None = None
    """The way round, once patience has run out."""
    priority: Signed | None = None
    """Priority in a `queue: priority`; that of the source by default."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.at is not None and self.affinity is not None:
            raise ValueError("`at` and `affinity` both choose the node; keep one")
        if self.otherwise is not None and self.patience is None:
            raise ValueError("`otherwise` needs `patience`")
        return self


class Acquire(StepSpec):
    """Wait for units and hold them until released."""

    TAG: ClassVar[str] = "acquire"
    acquire: AcquireBody
    """The resource, or what is said about it."""


class UseBody(Spec):
    """A visit to a station."""

    plain_value_is: ClassVar[str] = "station"
    station: Name
    """The station."""
    demand: Distribution | None = None
    """Work brought; the station's `service` by default."""
    per: dict[Name, Duration] = Field(default_factory=dict)
    """Further work for each unit of an attribute: `{history: 10 us}`."""
    at: Name | None = None
    """On the node of the unit of this resource that is held."""
    patience: Distribution | None = None
    """Wait for service at most this long, then fail with `patience`."""
    priority: Signed | None = None
    """Priority in a `queue: priority`; that of the source by default."""


class Use(StepSpec):
    """Visit a station: wait, be served, leave."""

    TAG: ClassVar[str] = "use"
    use: UseBody
    """The station, or what is said about the visit."""


class DelayStep(StepSpec):
    """Let time pass."""

    TAG: ClassVar[str] = "delay"
    delay: Distribution
    """How long."""
    per: dict[Name, Duration] = Field(default_factory=dict)
    """Further time for each unit of an attribute."""
    kind: Literal["service", "network", "timer"] = "service"
    """What the time is called in the split of latency."""
    floor_ns: Duration = 0
    """At least this long."""
    grid_ns: PositiveDuration | None = None
    """Ends at a multiple of this time, the next one (a timer that is looked at in steps)."""
    timers: Name | None = None
    """It is a timer of this queue, which may put it off."""


class Option(Spec):
    """One way of a branch."""

    probability: Ratio | None = None
    """Chance of this way."""
    attribute: Name | None = None
    """Taken when this attribute ..."""
    above: float | None = None
    """... is above this ..."""
    below: float | None = None
    """... and below this."""
    steps: Steps = ()
    """What it does."""

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if self.probability is not None and self.attribute is not None:
            raise ValueError("a way has a `probability` or an `attribute`, not both")
        if (self.attribute is None) != (self.above is None and self.below is None):
            raise ValueError("`attribute` goes with `above` or `below`")
        return self


class Branch(StepSpec):
    """Go one way: the first whose condition holds, by attribute or by one draw; one without condition is the rest."""

    TAG: ClassVar[str] = "branch"
    branch: Annotated[tuple[Option, ...], Field(min_length=1)]
    """The ways, in order."""

    @model_validator(mode="after")
    def _chances_fit(self) -> Self:
        if sum(option.probability or 0 for option in self.branch) > 1 + 1e-9:
            raise ValueError("the probabilities add up to more than 1")
        for option in self.branch[:-1]:
            if option.probability is None and option.attribute is None:
                raise ValueError("only the last way may be without a condition")
        return self


class LoopBody(Spec):
    """What is repeated, and how often."""

    times: Number
    """How many times."""
    steps: Steps
    """What."""


class Loop(StepSpec):
    """Repeat steps."""

    TAG: ClassVar[str] = "loop"
    loop: LoopBody
    """How often and what."""


class ForkBody(Spec):
    """Children that run at the same time, and when the parent goes on."""

    items: Number | None = None
    """Number of children that all run `steps`; known only at run time."""
    steps: Steps | None = None
    """What each child does."""
    branches: tuple[Steps, ...] | None = None
    """Instead: one child for each list of steps."""
    join: Literal["all", "first"] | From0 = "all"
    """Go on when all, the first, or this many have succeeded."""
    cancel: bool = False
    """Stop the children that are left when the join fires or fails; else they run on."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        by_items = self.items is not None and self.steps is not None and self.branches is None
        by_branches = self.items is None and self.steps is None and self.branches is not None
        if not (by_items or by_branches):
            raise ValueError("needs `items` with `steps`, or `branches`")
        return self


class Fork(StepSpec):
    """Run children at the same time and join them."""

    TAG: ClassVar[str] = "fork"
    fork: ForkBody
    """The children and the join."""


class Race(StepSpec):
    """Run branches at the same time; the first to end decides, the others are stopped."""

    TAG: ClassVar[str] = "race"
    race: Annotated[tuple[Steps, ...], Field(min_length=1)]
    """The branches."""


class AttemptBody(Spec):
    """Steps that may fail and be tried again."""

    steps: Steps
    """What is attempted."""
    schedule_to_start_ns: PositiveDuration | None = None
    """Longest wait until the start of one attempt; expiry is not tried again."""
    start_to_close_ns: PositiveDuration | None = None
    """Longest time from the start to the end of one attempt."""
    schedule_to_close_ns: PositiveDuration | None = None
    """Longest time over all attempts and back-offs; expiry is not tried again."""
    heartbeat: Heartbeat | None = None
    """Detect the loss of the node it runs on."""
    retry: Retry | None = None
    """When to try again; without it there is one attempt."""
    breaker: Name | None = None
    """Every try asks this circuit breaker first; turned away it fails with `open_circuit`."""
    on_crash: Literal["fail", "silent"] = "fail"
    """When the node that it started on crashes: the attempt fails at once (a closed connection), or nobody hears
    and only a timeout ends it."""
    stops: bool = False
    """Whether a deadline is propagated: a body whose time is up is stopped, whatever it does, not left behind."""
    counted: bool = True
    """Whether its attempts count in the retry amplification."""
    on_failure: Steps | None = None
    """What to do when all attempts have failed; without it the failure goes on outwards."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        timed = self.start_to_close_ns or self.heartbeat or self.schedule_to_close_ns
        if self.stops and not timed:
            raise ValueError("`stops` needs a timeout after the start; write start_to_close: 30 s")
        if self.on_crash == "silent" and not timed:
            raise ValueError(
                "`on_crash: silent` needs a timeout that ends the attempt; write start_to_close: 30 s or a heartbeat"
            )
        return self


class Attempt(StepSpec):
    """Try steps, with timeouts, back-off and retries."""

    TAG: ClassVar[str] = "attempt"
    attempt: AttemptBody
    """The steps and the policy."""


class Saga(StepSpec):
    """Steps of which the compensations are run, last first, when one fails; the execution then ends `compensated`."""

    TAG: ClassVar[str] = "saga"
    saga: Steps
    """The steps."""


class Compensate(StepSpec):
    """Remember what undoes the steps before it, should the saga fail later."""

    TAG: ClassVar[str] = "compensate"
    compensate: Steps
    """What undoes them."""


class Call(StepSpec):
    """Run another routine's steps here."""

    TAG: ClassVar[str] = "call"
    call: Name
    """The routine."""


class ChildBody(Spec):
    """A child execution: what passes between it and its parent, and what becomes of it when its parent closes."""

    plain_value_is: ClassVar[str] = "routine"
    routine: Name
    """The routine that it runs."""
    takes: tuple[Name, ...] = ()
    """Attributes that begin with the parent's values; all others have their start values."""
    gives: tuple[Name, ...] = ()
    """Attributes of which the parent has the child's values once it has heard of its end."""
    told: Steps = ()
    """What the parent does when the child takes a `tell` step, which waits for it."""
    after: Steps = ()
    """What the child does once it has closed, before the parent hears of it."""
    wait: bool = True
    """Wait for its end; else go on at once."""
    on_close: Literal["terminate", "cancel", "abandon"] = "terminate"
    """What becomes of it when the parent closes, or the job that waits for it is interrupted."""

    @model_validator(mode="after")
    def _heard(self) -> Self:
        if self.gives and not self.wait:
            raise ValueError("`gives` needs `wait`: who does not wait hears of no values")
        return self


class Child(StepSpec):
    """Let a child execution in, with a key and a state of its own, and wait for its end."""

    TAG: ClassVar[str] = "child"
    child: ChildBody
    """The routine, or what is said about it."""


class CachedBody(Spec):
    """A look into the cache of the node held."""

    cache: Name
    """The cache."""
    at: Name
    """The resource whose held node it is."""
    hit: Steps = ()
    """What to do when the execution is remembered there."""
    miss: Steps = ()
    """What to do when it is not; it then is."""


class Cached(StepSpec):
    """Look the execution up in the cache of the node that it is on."""

    TAG: ClassVar[str] = "cached"
    cached: CachedBody
    """The cache, and what hit and miss do."""


_Tagged: TypeAlias = (
    Annotated[Acquire, Tag("acquire")]
    | Annotated[Release, Tag("release")]
    | Annotated[Use, Tag("use")]
    | Annotated[DelayStep, Tag("delay")]
    | Annotated[Branch, Tag("branch")]
    | Annotated[Loop, Tag("loop")]
    | Annotated[Fork, Tag("fork")]
    | Annotated[Race, Tag("race")]
    | Annotated[Attempt, Tag("attempt")]
    | Annotated[Start, Tag("start")]
    | Annotated[Saga, Tag("saga")]
    | Annotated[Compensate, Tag("compensate")]
    | Annotated[Call, Tag("call")]
    | Annotated[Child, Tag("child")]
    | Annotated[Tell, Tag("tell")]
    | Annotated[Mark, Tag("mark")]
    | Annotated[CountStep, Tag("count")]
    | Annotated[SetStep, Tag("set")]
    | Annotated[Fail, Tag("fail")]
    | Annotated[Cached, Tag("cached")]
    | Annotated[Forget, Tag("forget")]
    | Annotated[Prompt, Tag("prompt")]
    | Annotated[Notify, Tag("notify")]
)

STEP_CLASSES: tuple[type[StepSpec], ...] = tuple(get_args(one)[0] for one in get_args(_Tagged))
"""The class of every kind of step. What is known of each kind is in `kinds`."""

STEP_KINDS: tuple[str, ...] = tuple(one.TAG for one in STEP_CLASSES)
"""The keys that make a mapping a step."""

Step = Annotated[_Tagged, chosen_by_key({key: key for key in STEP_KINDS})]
"""One step of a routine: a mapping whose key says what it does."""

Steps = tuple[Step, ...]
