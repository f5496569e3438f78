"""Statistics of simulation output, as pure functions on arrays and histograms.

Nothing here knows an engine, a scenario or a queue. Which method serves which figure:

    mean over replications          intervals.mean_interval
    ratio of two means              intervals.ratio_interval
    share, availability             intervals.proportion_interval
    percentile over replications    quantiles.percentile_interval
    few skewed independent values   skewed (recovery times)
    executions still open           survival
    two variants, same draws        compare
    where the steady state begins   warmup, that of periodic load too; whether there is one: drift
    a fault and its baseline run    recovery; its bad events: sli
    faults too rare for a run       error_budget, of sums, skewed, compound
    an interval against a bound     verdicts
    mostly or seldom, by few runs   threshold; from which load on, too

The coverage of the intervals is measured in `tests/statistics`.
"""
