"""How long things take and how many there are: distributions as a user writes them.

Their inverses, means and tables live in `sim.draws`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, Tag, model_validator

from sim.network.counts import MOST, From0
from sim.spec import Spec, chosen_by_key
from sim.units import Duration, PositiveDuration, Ratio


class Constant(Spec):
    """Always the same time: `5 ms`, or `{constant: 5 ms}`."""

    TAG: ClassVar[str] = "constant"
    plain_value_is: ClassVar[str] = "constant"
    constant_ns: Duration
    """The time."""


class Exponential(Spec):
    """Exponential with the given mean: `{exponential: 70 ms}`."""

    TAG: ClassVar[str] = "exponential"
    exponential_ns: PositiveDuration
    """The mean."""


class Lognormal(Spec):
    """Lognormal by mean and coefficient of variation, or by two quantiles; optionally cut to [min, max].

    `{mean: 10 ms, cv: 1}`, `{p50: 80 ms, p99: 900 ms}`, `{p1: 5 s, p99: 2 h, min: 5 s, max: 2 h}`.
    """

    TAG: ClassVar[str] = "lognormal"
    mean_ns: PositiveDuration | None = None
    """Mean, before any cut; goes with `cv`."""
    cv: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation over mean."""
    p1_ns: PositiveDuration | None = None
    """The time that 1 % stay below."""
    p50_ns: PositiveDuration | None = None
    """Median."""
    p90_ns: PositiveDuration | None = None
    """The time that 90 % stay below."""
    p95_ns: PositiveDuration | None = None
    """The time that 95 % stay below."""
    p99_ns: PositiveDuration | None = None
    """The time that 99 % stay below."""
    min_ns: Duration | None = None
    """Nothing below this: the distribution is cut there, not piled up."""
    max_ns: PositiveDuration | None = None
    """Nothing above this: the distribution is cut there, not piled up."""

    @property
    def quantiles(self) -> list[tuple[float, int]]:
        """The quantiles given: (probability, ns), in rising probability."""
        table = [
            (0.01, self.p1_ns),
            (0.5, self.p50_ns),
            (0.9, self.p90_ns),
            (0.95, self.p95_ns),
            (0.99, self.p99_ns),
        ]
        return [(p, ns) for p, ns in table if ns is not None]

    @model_validator(mode="after")
    def _two_numbers_fix_it(self) -> Self:
        by_mean = self.mean_ns is not None
        if by_mean and (self.cv is None or self.quantiles):
            raise ValueError("a mean needs `cv` beside it and no percentile; write {mean: 10 ms, cv: 1}")
        if not by_mean and (self.cv is not None or len(self.quantiles) != 2):
            raise ValueError("two percentiles fix a lognormal; write {p50: 80 ms, p99: 900 ms}")
        values = [ns for _, ns in self.quantiles]
        if values != sorted(set(values)):
            raise ValueError("percentiles must rise")
        low, high = self.min_ns or 0, self.max_ns
        if high is not None and high <= low:
            raise ValueError("`max` must be above `min`")
        return self


class Uniform(Spec):
    """Uniform between two times: `{uniform: [60 s, 120 s]}`."""

    TAG: ClassVar[str] = "uniform"
    uniform_ns: tuple[Duration, Duration]
    """Least and greatest time."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.uniform_ns[0] > self.uniform_ns[1]:
            raise ValueError("the first time must not be above the second")
        return self


class Gamma(Spec):
    """Gamma by mean and coefficient of variation: `{gamma: {mean: 10 ms, cv: 0.5}}`; cv = 1/sqrt(k) is Erlang-k."""

    class Shape(Spec):
        """Mean and spread."""

        mean_ns: PositiveDuration
        """Mean."""
        cv: Annotated[float, Field(gt=0)]
        """Standard deviation over mean."""

    TAG: ClassVar[str] = "gamma"
    gamma: Shape
    """Mean and coefficient of variation."""


class Hyperexponential(Spec):
    """Two exponentials with balanced means: `{hyperexponential: {mean: 10 ms, cv: 2}}`; cv above 1."""

    class Shape(Spec):
        """Mean and spread."""

        mean_ns: PositiveDuration
        """Mean."""
        cv: Annotated[float, Field(gt=1)]
        """Standard deviation over mean."""

    TAG: ClassVar[str] = "hyperexponential"
    hyperexponential: Shape
    """Mean and coefficient of variation."""


class Weibull(Spec):
    """Weibull by scale and shape: `{weibull: {scale: 10 ms, shape: 0.7}}`."""

    class Shape(Spec):
        """Scale and shape."""

        scale_ns: PositiveDuration
        """The time that 63.2 % stay below."""
        shape: Annotated[float, Field(gt=0)]
        """Below 1 the tail is heavier than exponential, above 1 lighter."""

    TAG: ClassVar[str] = "weibull"
    weibull: Shape
    """Scale and shape."""


class Pareto(Spec):
    """Pareto with a least value and a tail exponent: `{pareto: {min: 1 s, alpha: 1.5}}`; alpha <= 1 has no mean."""

    class Shape(Spec):
        """Least value, exponent, and the cut."""

        min_ns: PositiveDuration
        """Least time."""
        alpha: Annotated[float, Field(gt=0)]
        """Tail exponent: P(X > x) = (min/x)^alpha."""
        max_ns: PositiveDuration | None = None
        """Nothing above this: the distribution is cut there."""

    TAG: ClassVar[str] = "pareto"
    pareto: Shape
    """Least value and exponent."""


class Empirical(Spec):
    """Measured times: `{empirical: {values: [1 ms, 2 ms, 9 ms]}}`, linear between them.

    With `probabilities` the values are quantiles at those; without, they are equally likely observations.
    """

    class Table(Spec):
        """Values and where they stand."""

        values_ns: Annotated[tuple[Duration, ...], Field(min_length=2)]
        """Times, rising."""
        probabilities: tuple[Ratio, ...] | None = None
        """Rising from 0 to 1, one for each value."""

    TAG: ClassVar[str] = "empirical"
    empirical: Table
    """Values and probabilities."""

    @model_validator(mode="after")
    def _table_rises(self) -> Self:
        values, probabilities = self.empirical.values_ns, self.empirical.probabilities
        if list(values) != sorted(values):
            raise ValueError("`values` must rise")
        if probabilities is not None:
            if len(probabilities) != len(values):
                raise ValueError(f"{len(values)} values but {len(probabilities)} probabilities")
            if probabilities[0] != 0 or probabilities[-1] != 1 or list(probabilities) != sorted(probabilities):
                raise ValueError("`probabilities` must rise from 0 to 1")
        return self


class Mixture(Spec):
    """One of several, by weight: `{mixture: [{weight: 95 %, of: 1 ms}, {weight: 5 %, of: {exponential: 50 ms}}]}`."""

    class Part(Spec):
        """A component."""

        weight: Ratio
        """Probability of this one."""
        of: Distribution
        """Its distribution."""

    TAG: ClassVar[str] = "mixture"
    mixture: Annotated[tuple[Part, ...], Field(min_length=1)]
    """Components; weights add up to 1."""

    @model_validator(mode="after")
    def _weights_add_up(self) -> Self:
        total = sum(part.weight for part in self.mixture)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"weights add up to {total:g}, not to 1")
        return self


class Residual(Spec):
    """What is left of one that is already under way: `{residual: {mean: 3 min, cv: 0.8}}`.

    The equilibrium residual life, density (1 - F(x)) / mean: what an observer at a random instant still waits.
    """

    TAG: ClassVar[str] = "residual"
    residual: Distribution
    """The whole time."""


class OrderStatistic(Spec):
    """The k-th fastest of n independent ones: `{fastest: {k: 1, n: 2, of: {exponential: 2 ms}}}`."""

    class Order(Spec):
        """Which of how many."""

        k: Annotated[int, Field(ge=1, le=1000)]
        """1 is the fastest."""
        n: Annotated[int, Field(ge=1, le=1000)]
        """How many start together."""
        of: Distribution
        """Time of each."""

    TAG: ClassVar[str] = "fastest"
    fastest: Order
    """k, n and the distribution of each."""

    @model_validator(mode="after")
    def _k_fits(self) -> Self:
        if self.fastest.k > self.fastest.n:
            raise ValueError("`k` must not be above `n`")
        return self


_BY_KEY = {
    "constant": "constant",
    "exponential": "exponential",
    "mean": "lognormal",
    "p1": "lognormal",
    "p50": "lognormal",
    "p90": "lognormal",
    "p95": "lognormal",
    "p99": "lognormal",
    "uniform": "uniform",
    "gamma": "gamma",
    "hyperexponential": "hyperexponential",
    "weibull": "weibull",
    "pareto": "pareto",
    "empirical": "empirical",
    "mixture": "mixture",
    "residual": "residual",
    "fastest": "fastest",
}


Distribution = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[Lognormal, Tag("lognormal")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[Gamma, Tag("gamma")]
    | Annotated[Hyperexponential, Tag("hyperexponential")]
    | Annotated[Weibull, Tag("weibull")]
    | Annotated[Pareto, Tag("pareto")]
    | Annotated[Empirical, Tag("empirical")]
    | Annotated[Mixture, Tag("mixture")]
    | Annotated[Residual, Tag("residual")]
    | Annotated[OrderStatistic, Tag("fastest")],
    chosen_by_key(_BY_KEY, plain="constant"),
]
"""A time that may vary."""


class Geometric(Spec):
    """1, 2, 3, ... with the given mean: `{geometric: 200}`."""

    TAG: ClassVar[str] = "geometric"
    geometric: Annotated[float, Field(ge=1, le=MOST)]
    """The mean."""


class Poisson(Spec):
    """0, 1, 2, ... with the given mean: `{poisson: 12.5}`."""

    TAG: ClassVar[str] = "poisson"
    poisson: Annotated[float, Field(gt=0, le=1e6)]
    """The mean."""


class UniformCount(Spec):
    """A whole number between two, both included: `{between: [3, 8]}`."""

    TAG: ClassVar[str] = "between"
    between: tuple[From0, From0]
    """Least and greatest."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not 0 <= self.between[0] <= self.between[1]:
            raise ValueError("needs 0 <= first <= second")
        return self


class FromAttribute(Spec):
    """The value of an attribute that the execution carries: `{attribute: items}`."""

    TAG: ClassVar[str] = "attribute"
    attribute: str
    """Its name."""


Number = Annotated[
    Annotated[From0, Tag("int")]
    | Annotated[Geometric, Tag("geometric")]
    | Annotated[Poisson, Tag("poisson")]
    | Annotated[UniformCount, Tag("between")]
    | Annotated[FromAttribute, Tag("attribute")],
    chosen_by_key({key: key for key in ("geometric", "poisson", "between", "attribute")}, plain="int"),
]
"""How many: a whole number that may vary from one execution to the next."""
