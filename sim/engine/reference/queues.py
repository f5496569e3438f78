"""Queues by discipline: FIFO, LIFO, by priority."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Protocol


class Waiting(Protocol):
    """Something that can stand in a line."""

    asked_ns: int
    priority: int
    serial: int


class Line:
    """First come, first served."""

    __slots__ = ("entries", "last")
    last: bool

    def __init__(self) -> None:
        self.entries: OrderedDict[Any, None] = OrderedDict()
        self.last = False

    def __len__(self) -> int:
        return len(self.entries)

    def push(self, entry: Any) -> None:
        """Stand at the end."""
        self.entries[entry] = None

    def peek(self) -> Any:
        """Who goes next."""
        return next(reversed(self.entries)) if self.last else next(iter(self.entries))

    @property
    def oldest_ns(self) -> int:
        """When the one who came into the line first has asked."""
        first: Waiting = next(iter(self.entries))
        return first.asked_ns

    def pop(self) -> Any:
        """Take who goes next."""
        return self.entries.popitem(last=self.last)[0]

    def discard(self, entry: Any) -> None:
        """Leave the line."""
        del self.entries[entry]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(reversed(self.entries)) if self.last else list(self.entries))

    def rank(self, entry: Any) -> tuple[int, int]:
        """What orders two entries of different lines of this kind; the least goes first."""
        return (-entry.serial, 0) if self.last else (entry.serial, 0)


class LastLine(Line):
    """Last come, first served."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.last = True


class PriorityLine(Line):
    """The greatest priority first, the oldest among equals."""

    __slots__ = ("heap",)

    def __init__(self) -> None:
        super().__init__()
        self.heap: list[tuple[int, int, Any]] = []

    def push(self, entry: Any) -> None:
        """Stand among those of the same priority, by age."""
        self.entries[entry] = None
        heappush(self.heap, (-entry.priority, entry.serial, entry))

    def peek(self) -> Any:
        """Who goes next."""
        while self.heap[0][2] not in self.entries:
            heappop(self.heap)
        return self.heap[0][2]

    @property
    def oldest_ns(self) -> int:
        """When the first of all in the line has asked."""
        first: int = min(entry.asked_ns for entry in self.entries)
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
            self.heap = [item for item in self.heap if item[2] in self.entries]
            heapify(self.heap)

    def __iter__(self) -> Iterator[Any]:
        return iter(sorted(self.entries, key=self.rank))

    def rank(self, entry: Any) -> tuple[int, int]:
        """Greatest priority first, then the oldest."""
        return (-entry.priority, entry.serial)


def line(queue: str) -> Line:
    """A new line of the given discipline: `fifo`, `lifo` or `priority`."""
    return {"fifo": Line, "lifo": LastLine, "priority": PriorityLine}[queue]()
