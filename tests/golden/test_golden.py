"""The rebuilt house gives what the old one gave: frozen networks and scenarios, columns equal exactly on both engines,
figures to 1e-12, through the table of `names`. Nothing here is a matter of chance. The fast part is a slice.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from .cases import SCENARIOS, networks, scenarios
from .compare import Golden, compare_figures, compare_network, compare_scenario

pytestmark = pytest.mark.filterwarnings("ignore::sim.errors.RenamedWarning")
"""Frozen scenarios have the keys of their day."""
golden = cache(Golden.read)
CHUNKS = [networks()[first::20] for first in range(20)]


@pytest.mark.parametrize("files", CHUNKS[:2], ids=["first", "second"])
def test_a_tenth_of_the_frozen_networks_gives_the_same_columns(files: list[Path]) -> None:
    assert [line for file in files for line in compare_network(golden(), file)] == []


@pytest.mark.long
@pytest.mark.parametrize("files", CHUNKS, ids=map(str, range(20)))
def test_frozen_networks_give_the_same_columns(files: list[Path]) -> None:
    assert [line for file in files for line in compare_network(golden(), file)] == []


@pytest.mark.long
@pytest.mark.parametrize("file", scenarios(), ids=lambda file: file.relative_to(SCENARIOS).as_posix())
def test_a_frozen_scenario_gives_the_same_columns_and_figures(file: Path) -> None:
    assert [*compare_scenario(golden(), file), *compare_figures(golden(), file)] == []
