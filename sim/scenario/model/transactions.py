"""Transactions of the application itself, which an activity makes in the deployment's PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.spec import Spec
from sim.units import Mistake

Isolation = Literal["read_committed", "repeatable_read", "serializable"]


class Transaction(Spec):
    """A transaction: BEGIN, statements that read, statements that write, COMMIT. It is tried again when it fails."""

    reads: Annotated[int, Field(ge=0, le=1000)] = 1
    """Statements that read, before the first that writes."""
    writes: Annotated[int, Field(ge=1, le=1000)] = 1
    """Statements that write."""
    isolation: Isolation = "read_committed"
    """Under read_committed a transaction waits for another on the same hot row; under the others it then fails, since
    the row has changed under its snapshot, and is tried again."""
    hot_rows: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Rows that all executions contend for: each reads and writes one of them, always the same (its merchant, its
    account). Without it every execution has rows of its own."""
    skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent over the hot rows: 0 spreads evenly, 1 gives row i a share in proportion to 1/i."""

    @model_validator(mode="after")
    def _skew_needs_rows(self) -> Self:
        if self.skew and self.hot_rows is None:
            raise Mistake("is about `hot_rows`, and there are none", "add   hot_rows: 1000", ("skew",))
        return self
