"""A first estimate as lines of text and as JSON."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from sim.analytic.estimate import Estimate
from sim.analytic.flow import PlaceEstimate
from sim.lower.lowered import Computed
from sim.report.parts import Elements, elements_json, set_and_watch, words_of
from sim.scenario.reading.edit import Mitigation, as_assignments
from sim.units import format_count, format_duration_s, format_quantity, format_rate, format_ratio

SHOWN = 12


def as_text(
    file: str,
    name: str,
    first: Estimate,
    computed: Mapping[str, Computed],
    mitigations: Mapping[str, Mitigation],
    elements: Elements,
) -> str:
    """What `sim check` prints. computed: figures that need no run; mitigations: the scenario's; elements: of its
    network."""
    lines = [f"{file}  {name}: valid", ""]
    for routine, latency in first.latency_s.items():
        rate = first.executions_per_s[routine]
        lines.append(f"  {routine:<28} {format_rate(rate):>10}   first guess at the mean {format_duration_s(latency)}")
    lines += ["", f"  {'place':<34} {'load':>10} {'of':>8} {'busy':>8} {'wait':>10}"]
    shown = [
        one for one in first.places.values() if one.name not in elements or not elements[one.name].setting.is_inner
    ]
    places = sorted(shown, key=lambda place: -place.utilisation)
    for place in places[:SHOWN]:
        lines.append(_row(place, words_of(place.name, elements)))
    if len(places) > SHOWN:
        lines.append(f"  ... and {len(places) - SHOWN} less busy ones")
    lines += ["", *(f"  {name} {format_quantity(one.value, one.unit)}: {one.how}" for name, one in computed.items())]
    if computed:
        lines.append("")
    if not first.stable:
        over = [place.name for place in places if place.utilisation >= 1]
        words = ", ".join(words_of(name, elements) for name in over)
        lines.append(f"  UNSTABLE: {words} cannot keep up; queues grow for as long as the load lasts")
        lines += _set(over, elements)
    elif first.bottleneck is not None and first.bottleneck.utilisation > 0:
        room = 1 / first.bottleneck.utilisation
        words = words_of(first.bottleneck.name, elements)
        lines.append(f"  bottleneck {words}: the load can grow {room:.2g} times before it is full")
        lines += _set([first.bottleneck.name], elements)
        if first.peak_factor * first.bottleneck.utilisation >= 1:
            lines.append(f"  at its peak ({first.peak_factor:.2g} times the mean) the load exceeds {words}")
    lines += [f"  note: {note}" for note in first.notes]
    lines += [f"  mitigation {name}: {_as_options(mitigation)}" for name, mitigation in mitigations.items()]
    lines.append("  an estimate in closed form, place by place (Allen-Cunneen); `sim run` simulates")
    return "\n".join(lines)


def _as_options(mitigation: Mitigation) -> str:
    return " ".join(f"--set {shlex.quote(assignment)}" for assignment in as_assignments(mitigation))


def _set(names: Iterable[str], elements: Elements) -> list[str]:
    """What to set and to watch of some elements."""
    known = [elements[name] for name in names if name in elements and not elements[name].setting.is_inner]
    return [f"  {line}" for line in set_and_watch(known)[1:]]


def _row(place: PlaceEstimate, words: str) -> str:
    units = "-" if math.isinf(place.units) else format_count(place.units)
    load = format_count(place.offered_load)
    wait = "grows" if math.isinf(place.wait_s) else format_duration_s(place.wait_s)
    return f"  {words:<34} {load:>10} {units:>8} {format_ratio(place.utilisation):>8} {wait:>10}"


def as_document(name: str, first: Estimate, computed: Mapping[str, Computed], elements: Elements) -> dict[str, Any]:
    """What `sim check --json` prints; an infinite wait is null."""
    known = elements_json(elements)
    return {
        "schema": 1,
        "scenario": name,
        "stable": first.stable,
        "peak_factor": first.peak_factor,
        "bottleneck": first.bottleneck.name if first.bottleneck is not None else None,
        "rates_per_s": first.executions_per_s,
        "latency_s": dict(first.latency_s),
        "places": {
            place.name: {
                "kind": place.kind,
                "rate_per_s": place.rate_per_s,
                "offered_load": place.offered_load,
                "units": None if math.isinf(place.units) else place.units,
                "utilisation": place.utilisation,
                "wait_s": None if math.isinf(place.wait_s) else place.wait_s,
                **known.get(place.name, {}),
            }
            for place in first.places.values()
        },
        "computed": {name: {"value": one.value, "unit": one.unit} for name, one in computed.items()},
        "notes": list(first.notes),
    }
