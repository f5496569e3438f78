"""Circuit breakers and retry budgets against what is known of them exactly.

Tries fail independently with one probability, so that a breaker is a renewal process: it begins anew whenever it
closes. Its closed phase, counted in tries, is the time that a Markov chain on the last outcomes takes to one with too
many failures among them.
"""

from __future__ import annotations

from itertools import product
from math import ceil, comb

import numpy as np
from measure import quick_and_full, simulate


def closed_tries(window: int, most: int, failing: float) -> float:
    """Mean number of tries until, for the first time, `most` of the last `window` (and no fewer) have failed.

    The states are the last window - 1 outcomes, once there are as many; from those the means solve linear equations.
    Before, the tries are simply counted, and the state has its binomial weights.
    """
    states = list(product((0, 1), repeat=window - 1))
    index = {state: number for number, state in enumerate(states)}
    system = np.eye(len(states))
    for state in states:
        for outcome, chance in ((1, failing), (0, 1 - failing)):
            if sum(state) + outcome < most:
                system[index[state], index[(*state, outcome)[1:]]] -= chance
    means = np.linalg.solve(system, np.ones(len(states)))
    weights = [failing ** sum(state) * (1 - failing) ** (window - 1 - sum(state)) for state in states]
    return window - 1 + float(np.dot(weights, means))


@quick_and_full
def test_a_breaker_lets_through_the_share_that_its_renewals_say(size: int) -> None:
    # One client asks every 10 ms, and its tries take no time. The breaker opens for 95 ms: of each open phase the
    # first 9 asks are turned away, and the tenth is the first trial.
    failing, window, most, trials, reopening = 0.3, 5, 3, 3, 2
    text = f"""
        sources: {{jobs: {{routine: job, arrivals: {{closed: 1, think: 10 ms}}}}}}
        breakers: {{b: {{window: {window}, failures: 60 %, open: 95 ms, trials: {trials}}}}}
        routines:
          job: [{{attempt: {{breaker: b, steps: [{{fail: boom, probability: {failing}}}]}}}}]
        """
    runs = simulate(text, 1, 25, size, follow_s=0)
    again = sum(comb(trials, k) * failing**k * (1 - failing) ** (trials - k) for k in range(reopening, trials + 1))
    rounds = 1 / (1 - again)  # open phases until it closes
    through = closed_tries(window, most, failing) + rounds * trials
    away = rounds * (ceil(95 / 10) - 1)
    runs.agree({"turned_away.b": away / (through + away)})
    runs.agree({"openings.b": rounds / (through + away) / 0.010})


def test_the_closed_phase_is_known_in_simple_cases() -> None:
    # Of a window of 1 it is geometric; of a window of 2 that must fail whole, 1/p + 1/p^2 (two failures in a row).
    assert np.isclose(closed_tries(1, 1, 0.2), 1 / 0.2)
    assert np.isclose(closed_tries(2, 2, 0.2), 1 / 0.2 + 1 / 0.2**2)


@quick_and_full
def test_a_budget_bounds_retry_amplification_by_one_and_its_ratio(size: int) -> None:
    # Without it a call that fails every other time would be made twice; so the budget binds, and all of it is spent.
    text = """
        sources: {jobs: {routine: job, arrivals: 100/s}}
        budgets: {b: {ratio: 20 %, burst: 10}}
        routines:
          job: [{attempt: {retry: {budget: b, initial_interval: 1 ms}, steps: [{fail: boom, probability: 0.5}]}}]
        """
    runs = simulate(text, 5, 25, size, follow_s=0)
    runs.agree({"retry_amplification.job": 1.2}, within=0.01)
    for run in runs.replications:
        first, more = run.attempts["job"]
        assert more <= 0.2 * first + 10


@quick_and_full
def test_a_budget_that_does_not_bind_changes_nothing(size: int) -> None:
    # A tenth of the tries fail: 1 / 0.9 tries a call, below the bound of 1.5.
    text = """
        sources: {jobs: {routine: job, arrivals: 100/s}}
        budgets: {b: {ratio: 50 %, burst: 100}}
        routines:
          job: [{attempt: {retry: {budget: b, initial_interval: 1 ms}, steps: [{fail: boom, probability: 0.1}]}}]
        """
    runs = simulate(text, 5, 25, size, follow_s=0)
    runs.agree({"retry_amplification.job": 1 / 0.9}, within=0.01)
    assert all(run.budgets["b"].withheld == 0 for run in runs.replications)
