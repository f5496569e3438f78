"""The pathologies in configs/pathologies, and which of the `mitigations` that a file lists do not help.

`python tests/pathologies/catalogue.py` writes the table of configs/pathologies/README.md anew.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sim.figure import Figure
from sim.lower.load import load
from sim.report.wording import interval_of, show
from sim.scenario.reading.reader import read
from sim.stats.summary import Verdict
from sim.studies.run.study import Options, predict

FOLDER = Path(__file__).parents[2] / "configs" / "pathologies"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}
README = FOLDER / "README.md"

NO_MITIGATIONS: dict[str, set[str]] = {
    "failover-stampede": {"twice_the_database", "twice_the_workers"},
    "fan-out-backlog": {"extractors"},
    "load-balancer-sinkhole": {"three_tries", "breaker_of_each_server", "twice_the_servers", "better_of_two"},
    "pool-exhaustion": {"twice_the_connections", "waits_longer"},
    "reconnect-storm": {"twice_the_history_pods", "gives_up_sooner"},
    "retry-storm": {"back_off", "twice_the_servers"},
    "shard-hot-spot": {"twice_the_database_and_history", "eight_times_the_shards"},
    "sticky-cache-loss": {"pod_by_pod", "half_as_many_cores_again"},
    "thundering-schedule": {"large_database", "pods_of_the_platform", "workers", "pollers"},
    "timeout-cascade": {"twice_the_threads", "breaker", "impatient_clients", "patient_clients"},
}
"""Settings that are popular and do not mitigation: the file lists them all the same, and says so."""

CONFIDENCE = 0.999
"""Of all verdicts of one run together (Holm)."""

INCIDENT = re.compile(r"https://[^\s),;]+[^\s),;.]")


def mitigations_of(name: str) -> list[str]:
    """What the file lists under `mitigations`, in its order."""
    return list(read(FILES[name]).data["mitigations"])


def incidents_of(name: str) -> list[str]:
    """Addresses of the public incidents that the head of the file names."""
    head = FILES[name].read_text(encoding="utf-8").split("\nname:")[0]
    return INCIDENT.findall(head)


@cache
def verdicts(name: str, mitigation: str | None = None) -> tuple[Verdict, ...]:
    """The objectives of the file, at 99.9 %, as it stands or with one of its mitigations; the same draws for all."""
    loaded = load(FILES[name], [f"run.confidence={CONFIDENCE}"], mitigation)
    return predict(loaded, Options(processes=1, lives=False)).summary.objectives


def table() -> str:
    """Each pathology with the objectives that it misses, the figures before and after, what mitigates it and what
    not."""
    lines = [
        "| file | like | objective | as it stands | mitigated by | and is then | not mitigated by |",
        "|---" * 7 + "|",
    ]
    for name in FILES:
        wrong = NO_MITIGATIONS.get(name, set())
        mitigations = [mitigation for mitigation in mitigations_of(name) if mitigation not in wrong]
        after = {one.name: one for one in verdicts(name, mitigations[0])}
        missed = [one for one in verdicts(name) if one.verdict == "missed"]
        cells = (
            f"[{name}]({name}.yaml)",
            ", ".join(f"[{_short(address)}]({address})" for address in incidents_of(name)),
            "<br>".join(f"{one.name}: `{one.metric}` {one.target}" for one in missed),
            "<br>".join(_told(one.figure) for one in missed),
            ", ".join(f"`{mitigation}`" for mitigation in mitigations),
            "<br>".join(_told(after[one.name].figure) for one in missed),
            ", ".join(f"`{mitigation}`" for mitigation in sorted(wrong)) or "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(figure: Figure) -> str:
    best = "refused" if figure.value is None else show(figure.value, figure.unit)
    return f"{best} {interval_of(figure)}".rstrip()


def _short(address: str) -> str:
    """An issue's address as people write it: `temporal#9747`; of others the host."""
    issue = re.search(r"github\.com/[^/]+/([^/]+)/(?:issues|pull)/(\d+)", address)
    return f"{issue[1]}#{issue[2]}" if issue else address.split("/")[2]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(text.split("| file")[0] + table() + "\n", encoding="utf-8")
