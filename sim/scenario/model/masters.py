"""Several masters: regions that each take writes and tell the others; and records that they may all write."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.network.names import Name
from sim.spec import Spec
from sim.units import Duration


class Masters(Spec):
    """Regions whose stores all take writes, by logical replication: `{at: [cern, fermilab, bnl], clock_error: 1 ms}`.

    An execution belongs to one of them for its whole life. Every master applies what the others have written.
    """

    at: Annotated[tuple[Name, ...], Field(min_length=2)]
    """The regions."""
    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)] | None = None
    """How executions are shared among them, one number each; evenly where it is left out."""
    isolation: Literal["local", "serializable"] = "local"
    """local: a commit is answered where it was made and reaches the others later: two may change one row without
    having seen each other. serializable: it waits until every other master has it, so that none can."""
    clock_error_ns: Duration = 0
    """How far the clocks of two masters may be apart: the first one's is ahead of the last one's by all of it, the
    others lie evenly between. Where two write one row, the later time stamp wins."""


class Record(Spec):
    """Rows that executions change from any master: `{keys: 10000, skew: 0.8}`. An execution changes one of them."""

    keys: Annotated[int, Field(ge=1, le=1_000_000)]
    """How many rows."""
    skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent of their popularity: 0 is even, 1 gives row i a share in proportion to 1/i."""
