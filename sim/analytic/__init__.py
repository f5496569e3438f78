"""Closed forms: what can be known without a run.

| file | what |
|---|---|
| `estimate`, `flow`, `arrival_rates` | load, bottleneck and a guess at latency of a network |
| `relaxation` | how long each place remembers |
| `stations` | Erlang B and C, birth and death |
| `availability` | k of n; work that begins again after a crash |

Times are in seconds and rates per second throughout; any other unit works if it is used for all arguments. Unless it
says APPROXIMATE a function is exact. A load that cannot be served raises `Unstable`; an argument outside its range
is the caller's mistake and fails an assertion. More of them, which runs are held against, are in
`calibration.closed_forms`.
"""
