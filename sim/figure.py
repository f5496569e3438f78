"""One number with everything needed to trust it. How intervals are computed lives in `sim.stats`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Figure:
    """A value that never stands alone.

    value: the estimate in `unit`; None when the sample cannot carry it, `note` then says why and what would do.
    unit: "s", "1/s", "ratio", "USD/month", "" for a count, ...
    low, high: ends of the interval at level `confidence`; None where there is no interval (an exact value has
        low == high == value).
    confidence: the level, such as 0.95; None without an interval.
    n: sample size behind the estimate: independent replications (or batches), not observations.
    note: caveat, or the reason of a refusal.
    wide_low, wide_high: ends, at the same level, of the interval widened by the uncertainty of fitted parameters and
        by the model error of validation; None where neither was measured. `low`, `high`: simulation noise alone.
    resolution: the step to which it was measured, in `unit`, and finer than which it is not printed: half a bucket of
        a histogram, the time between two samples; 0 where there is none.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    n: int = 0
    note: str = ""
    wide_low: float | None = None
    wide_high: float | None = None
    resolution: float = 0.0

    @classmethod
    def exact(cls, value: float, unit: str, note: str = "") -> Figure:
        """A value known without sampling error, such as a price or a count of nodes."""
        return cls(value, unit, value, value, None, 0, note)

    @classmethod
    def refused(cls, unit: str, note: str, n: int = 0) -> Figure:
        """A figure that the sample cannot carry; `note` tells why, and what would do."""
        return cls(None, unit, n=n, note=note)

    def with_note(self, note: str) -> Figure:
        """The same figure with `note` added to what it already says."""
        return replace(self, note=f"{self.note}; {note}" if self.note else note)

    def scaled(self, factor: float, unit: str) -> Figure:
        """The figure in another unit: value and interval times `factor` (at least 0)."""
        assert factor >= 0
        return replace(
            self,
            unit=unit,
            resolution=self.resolution * factor,
            value=None if self.value is None else self.value * factor,
            low=None if self.low is None else self.low * factor,
            high=None if self.high is None else self.high * factor,
            wide_low=None if self.wide_low is None else self.wide_low * factor,
            wide_high=None if self.wide_high is None else self.wide_high * factor,
        )

    @property
    def half_width(self) -> float | None:
        """Half the interval's width, or None without an interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def to_json(self) -> dict[str, float | int | str | None]:
        """The FIGURE object of the output contract; `wide_low` and `wide_high` are there where they are known."""
        found: dict[str, float | int | str | None] = {
            "value": self.value,
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "n": self.n,
            "note": self.note,
        }
        if self.wide_low is not None or self.wide_high is not None:
            found |= {"wide_low": self.wide_low, "wide_high": self.wide_high}
        return found
