"""Presets: the constants of a product's version, each with its source. Their use is the matter of `sim.lower`.

A constant comes from a document (`source`), from a fit to measurements (`source: fit`; value and interval stand in
`presets/fitted.yaml`, which `calibration` writes), or is an assumption. A version may be written as what differs
from another one (`like`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from sim.network.distributions import Distribution
from sim.scenario.model.stores.registry import STORES
from sim.scenario.reading.edit import written_flow
from sim.scenario.reading.reader import load_yaml
from sim.units import Mistake, parse_count, parse_duration_ns, parse_positive_rate_per_s, parse_ratio

Kind = Literal["duration", "count", "number", "rate", "ratio", "distribution", "switch", "transition"]

FITTED = "fitted.yaml"

PRODUCTS = ("temporal", *STORES, "sdk", "dbos", "storage", "kubernetes")


@dataclass(frozen=True, slots=True)
class Transition:
    """What one kind of state transition writes and reads.

    append: statements of the history append; `append_transaction` tells whether they need BEGIN and COMMIT of their
        own (else the single one commits by itself). rows: statements of the mutable-state transaction, by name.
    reads: statements outside of both that the caller waits for. background: statements that it causes and nobody
        waits for, with `background_commits` commits. events: history events that it appends.
    requests: what it takes from the rate limit of requests to the store.
    """

    rows: tuple[str, ...]
    append: int = 0
    append_transaction: bool = False
    reads: int = 0
    background: int = 0
    background_commits: int = 0
    events: int = 0
    requests: int = 1

    @property
    def statements(self) -> int:
        """Statements that reach the store, BEGIN and COMMIT apart."""
        return self.append + len(self.rows) + self.reads + self.background

    @property
    def commits(self) -> int:
        """Commits, those in the background included."""
        return self.waited_commits + self.background_commits

    @property
    def waited_commits(self) -> int:
        """Commits that follow each other and are waited for: that of the history append, that of the state."""
        return (1 if self.append else 0) + 1

    @property
    def changed_rows(self) -> int:
        """Rows that the log tells standbys of: what is inserted, updated or deleted, not what is locked or read. Of
        statements in the background those that commit change something; which ones is told by their number alone."""
        written = sum(not row.endswith("_lock") for row in self.rows)
        return self.append + written + (self.background if self.background_commits else 0)

    @property
    def read_requests(self) -> int:
        """Reads that the caller waits for where a mutable state is one row: that of the state, that of the history."""
        return min(self.reads, 2)

    @property
    def queue_reads(self) -> int:
        """Reads of queues that its task rows cause."""
        return sum(row in ("transfer_task_insert", "visibility_task_insert", "task_insert") for row in self.rows)

    @property
    def deletes(self) -> int:
        """Deletions that it causes in the end: commits in the background but that of a visibility record."""
        return self.background_commits - ("visibility_task_insert" in self.rows)

    @property
    def append_round_trips(self) -> int:
        """Round trips of the history append: each statement one, BEGIN and COMMIT one each where they are needed."""
        return self.append + (2 if self.append_transaction else 0)

    @property
    def round_trips(self) -> int:
        """Round trips to the store that the caller waits for: each statement one, BEGIN and COMMIT one each."""
        return self.append_round_trips + len(self.rows) + self.reads + 2

    @property
    def messages(self) -> int:
        """Statements with BEGIN and COMMIT that the store's cores work on; background ones commit by themselves."""
        return self.round_trips + self.background


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant with its origin.

    value: parsed by `kind`. written: as in the file. source: empty for an assumption. fit: name of the fit that it
    comes from, if it does. range: written as the value is; the 90 % interval of a fit, or where an assumption is taken
    to lie. why: what speaks for an assumption, or how a value was come by.
    """

    name: str
    kind: Kind
    value: Any
    written: str
    what: str
    source: str
    date: str
    fit: str = ""
    range: tuple[str, str] | None = None
    why: str = ""

    @property
    def origin(self) -> str:
        """Its source with date and interval; empty for an assumption of which nothing more is known."""
        between = "" if self.range is None else f"{self.range[0]} to {self.range[1]}"
        if self.source:
            return f"{self.source}, {self.date}" + (f"; 90 % interval {between}" if between else "")
        return f"assumption{f': {self.why}' if self.why else ''}; taken to lie in {between}" if between else ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted parameters that presets take values from: a file of `calibration/fits`.

    file: from the project's folder. digest: of what in it the values depend on. host: that it was measured on.
    """

    file: str
    digest: str
    host: str
    date: str


@dataclass(frozen=True, slots=True)
class FittedConstants:
    """What `presets/fitted.yaml` holds: fits by name, and by path of a constant its entry there."""

    fits: Mapping[str, Fit]
    constants: Mapping[str, Mapping[str, Any]]


def versions(product: str) -> tuple[str, ...]:
    """The versions (for `sdk`, the languages) that there are presets of."""
    folder = files("sim.scenario") / "presets"
    names = sorted(entry.name for entry in folder.iterdir())
    return tuple(
        name.removeprefix(f"{product}-").removesuffix(".yaml") for name in names if name.startswith(f"{product}-")
    )


@cache
def preset(product: str, version: str) -> Mapping[str, Constant]:
    """The constants of one version of a product; which there are is told by `versions`."""
    data = _data(product, version)
    constants = {
        key: _constant(f"{product}.{key}", entry, data["sources"]) for key, entry in data["constants"].items()
    }
    for key, entry in data.get("transitions", {}).items():
        constants[key] = _transition(f"{product}.{key}", entry, data["sources"])
    return constants


@cache
def fitted_constants() -> FittedConstants:
    """What was fitted, for presets that take it."""
    data = _read(FITTED)
    fits = {name: Fit(**one) for name, one in data["fits"].items()}
    return FittedConstants(fits, data["constants"])


def _read(name: str) -> Any:
    return load_yaml((files("sim.scenario") / "presets" / name).read_text(encoding="utf-8"), name)


def _data(product: str, version: str) -> Mapping[str, Any]:
    """The file of a version; one that is `like` another has its own entries over those of that one."""
    data = _read(f"{product}-{version}.yaml")
    if "like" not in data:
        return dict(data)
    base = _data(product, data["like"])
    merged = dict(base)
    for part in ("sources", "constants", "transitions"):
        own = data.get(part, {})
        assert part == "sources" or own.keys() <= base.get(part, {}).keys(), f"{product}-{version}: {own.keys()}"
        merged[part] = {**base.get(part, {}), **{key: {**base.get(part, {}).get(key, {}), **own[key]} for key in own}}
    return merged


def _constant(name: str, entry: Mapping[str, Any], sources: Mapping[str, Any]) -> Constant:
    kind = entry["kind"]
    assert kind in get_args(Kind), f"{name}: {kind}"
    what, why = entry["what"], entry.get("why", "")
    if entry["source"] == "fit":
        fitted = fitted_constants()
        own = fitted.constants[name]
        fit = fitted.fits[own["fit"]]
        title = f"fitted to measurements on the host `{fit.host}` ({fit.file}, digest {fit.digest[:12]})"
        interval = (str(own["low"]), str(own["high"]))
        value = own["value"]
        return Constant(name, kind, parsed(kind, value), value, what, title, fit.date, own["fit"], interval, why)
    title, date = _source(entry, sources)
    value, span = entry["value"], entry.get("range")
    between = None if span is None else (str(span[0]), str(span[1]))
    return Constant(name, kind, parsed(kind, value), written_flow(value), what, title, date, "", between, why)


def _transition(name: str, entry: Mapping[str, Any], sources: Mapping[str, Any]) -> Constant:
    title, date = _source(entry, sources)
    fields = {key: value for key, value in entry.items() if key not in ("source", "what", "rows")}
    transition = Transition(rows=tuple(entry["rows"]), **fields)
    written = f"{transition.statements} statements, {transition.commits} commits"
    return Constant(name, "transition", transition, written, entry["what"], title, date)


def _source(entry: Mapping[str, Any], sources: Mapping[str, Any]) -> tuple[str, str]:
    if entry["source"] == "assumption":
        return "", ""
    source = sources[entry["source"]]
    return source["title"], str(source["date"])


@cache
def _distributions() -> TypeAdapter[Any]:
    return TypeAdapter(Distribution)


def parsed(kind: Kind, value: Any) -> Any:
    """A value as its kind has it: ns, a number, whole or not, a rate a second, a share, a distribution, true, false.

    Raises Mistake for one that is not of this kind.
    """
    match kind:
        case "duration":
            return parse_duration_ns(value)
        case "count":
            return parse_count(value)
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise Mistake(f"is {value}; a plain number of at least 0 is expected")
            return float(value)
        case "rate":
            return parse_positive_rate_per_s(value)
        case "ratio":
            return parse_ratio(value)
        case "switch":
            if not isinstance(value, bool):
                raise Mistake(f"is {value}; true or false is expected")
            return value
        case "distribution":
            try:
                return _distributions().validate_python(value)
            except ValidationError as error:
                raise Mistake(f"is {value}; {error.errors()[0]['msg']}") from None
    raise Mistake("cannot be changed here; a transition is what the product does")
