"""A network as flat words and tables of names: what the kernel runs. `compile` writes it.

Handles in the words count from the first word of the memory, so that the words are copied to their place as they are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sim.draws.build import number_of
from sim.draws.inverse import to_ns
from sim.draws.kinds import CONSTANT, Inverse
from sim.engine.fast.layout import DIST_SIZE, H_SIZE, NUM_ATTRIBUTE, NUM_CONSTANT, NUM_DRAWN
from sim.network.distributions import FromAttribute, Number


def bits(value: float) -> int:
    """The word that holds a double."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


@dataclass
class Program:
    """words: everything from the header on. streams: the word that holds the key of each stream, by its name.

    places, states, errors, operations, routines, sources, spans, monitors, caches, groups: names in the order of
    their numbers. handles: where each place, station, cache, group, source, span, monitor is, by kind and name.
    """

    words: list[int] = field(default_factory=lambda: [0] * H_SIZE)
    streams: list[tuple[int, str]] = field(default_factory=list)
    handles: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    affinities: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    steps: list[tuple[int, str, str]] = field(default_factory=list)
    """Where each step is, what it is and its stream."""
    faults: list[str] = field(default_factory=list)
    readied: dict[str, int] = field(default_factory=dict)
    first_times: dict[str | int, int] = field(default_factory=dict)
    """By routine, where the distribution of the first time is that each of its executions draws, if it is one that
    sources can draw ahead; its stream and a flag follow."""
    asked: int = 0
    keyed: int = 0
    distributions: dict[Inverse, int] = field(default_factory=dict)

    def room(self, size: int, fill: int = 0) -> int:
        """The handle of `size` new words."""
        handle = len(self.words)
        self.words.extend([fill] * size)
        return handle

    def put(self, values: list[int]) -> int:
        """The handle of these words, at the end; at least one, so that no two are the same."""
        handle = len(self.words)
        self.words.extend(values or [0])
        return handle

    def stream(self, at: int, name: str) -> None:
        """The word at `at` is the key of this stream, in each replication another."""
        self.streams.append((at, name))

    @staticmethod
    def number(names: dict[str, int], name: str) -> int:
        """The number of a name in its table, a new one when it is new."""
        return names.setdefault(name, len(names))

    def distribution(self, inverse: Inverse) -> int:
        """The handle of a distribution; equal ones share it."""
        if inverse not in self.distributions:
            table = self.put([bits(float(value)) for value in inverse.table]) if len(inverse.table) else 0
            constant = to_ns(inverse.a) if inverse.kind == CONSTANT else 0
            numbers = [bits(inverse.a), bits(inverse.b), bits(inverse.c)]
            handle = self.put([inverse.kind, *numbers, table, len(inverse.table), constant])
            assert len(self.words) - handle == DIST_SIZE
            self.distributions[inverse] = handle
        return self.distributions[inverse]

    def count(self, at: int, spec: Number, stream: str) -> None:
        """Write a count, plain or of an attribute or drawn, into the three words at `at`."""
        if isinstance(spec, int):
            self.words[at : at + 2] = [NUM_CONSTANT, spec]
        elif isinstance(spec, FromAttribute):
            self.words[at : at + 2] = [NUM_ATTRIBUTE, self.attributes[spec.attribute]]
        else:
            self.words[at : at + 2] = [NUM_DRAWN, self.distribution(number_of(spec))]
            self.stream(at + 2, stream)
