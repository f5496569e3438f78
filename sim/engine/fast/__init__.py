"""The fast engine: the same law as the reference engine, over flat arrays, compiled by Numba.

`compile` turns a network into the program part of the memory, the kernel runs it, `engine` drives the kernel from
outside, `handover` reads the columns. Each file of the kernel tells one primitive.
"""

from sim.engine.fast.engine import FastEngine, run

__all__ = ["FastEngine", "run"]
