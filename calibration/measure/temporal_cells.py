"""Kinds of cells of the Temporal development server, and the settings of each."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from calibration.measure.plan import Settings

META = "temporal_meta.json"

Number = int | float
"""Written down as it was given: 50, not 50.0."""


class Load(Settings):
    """Workflows of `k` activities, one after another, each sleeping `sleep_ms`.

    mode: `idle`; `closed`, with `inflight` clients that start the next workflow when theirs is done; `open`, with
    Poisson arrivals at `rate`/s. slots: activities at once in each worker. db: SQLite in memory or in a file. dyn:
    dynamic configuration under `history.`. params: fields of `temporal_workflow.Order`. drain_s: how long workflows
    may run on after the load.
    """

    db: Literal["mem", "file"] = "mem"
    k: int = Field(3, ge=1)
    sleep_ms: Number = Field(0, ge=0)
    dist: Literal["fixed"] = "fixed"
    slots: int = Field(100, ge=1)
    workers: int = Field(1, ge=1)
    eager: Literal[0, 1] = 0
    sandbox: Literal[0, 1] = 1
    mode: Literal["idle", "closed", "open"] = "open"
    secs: Number = Field(6, gt=0)
    rate: Number | None = Field(None, gt=0)
    inflight: int | None = Field(None, ge=1)
    drain_s: Number | None = None
    params: dict[str, Number] | None = None
    dyn: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _a_load_has_its_size(self) -> Self:
        if (self.mode == "open") != (self.rate is not None) or (self.mode == "closed") != (self.inflight is not None):
            raise ValueError("mode open needs rate, mode closed needs inflight, and each only its own")
        return self


class Kill(Settings):
    """`n` workflows of one activity of `act_ms` on two workers; one of them is killed (kill -9) while they work.

    kind: what brings the work back, `stc` (start-to-close timeout `stc_s`), `heartbeat` (heartbeat timeout `hb_s`) or
    `sticky` (the victim takes no activities, so only its cache is lost: workflow tasks wait `sticky_s` for it).
    limit_s: the end of patience after the kill.
    """

    kind: Literal["stc", "heartbeat", "sticky"]
    act_ms: Number
    n: int = 40
    slots: int = 100
    stc_s: Number = 60
    hb_s: Number | None = None
    sticky_s: Number | None = None
    limit_s: Number = 20
    eager: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _a_heartbeat_has_its_timeout(self) -> Self:
        if (self.kind == "heartbeat") != (self.hb_s is not None):
            raise ValueError("kind heartbeat needs hb_s, the others none")
        return self


KINDS: dict[str, type[Settings]] = {"load": Load, "kill": Kill}
