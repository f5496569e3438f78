"""The fast engine: the same law as the reference engine, over flat arrays, compiled by Numba.

`compile` turns a network into the program part of the memory, the kernel runs it, `engine` drives the kernel from
outside, `collect_results` reads the columns. Each file of the kernel tells one primitive. A file has the name of the
reference engine's that tells the same; where one engine has several files for it, or none, these correspond:

| reference | fast |
|---|---|
| attempts | attempts: each try; attempt_timers: the four timeouts; failures: what comes after |
| build | compile_steps |
| clock | timers: when events come; kernel: the event loop |
| control | control: steps, and going on after a wait; forks: forks and races |
| engine | engine: a run as a whole; compile with compile_marks, compile_places, compile_sources: its parts |
| groups | groups: a node goes down, comes back, drains; nodes: its state |
| jobs | jobs; failures: how jobs fail and are called off; release: how they end |
| pools | pools; plain: the same at places that need no more |
| servers | servers; service: how fast a visit is served |
| none: objects and SimPy do it | memory, layout, program, read_memory, draw |
"""

from sim.engine.fast.engine import FastEngine, run

__all__ = ["FastEngine", "run"]
