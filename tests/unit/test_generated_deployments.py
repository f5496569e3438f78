"""The deployments that a first estimate is judged by: they load, and they stay what they were when it was written.

Goal: nobody changes the judge while the estimate is fitted. Method: every text enters one digest; a sample is loaded.
"""

from __future__ import annotations

import hashlib

import pytest

from calibration.estimate.generated import HELD_OUT, WORKING, deployment
from sim.lower.load import load

DIGEST = "e4696fb20714badd21caf8cce518926e"
"""Of all texts, in the order of their seeds. It changes with the generator, and then no score of an estimate counts
any more: write the truth anew (`python -m calibration.estimate truth`), and say so where scores are shown."""


@pytest.mark.parametrize("seed", range(WORKING.start, HELD_OUT.stop, 9))
def test_a_generated_deployment_loads_and_bears_its_seed(seed: int) -> None:
    assert load(deployment(seed)).scenario.name == f"generated-{seed}"


def test_the_same_seed_gives_the_same_text_and_another_one_another() -> None:
    texts = {seed: deployment(seed) for seed in WORKING}
    assert {seed: deployment(seed) for seed in reversed(WORKING)} == texts
    assert len(set(texts.values())) == len(texts)


def test_deployments_are_those_that_were_frozen() -> None:
    texts = "".join(deployment(seed) for seed in (*WORKING, *HELD_OUT))
    assert hashlib.blake2b(texts.encode(), digest_size=16).hexdigest() == DIGEST


def test_most_are_temporal_some_are_dbos_and_a_quarter_are_networks() -> None:
    texts = [deployment(seed) for seed in (*WORKING, *HELD_OUT)]
    counts = {kind: sum(f"\n{kind}:" in text for text in texts) for kind in ("temporal", "dbos", "network")}
    assert sum(counts.values()) == len(texts)
    assert counts == {"temporal": 125, "dbos": 23, "network": 52}
