"""Closed forms of queueing theory: what can be known without a run, and what every run is held against.

| file | what |
|---|---|
| `stations` | M/M/1, M/M/c, Erlang B and C, M/G/inf; `Queue`, the answer of all stable queues |
| `limited` | M/M/c/K, M/G/c/c, Erlang A (impatience) |
| `mg1`, `mdc`, `renewal` | M/G/1 with set-up and breakdowns; M/D/c; GI/M/1, D/M/1, bursts, approximations of G/G/c |
| `disciplines` | processor sharing, last come first served, priorities |
| `interrupted` | how many sojourns of an M/M/1 with breakdowns are longer than a threshold |
| `phased` | M/M/c with set-up or breakdowns, a resource held while another serves |
| `networks` | Jackson, tandem, closed networks, machine repair, fork-join |
| `batching`, `retries` | group commit; backoff |
| `availability` | k of n, primary and standby |
| `storm` | retries after a pause that keep overload up, in the fluid limit |
| `laws`, `runlength` | Little, bounds, USL, staffing, drain; how long to simulate |
| `moments` | laws of durations |
| `estimate`, `flow` | the first estimate of a network, and what its executions ask of the places |
| `chains`, `levels`, `bisection` | the solvers underneath: finite and endless Markov chains, roots |

Times are in seconds and rates per second throughout; any other unit works if it is used for all arguments. Unless it
says APPROXIMATE a function is exact. A load that cannot be served raises `Unstable`; an argument outside its range
is the caller's mistake and fails an assertion.
"""
