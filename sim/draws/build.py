"""From the distributions that a network holds to the inverses that are drawn from."""

from __future__ import annotations

from functools import cache

from sim.draws import distributions as make
from sim.draws.kinds import Inverse
from sim.network import distributions as spec

NS = 1e9  # dividing survives the way back to whole nanoseconds, multiplying by 1e-9 does not


@cache
def inverse_of(distribution: spec.Distribution) -> Inverse:
    """Inverse distribution function of a time, in seconds."""
    match distribution:
        case spec.Constant():
            return make.constant(distribution.constant_ns / NS)
        case spec.Exponential():
            return make.exponential(distribution.exponential_ns / NS)
        case spec.Lognormal():
            return _lognormal(distribution)
        case spec.Uniform():
            least, greatest = distribution.uniform_ns
            return make.uniform(least / NS, greatest / NS)
        case spec.Gamma():
            return make.gamma(distribution.gamma.mean_ns / NS, distribution.gamma.cv)
        case spec.Hyperexponential():
            return make.hyperexponential(distribution.hyperexponential.mean_ns / NS, distribution.hyperexponential.cv)
        case spec.Weibull():
            return make.weibull(distribution.weibull.scale_ns / NS, distribution.weibull.shape)
        case spec.Pareto():
            shape = distribution.pareto
            greatest_s = None if shape.max_ns is None else shape.max_ns / NS
            return make.pareto(shape.min_ns / NS, shape.alpha, greatest_s)
        case spec.Empirical():
            values = [value / NS for value in distribution.empirical.values_ns]
            return make.empirical(values, distribution.empirical.probabilities)
        case spec.Mixture():
            parts = distribution.mixture
            return make.mixture([part.weight for part in parts], [inverse_of(part.of) for part in parts])
        case spec.Residual():
            return make.residual(inverse_of(distribution.residual))
        case spec.OrderStatistic():
            order = distribution.fastest
            return make.order_statistic(inverse_of(order.of), order.k, order.n)
    raise AssertionError(distribution)


def _lognormal(distribution: spec.Lognormal) -> Inverse:
    if distribution.mean_ns is not None:
        whole = make.lognormal_mean_cv(distribution.mean_ns / NS, distribution.cv or 0.0)
    else:
        (level_1, ns_1), (level_2, ns_2) = distribution.quantiles
        whole = make.lognormal_quantiles(level_1, ns_1 / NS, level_2, ns_2 / NS)
    if distribution.min_ns is None and distribution.max_ns is None:
        return whole
    greatest = float("inf") if distribution.max_ns is None else distribution.max_ns / NS
    return make.truncated(whole, (distribution.min_ns or 0) / NS, greatest)


@cache
def number_of(number: spec.Number) -> Inverse:
    """Inverse distribution function of a count that is drawn; a value of an attribute has none."""
    match number:
        case int():
            return make.constant(number)
        case spec.Geometric():
            return make.geometric(number.geometric)
        case spec.Poisson():
            return make.poisson(number.poisson)
        case spec.UniformCount():
            return make.uniform_count(*number.between)
    raise AssertionError(number)
