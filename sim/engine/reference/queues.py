"""Queues by discipline: FIFO, LIFO, by rank."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

from sim.network.places import Place

Rank = tuple[int, ...]


class Line:
    """First come, first served."""

    __slots__ = ("entries", "last")
    last: bool

    def __init__(self) -> None:
        self.entries: OrderedDict[Any, Rank] = OrderedDict()
        self.last = False

    def __len__(self) -> int:
        return len(self.entries)

    def push(self, entry: Any) -> None:
        """Stand at the end."""
        self.entries[entry] = ()

    def peek(self) -> Any:
        """Who goes next."""
        return next(reversed(self.entries)) if self.last else next(iter(self.entries))

    @property
    def oldest_ns(self) -> int:
        """When the one who came into the line first has asked."""
        first: int = next(iter(self.entries)).requested_ns
        return first

    def pop(self) -> Any:
        """Take who goes next."""
        return self.entries.popitem(last=self.last)[0]

    def discard(self, entry: Any) -> None:
        """Leave the line."""
        del self.entries[entry]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(reversed(self.entries)) if self.last else list(self.entries))

    def rank(self, entry: Any) -> Rank:
        """What orders two entries of different lines of this kind; the least goes first."""
        return (-entry.serial,) if self.last else (entry.serial,)


class LastLine(Line):
    """Last come, first served."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.last = True


class RankedLine(Line):
    """The least rank first; one has its rank from coming into the line on, however things change."""

    __slots__ = ("heap", "pushed", "rank_of")

    def __init__(self, rank_of: Callable[[Any], Rank]) -> None:
        super().__init__()
        self.rank_of = rank_of
        self.heap: list[tuple[Rank, int, Any]] = []
        self.pushed = 0

    def push(self, entry: Any) -> None:
        """Stand by rank."""
        rank = self.entries[entry] = self.rank_of(entry)
        self.pushed += 1
        heappush(self.heap, (rank, self.pushed, entry))

    def peek(self) -> Any:
        """Who goes next."""
        while self._has_left(self.heap[0]):
            heappop(self.heap)
        return self.heap[0][2]

    def _has_left(self, item: tuple[Rank, int, Any]) -> bool:
        """Whether it left the line, be it that it has come again since."""
        return self.entries.get(item[2]) is not item[0]

    @property
    def oldest_ns(self) -> int:
        """When the first of all in the line has asked."""
        first: int = min(entry.requested_ns for entry in self.entries)
        return first

    def pop(self) -> Any:
        """Take who goes next."""
        entry = self.peek()
        heappop(self.heap)
        del self.entries[entry]
        return entry

    def discard(self, entry: Any) -> None:
        """Leave the line; left places are swept out when they are most of the heap."""
        del self.entries[entry]
        if len(self.heap) > 2 * len(self.entries) + 64:
            self.heap = [item for item in self.heap if not self._has_left(item)]
            heapify(self.heap)

    def __iter__(self) -> Iterator[Any]:
        return iter(sorted(self.entries, key=self.rank))

    def rank(self, entry: Any) -> Rank:
        """What orders two entries of different lines of this kind; the least goes first."""
        return self.entries[entry]


def _value(spec: Place, entry: Any) -> int:
    """Value that the attribute of the place's order has now."""
    assert spec.order is not None
    value: int = entry.job.execution.attributes[spec.order.attribute]
    return value


LINES: dict[str, Callable[[Place], Line]] = {
    "fifo": lambda spec: Line(),
    "lifo": lambda spec: LastLine(),
    "priority": lambda spec: RankedLine(lambda entry: (-entry.priority, entry.serial)),
    "attribute": lambda spec: RankedLine(lambda entry: (_value(spec, entry), entry.serial)),
    "priority_attribute": lambda spec: RankedLine(lambda entry: (-entry.priority, _value(spec, entry), entry.serial)),
}
"""A new line by discipline."""


def line(spec: Place) -> Line:
    """A new line of a place."""
    return LINES[spec.discipline](spec)
