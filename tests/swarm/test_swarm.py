"""Both engines leave equal columns on random networks, and these networks hold everything that a network can hold.

Goal: the fast engine is the reference engine to the last bit, also where things meet that nobody thought of. Method: a
seed makes a network of some thousand events; both engines run it; every field of the two replications is compared.
Nothing here is a matter of chance at run time: the seeds are fixed.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.results.audit import audit

from .compare import first
from .coverage import FEATURES
from .engines import fast, told_apart
from .fitted import MOST_EVENTS, fitted
from .observed import PAIRS

NETWORKS, FEWER = 2_000, 200
CHUNK = 50
OFTEN = 20
"""Each feature and each pair of kinds of events comes about in at least so many of all networks."""
EXPECTED_FINDINGS = ("no event is left",)
"""What the reference engine may find in a network that is as unreasonable as these are."""


def chunks(networks: int) -> list[range]:
    return [range(first, first + CHUNK) for first in range(0, networks, CHUNK)]


def compared(seeds: range) -> Iterator[tuple[int, list[str], list[str]]]:
    """Of each network the number of its events, what came about in it, and the pairs of kinds of events that met.

    Asserts that both engines agree on it.
    """
    for seed in seeds:
        case, observed = fitted(seed)
        repeat = f"to repeat and shrink it: python -m tests.swarm {seed} --shrink"
        assert observed.replication.engine == "reference"
        broken = [f for f in audit(observed.replication) if not any(known in f for known in EXPECTED_FINDINGS)]
        assert not broken, f"swarm {seed}: the reference engine breaks a law: {broken[0]}\n{repeat}"
        found = told_apart(case, observed.replication, fast)
        assert not found, f"swarm {seed}: {first(found)}\n(1 of {len(found)} differences) {repeat}"
        yield observed.replication.events, sorted(observed.features), sorted(observed.pairs)


@pytest.mark.parametrize("seeds", chunks(FEWER), ids=lambda seeds: f"from {seeds[0]}")
def test_both_engines_agree_on_random_networks(seeds: range) -> None:
    for events, _, _ in compared(seeds):
        assert events <= MOST_EVENTS


@pytest.fixture
def counts(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that the processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "swarm"
    folder.mkdir(exist_ok=True)
    return folder


def counted(seeds: range, folder: Path) -> list[tuple[int, list[str], list[str]]]:
    """What came about in these networks: from whichever test compared them first in this test run."""
    file = folder / f"{seeds[0]}.json"
    if not file.exists():
        written = json.dumps(list(compared(seeds)))
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(written)
        unfinished.rename(file)
    found: list[tuple[int, list[str], list[str]]] = json.loads(file.read_text())
    return found


@pytest.mark.long
@pytest.mark.parametrize("seeds", chunks(NETWORKS), ids=lambda seeds: f"from {seeds[0]}")
def test_both_engines_agree_on_two_thousand_random_networks(seeds: range, counts: Path) -> None:
    assert max(events for events, _, _ in counted(seeds, counts)) <= MOST_EVENTS


@pytest.mark.long
def test_every_primitive_and_every_pair_of_tied_kinds_occurs_in_many_networks(counts: Path) -> None:
    networks = [network for seeds in chunks(NETWORKS) for network in counted(seeds, counts)]
    features = Counter(feature for _, features, _ in networks for feature in features)
    pairs = Counter(pair for _, _, pairs in networks for pair in pairs)
    assert len(networks) == NETWORKS
    assert not features.keys() - set(FEATURES)
    assert not pairs.keys() - set(PAIRS)
    rare = {name: number for name in FEATURES if (number := features[name]) < OFTEN}
    rare |= {pair: number for pair in PAIRS if (number := pairs[pair]) < OFTEN}
    assert not rare
    assert statistics.median(events for events, _, _ in networks) >= 1_000
