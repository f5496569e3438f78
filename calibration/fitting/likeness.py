"""How much the metrics of one run go together: mean and percentiles of the same run err to the same side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.fitting.targets import Targets
from calibration.systems.readings import Floats


@dataclass(frozen=True, slots=True)
class CellRows:
    """The measured numbers of one cell by their index, and their correlation, in that order."""

    rows: Sequence[int]
    correlation: Floats


def likeness(targets: Targets, deviation: Floats, runs: Sequence[Sequence[Floats]]) -> list[CellRows]:
    """Correlation of the measured numbers of each cell.

    deviation: of each number, to bring cells of different noise to one scale. runs: figures of the simulated runs for
    each number, case by case. Pairs of metrics are pooled over cells, repeats and simulated runs; a matrix that is no
    correlation, because pairs are estimated one by one, is brought to the nearest that has no negative eigenvalue.
    """
    rows: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(targets.measured):
        rows[one.cell].append(index)
    products: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(3))
    for cell, mine in rows.items():
        names = [targets.measured[index].metric for index in mine]
        for block in _blocks(targets, cell, mine, runs):
            steps = (block - block.mean(axis=0)) / (np.abs(block.mean(axis=0)) * deviation[mine])
            moments = steps.T @ steps
            for i, one_name in enumerate(names):
                for j, other in enumerate(names):
                    products[one_name, other] += moments[i, j], moments[i, i], moments[j, j]
    found = []
    for mine in rows.values():
        names = [targets.measured[index].metric for index in mine]
        matrix = np.array([[_correlation(products[one, other], one == other) for other in names] for one in names])
        found.append(CellRows(mine, _positive(matrix)))
    return found


def _blocks(targets: Targets, cell: int, mine: Sequence[int], runs: Sequence[Sequence[Floats]]) -> Iterator[Floats]:
    """Repeats of one thing, a row each: those of the measurement, and the simulated runs of each case."""
    repeats = [targets.cells[cell].values[targets.measured[index].metric] for index in mine]
    groups = [repeats, *zip(*(runs[index] for index in mine), strict=True)]
    for group in groups:
        if len({len(values) for values in group}) == 1 and len(group[0]) > 1:
            block = np.array(group, dtype=np.float64).T
            if np.isfinite(block).all() and (block.mean(axis=0) != 0).all():
                yield block


def _correlation(products: Floats, is_same: bool) -> float:
    together, one, other = products.tolist()
    if is_same:
        return 1.0
    return float(together / np.sqrt(one * other)) if one > 0 and other > 0 else 0.0


def _positive(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = (vectors * np.maximum(values, 0)) @ vectors.T
    root = np.sqrt(np.maximum(np.diag(kept), 1e-12))
    return np.asarray(kept / np.outer(root, root))
