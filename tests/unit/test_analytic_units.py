"""Every closed form keeps its units: in milliseconds all times are 1000 times as large, and nothing else changes.

Each line asks one function twice, with times times k and rates divided by k; the suffix of a result's name tells
what has to happen to it (`_s`, `_s2`, `_per_s`), as does the last column for a plain number. A factor of time left
out or put in twice cannot pass.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass

import pytest

from calibration.closed_forms import (
    batching,
    disciplines,
    limited,
    mdc,
    mg1,
    networks,
    phased,
    retries,
    stations,
)
from calibration.closed_forms.moments import Deterministic, Exponential, Lognormal
from sim.analytic import availability
from tests.closed_forms import availability as tests_availability
from tests.closed_forms import queues, runlength
from tests.closed_forms.moments import Erlang, Hyperexponential, Pareto, Uniform, Weibull

K = 1000.0


def two_classes(k):
    return [
        disciplines.PriorityClass(0.3 / k, Erlang(0.9 * k, 2)),
        disciplines.PriorityClass(0.4 / k, Exponential(1.1 * k)),
    ]


QUESTIONS = {
    "mmc": (lambda k: stations.mmc(1.4 / k, 1.1 * k, 2), ""),
    "mmc_wait_tail": (lambda k: queues.mmc_wait_tail(1.4 / k, 1.1 * k, 2, 0.7 * k), ""),
    "mmc_wait_quantile": (lambda k: stations.mmc_wait_quantile_s(1.4 / k, 1.1 * k, 2, 0.9), "_s"),
    "mmc_sojourn_tail": (lambda k: stations.mmc_sojourn_tail(1.4 / k, 1.1 * k, 2, 0.7 * k), ""),
    "mmc_sojourn_quantile": (lambda k: stations.mmc_sojourn_quantile_s(1.4 / k, 1.1 * k, 2, 0.9), "_s"),
    "mmck": (lambda k: limited.mmck(3.4 / k, 1.1 * k, 2, 5), ""),
    "mgcc": (lambda k: limited.mgcc(3.4 / k, 1.1 * k, 2), ""),
    "erlang_a": (lambda k: limited.erlang_a(3.4 / k, 1.1 * k, 2, 0.7 * k), ""),
    "mmc_ps": (lambda k: disciplines.mmc_ps(1.4 / k, 1.1 * k, 2), ""),
    "mmc_ps_sojourn": (lambda k: disciplines.mmc_ps_sojourn(1.4 / k, 1.1 * k, 2).quantile(0.9), "_s"),
    "mmc_priority": (lambda k: disciplines.mmc_priority((0.5 / k, 0.6 / k), 1.1 * k, 2)[1], ""),
    "mmc_preemptive": (lambda k: queues.mmc_preemptive_priority((0.5 / k, 0.6 / k), 1.1 * k, 2)[1], ""),
    "mg1_lifo": (lambda k: queues.mg1_lifo_wait_variance_s2(0.4 / k, Erlang(1.1 * k, 2)), "_s2"),
    "mg1_priority": (lambda k: queues.mg1_priority(two_classes(k))[1], ""),
    "mg1_preemptive_priority": (lambda k: disciplines.mg1_preemptive_priority(two_classes(k))[1], ""),
    "mg1": (lambda k: mg1.mg1(0.4 / k, Uniform(0.5 * k, 2.0 * k)), ""),
    "mg1_wait_variance": (lambda k: queues.mg1_wait_variance_s2(0.4 / k, Lognormal(1.1 * k, 2.0)), "_s2"),
    "mg1_setup": (lambda k: queues.mg1_setup(0.4 / k, Weibull(1.1 * k, 2.0), Exponential(3 * k)), ""),
    "mg1_setup_share": (lambda k: queues.mg1_setup_share(0.4 / k, 1.1 * k, 3 * k), ""),
    "mg1_breakdowns": (
        lambda k: mg1.mg1_breakdowns(0.4 / k, Pareto(0.5 * k, 3.5), 90 * k, Deterministic(7 * k)),
        "",
    ),
    "mdc": (lambda k: mdc.mdc(1.4 / k, 1.1 * k, 2), ""),
    "mdc_wait_tail": (lambda k: mdc.mdc_wait_tail(1.4 / k, 1.1 * k, 2, 0.7 * k), ""),
    "mdc_wait_quantile": (lambda k: mdc.mdc_wait_quantile_s(1.4 / k, 1.1 * k, 2, 0.9), "_s"),
    "gim1": (lambda k: mg1.gim1(Hyperexponential.balanced(2.0 * k, 3.0), 1.1 * k), ""),
    "mmc_setup": (lambda k: phased.mmc_setup(1.4 / k, 1.1 * k, 2, 0.8 * k), ""),
    "mmc_breakdowns": (lambda k: phased.mmc_breakdowns(1.4 / k, 1.1 * k, 2, 50 * k, 4 * k), ""),
    "nested_resources": (lambda k: phased.nested_resources(1.1 / k, 4, 2, 1.1 * k, 1.4 * k), ""),
    "k_of_n": (lambda k: availability.k_of_n(3, 2, 50 * k, 4 * k), ""),
    "jackson": (
        lambda k: networks.jackson([0.3 / k, 0.1 / k], [[0, 0.6], [0.3, 0.2]], [0.6 * k, 0.7 * k], [1, None]),
        "",
    ),
    "tandem": (lambda k: networks.tandem_sojourn(0.5 / k, [1.1 * k, 0.5 * k]).quantile(0.9), "_s"),
    "mva": (lambda k: networks.mva(7, 5 * k, [0.4 * k, 0.1 * k]), ""),
    "closed_network": (lambda k: networks.closed_network(7, 5 * k, [0.8 * k, 0.1 * k], [2, 1]), ""),
    "machine_repair": (lambda k: networks.machine_repair(7, 30 * k, 4 * k, 2), ""),
    "fork_join_2": (lambda k: networks.fork_join_2_s(0.4 / k, 1.1 * k), "_s"),
    "usl": (lambda k: networks.usl_throughput_per_s(7, 5 / k, 0.1, 0.01), "_per_s"),
    "group_commit": (lambda k: batching.group_commit(3 / k, Lognormal(1.1 * k, 0.7)), ""),
    "group_commit_limited": (lambda k: batching.group_commit_limited(3 / k, 1.1 * k, 5), ""),
    "restarted": (lambda k: availability.restarted_mean_s(0.7, 50 * k, 4 * k), "_s"),
    "checkpointed": (lambda k: tests_availability.checkpointed_mean_s(90 * k, 7, 50 * k, 2 * k, 3 * k), "_s"),
    "retry": (lambda k: retries.retry(0.6, 0.2 * k, 0.7 * k, retries.Backoff(1 * k, 1.5, 4 * k), 6), ""),
    "mm1_population_run": (lambda k: runlength.mm1_population_run_s(0.4 / k, 1.1 * k, 0.05), "_s"),
    "mm1_wait_customers": (lambda k: runlength.mm1_wait_customers(0.4 / k, 1.1 * k, 0.05), ""),
    "ggc_run": (lambda k: runlength.ggc_run_approximate_s(1.4 / k, 1.1 * k, 2, 0.5, 2.0, 0.05), "_s"),
}


def scaled(value, name):
    if name.endswith("_per_s"):
        return value / K
    if name.endswith("_s2"):
        return value * K**2
    return value * K if name.endswith("_s") else value


def assert_scaled(seconds, milliseconds, name):
    if is_dataclass(seconds):
        for field in fields(seconds):
            assert_scaled(getattr(seconds, field.name), getattr(milliseconds, field.name), field.name)
    elif isinstance(seconds, tuple):
        for a, b in zip(seconds, milliseconds, strict=True):
            assert_scaled(a, b, name)
    else:
        assert math.isfinite(seconds), name
        assert milliseconds == pytest.approx(scaled(seconds, name), rel=1e-8, abs=1e-300), name


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_change_of_units_changes_the_units_alone(name):
    ask, unit = QUESTIONS[name]
    assert_scaled(ask(1.0), ask(K), unit)
