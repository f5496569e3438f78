"""The engines that the worked examples run on: a test that takes `engine` runs on every one of them."""

from __future__ import annotations

from functools import partial

import pytest
from timeline import ENGINES, Engine, run


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    return partial(run, request.param)
