"""The compiled program: a network as flat words and tables of names.

Handles in the words count from the first word of the memory, so that the words are copied to their place as they are.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.draws.build import inverse_of, number_of
from sim.draws.inverse import to_ns
from sim.draws.kinds import CONSTANT, Inverse
from sim.engine.fast import layout as L
from sim.network.distributions import Distribution, FromAttribute, Number

Fields: TypeAlias = "dict[L.At, int]"
"""Fields of a record, and what to write there."""


def bits(value: float) -> int:
    """The word that holds a double."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def floating(word: int) -> float:
    """The double that a word holds."""
    return float(struct.unpack("<d", struct.pack("<q", word))[0])


@dataclass(frozen=True)
class Block:
    """So many rows of one pattern behind the words; some columns differ from row to row. There may be many rows: one
    a node, say, of hundreds of thousands.

    named_at: the word that holds the handle of the first one; None where it follows the block before.
    """

    named_at: int | None
    pattern: list[int]
    count: int
    columns: dict[L.At, NDArray[np.int64]]


@dataclass
class Program:
    """words: everything from the header on, but for the blocks, which come after them. size: of both.

    streams: the word that holds the key of each stream, by its name.

    places, states, errors, operations, routines, sources, spans, monitors, caches, groups: names in the order of
    their numbers. handles: where each place, station, cache, group, source, span, monitor is, by kind and name.
    elements: the numbers of all elements in the order of events.
    """

    words: array[int] = field(default_factory=lambda: array("q", bytes(8 * L.Header.SIZE)))
    blocks: list[Block] = field(default_factory=list)
    size: int = 0
    streams: list[tuple[int, str]] = field(default_factory=list)
    handles: dict[str, int] = field(default_factory=dict)
    elements: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    state_words: list[tuple[int, str]] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    affinities: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    steps: list[tuple[int, str, str]] = field(default_factory=list)
    """Where each step is, what it is and its stream."""
    children: dict[str, str] = field(default_factory=dict)
    """The routine of the child executions of each `child` step, by the stream of the step."""
    faults: list[str] = field(default_factory=list)
    readied: dict[str, int] = field(default_factory=dict)
    first_times: dict[str | int, int] = field(default_factory=dict)
    """By routine, where the distribution of the first time is that each of its executions draws, if it is one that
    sources can draw ahead; its stream and a flag follow."""
    requested: int = 0
    keyed: int = 0
    distributions: dict[Inverse, int] = field(default_factory=dict)

    def room(self, size: int) -> int:
        """The handle of `size` new words."""
        handle = len(self.words)
        self.words.frombytes(bytes(8 * size))
        return handle

    def put(self, values: Sequence[int]) -> int:
        """The handle of these words, at the end; at least one, so that no two are the same."""
        handle = len(self.words)
        self.words.extend(values or [0])
        return handle

    def table(self, at: int, values: Sequence[int], width: int = 1) -> None:
        """These words are the table at `at`, so many an entry."""
        self.write(at, [self.put(values), len(values) // width])

    def write(self, at: int, values: Sequence[int]) -> None:
        """Change the words from `at` on."""
        self.words[at : at + len(values)] = array("q", values)

    def fill(self, at: int, fields: Fields) -> None:
        """Write these fields of the record at `at`."""
        for where, value in fields.items():
            self.words[at + where] = value

    def record(self, size: int, fields: Fields, name: str = "") -> int:
        """The handle of a new record of `size` words, with these fields; the others are 0. name: it is found by."""
        at = self.room(size)
        self.fill(at, fields)
        if name:
            self.handles[name] = at
        return at

    def block(
        self, at: int | None, pattern: list[int], count: int, columns: dict[L.At, NDArray[np.int64]] | None = None
    ) -> None:
        """The word at `at` is the handle of so many rows of a pattern. None: they follow the block before."""
        self.blocks.append(Block(at, pattern, count, columns or {}))

    def state(self, at: int, name: str) -> None:
        """The word at `at` is the number of this state."""
        self.state_words.append((at, name))

    def finish(self) -> None:
        """Number the states, in the order of their names as in the columns of a run, and place the blocks."""
        self.states = {name: number for number, name in enumerate(sorted({name for _, name in self.state_words}))}
        for at, name in self.state_words:
            self.words[at] = self.states[name]
        self.size = len(self.words)
        for block in self.blocks:
            if block.named_at is not None:
                self.words[block.named_at] = self.size
            self.size += block.count * len(block.pattern)

    def copy_to(self, memory: NDArray[np.int64]) -> None:
        """Write all of it to the beginning of a memory."""
        at = len(self.words)
        memory[:at] = np.frombuffer(self.words, np.int64)
        for block in self.blocks:
            width = len(block.pattern)
            rows = memory[at : at + block.count * width].reshape(block.count, width)
            rows[:] = block.pattern
            for column, values in block.columns.items():
                rows[:, column] = values
            at += rows.size

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
            table = self.put(np.array(inverse.table, np.float64).view(np.int64).tolist()) if len(inverse.table) else 0
            constant = to_ns(inverse.a) if inverse.kind == CONSTANT else 0
            numbers = [bits(inverse.a), bits(inverse.b), bits(inverse.c)]
            handle = self.put([inverse.kind, *numbers, table, len(inverse.table), constant])
            assert len(self.words) - handle == L.Distribution.SIZE
            self.distributions[inverse] = handle
        return self.distributions[inverse]

    def draw(self, at: int, distribution: Distribution | None, stream: str) -> None:
        """A distribution and its stream, in two words; nothing without one."""
        if distribution is not None:
            self.words[at] = self.distribution(inverse_of(distribution))
            self.stream(at + 1, stream)

    def count(self, at: int, spec: Number, stream: str) -> None:
        """Write a count, plain or of an attribute or drawn, into the three words at `at`."""
        if isinstance(spec, int):
            self.write(at, [L.CountKind.CONSTANT, spec])
        elif isinstance(spec, FromAttribute):
            self.write(at, [L.CountKind.ATTRIBUTE, self.attributes[spec.attribute]])
        else:
            self.write(at, [L.CountKind.DRAWN, self.distribution(number_of(spec))])
            self.stream(at + 2, stream)
