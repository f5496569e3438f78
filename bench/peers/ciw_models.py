"""M1 in Ciw: `python -m peers.ciw_models m1 JOBS SEED`.

M2 and M3 have no form there: a customer cannot hold two nodes at once.
"""

from __future__ import annotations

import time

import ciw

from peers.answers import asked, tell


def main() -> None:
    """Run and tell."""
    model, jobs, seed, _ = asked()
    assert model == "m1"
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(7.2)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[8],
    )
    simulation = ciw.Simulation(network)
    began = time.perf_counter()
    simulation.simulate_until_max_customers(jobs, method="Finish")
    seconds = time.perf_counter() - began
    records = sorted(simulation.get_all_records(), key=lambda record: record.exit_date)
    tell(model, len(records), seconds, 3 * len(records), [one.exit_date - one.arrival_date for one in records])


if __name__ == "__main__":
    main()
