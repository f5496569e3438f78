"""What a field of a file may say: names of elements; and how many of something, with the most that makes sense.

Without a most, one slip of a key (3000000000 nodes) would eat the memory of the machine before anything is told.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$", json_schema_extra={"x-form": "of letters, digits, _ and -"}),
]
"""Name of an element; no dot, since metric names use the dot as separator."""


MOST_NODES: Final = 100_000
"""Of one kind: nodes, pods, shards. Kubernetes is made for 5,000 nodes (kubernetes.io, large clusters, 2026-01)."""
MOST_AT_ONCE: Final = 10_000_000
"""Clients, schedules, executions that come at once."""
MOST: Final = 2_000_000_000
"""Of all else: slots, connections, tokens, tries."""

Nodes = Annotated[int, Field(ge=1, le=MOST_NODES)]
"""Nodes, pods, shards: each is a place of its own."""
NodesOrNone = Annotated[int, Field(ge=0, le=MOST_NODES)]
"""The same, where 0 makes sense; the number of one, counted from 0."""
Positive = Annotated[int, Field(ge=1, le=MOST)]
"""Units that are alike and only counted."""
From0 = Annotated[int, Field(ge=0, le=MOST)]
"""The same, where 0 makes sense."""
Counted = Annotated[int, Field(ge=0, le=10**15)]
"""Operations that one step counts, such as the pages that a scan reads: nothing is made of each."""
Signed = Annotated[int, Field(ge=-MOST, le=MOST)]
"""A priority, an amount."""
Value = Annotated[int, Field(ge=-(10**15), le=10**15)]
"""A number that an execution carries, such as a size in bytes."""
Speed = Annotated[float, Field(ge=0.01, le=100)]
"""How fast something is, over something usual."""
