"""Closed forms of queueing theory that runs are held against, in tables (`calibration.theory`) and in tests.

| file | what |
|---|---|
| `stations` | M/M/1, M/M/c; `Queue`, the answer of all stable queues |
| `loads` | offered loads, refused where they cannot be served |
| `limited` | M/M/c/K, M/G/c/c, Erlang A (impatience) |
| `mg1`, `mdc` | M/G/1 with breakdowns, GI/M/1; M/D/c |
| `disciplines` | processor sharing, priorities |
| `phased` | M/M/c with set-up or breakdowns, a resource held while another serves |
| `networks` | Jackson, tandem, closed networks, machine repair, fork-join, scalability |
| `batching`, `retries` | group commit; backoff |
| `moments` | laws of durations |
| `chains`, `levels`, `bisection` | the solvers underneath: finite and endless Markov chains; the root finder |

Times are in seconds and rates per second throughout; any other unit works if it is used for all arguments. A function
is exact. A load that cannot be served raises `Unstable`; an argument outside its range is the caller's mistake and
fails an assertion. What only tests ask is beside the tests, in `tests.closed_forms`.
"""
