"""Philox and the naming of draws: published answers, and what a statistical eye would notice.

The statistical tests use fixed seeds and reject at 1e-6 each.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sim.draws.philox import philox4x32
from sim.draws.streams import (
    child_path,
    child_paths,
    element_id,
    root_path,
    stream_key,
    uniform,
)

ALARM = 1e-6
KEY = stream_key(1, 0, "test")


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_answers_published_with_random123(counter: str, key: str, answer: str) -> None:
    words = [int(word, 16) for word in (counter + " " + key).split()]
    assert [f"{int(word):08x}" for word in philox4x32(*words)] == answer.split()


def test_two_draws_share_a_block_and_the_layout_is_as_documented() -> None:
    path, index = 2**62 + 12345, 2 * (2**40 + 3)
    block = index // 2
    words = philox4x32(path % 2**32, path >> 32, block % 2**32, block >> 32, KEY % 2**32, KEY >> 32)
    w0, w1, w2, w3 = (int(word) for word in words)
    assert uniform(KEY, path, index) == ((w1 << 20 | w0 >> 12) + 0.5) / 2**52
    assert uniform(KEY, path, index + 1) == ((w3 << 20 | w2 >> 12) + 0.5) / 2**52


def test_a_draw_and_its_complement_are_exact_and_inside_the_open_interval() -> None:
    for bits in (0, 1, 2**51, 2**52 - 1):  # the formula of `uniform` at its extremes
        u = (float(bits) + 0.5) * 2.0**-52
        assert 0.0 < u < 1.0
        assert u * 2**53 == 2 * bits + 1
        assert (1.0 - u) * 2**53 == 2**53 - (2 * bits + 1)


def test_keys_differ_by_seed_replication_and_name_and_are_63_bits() -> None:
    keys = [stream_key(s, r, name) for s in range(10) for r in range(10) for name in ("a", "b", "a.b", "")]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**63 for key in keys)
    assert stream_key(2**128 - 1, 0, "é") >= 0
    with pytest.raises(ValueError, match="2\\^128"):
        stream_key(-1, 0, "a")


def test_many_paths_at_once_are_those_made_one_by_one() -> None:
    for path in (0, 12345, element_id("machines"), 2**63 - 1):
        assert child_paths(path, 7, 1000).tolist() == [child_path(path, index) for index in range(7, 1007)]


def test_paths_of_a_wide_and_deep_tree_do_not_collide() -> None:
    source = element_id("orders")
    roots = [root_path(source, i) for i in range(300)]
    paths = roots + [child_path(child_path(root, i), j) for root in roots for i in range(20) for j in range(10)]
    assert len(set(paths)) == len(paths)
    assert 0 <= min(paths) <= max(paths) < 2**63


def test_every_bit_of_a_path_depends_on_every_bit_of_parent_and_index() -> None:
    # 400 flips of each input bit: each output bit changes in half of them; 63 x 126 binomials at once.
    rng = np.random.default_rng(3)
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 2**62, size=(400, 2))]
    changes = np.zeros((126, 63))
    for parent, index in pairs:
        base = child_path(parent, index)
        for bit in range(126):
            flip = (1 << bit, 0) if bit < 63 else (0, 1 << bit - 63)
            # Index + 1 must stay below 2^63: the highest bit of the index is left alone.
            other = child_path(parent ^ flip[0], index ^ flip[1]) if bit != 125 else base
            changes[bit] += [(base ^ other) >> i & 1 for i in range(63)]
    limit = stats.binom.isf(ALARM / (2 * 63 * 125), 400, 0.5)
    assert (np.abs(changes[:125] - 200) <= limit - 200).all()


def _grid(name: str) -> NDArray[np.float64]:
    """Draws in the three ways that neighbours occur: by index, by sibling, by generation."""
    root = root_path(element_id(name), 0)
    if name == "index":
        return np.array([uniform(KEY, root, i) for i in range(40_000)])
    if name == "sibling":
        return np.array([uniform(KEY, child_path(root, i), 0) for i in range(40_000)])
    values, path = [], root
    for _ in range(40_000):
        path = child_path(path, 0)
        values.append(uniform(KEY, path, 0))
    return np.array(values)


@pytest.mark.parametrize("name", ["index", "sibling", "generation"])
def test_neighbouring_draws_are_uniform_and_independent(name: str) -> None:
    u = _grid(name)
    assert stats.kstest(u, "uniform").pvalue > ALARM
    for lag in (1, 2):
        cells, *_ = np.histogram2d(u[:-lag], u[lag:], bins=16, range=[[0, 1], [0, 1]])
        assert stats.chisquare(cells.ravel()).pvalue > ALARM
    low_bits = (u * 2**52).astype(np.int64) % 256
    assert stats.chisquare(np.bincount(low_bits, minlength=256)).pvalue > ALARM


def test_streams_and_replications_are_uncorrelated_on_the_same_paths() -> None:
    keys = [stream_key(1, 0, "a"), stream_key(1, 1, "a"), stream_key(2, 0, "a"), stream_key(1, 0, "b")]
    draws = np.array([[uniform(key, path, 0) for path in range(20_000)] for key in keys])
    correlation = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.abs(correlation).max() * np.sqrt(20_000) < stats.norm.isf(ALARM / 12)
