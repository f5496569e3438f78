"""The reference engine: SimPy, process style, written to be read aloud. It walks the Network, not a compiled form."""

from sim.engine.reference.engine import Engine

__all__ = ["Engine"]
