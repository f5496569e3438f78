"""Philox4x32-10: 128 random bits from a 128-bit counter and a 64-bit key, without state.

Source: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3 (SC'11), and the known answers of
Random123 1.14. What counter and key stand for is decided in `sim.draws.streams`.
"""

from __future__ import annotations

from sim.draws.jit import njit, word

_MULTIPLIER_0 = word(0xD2511F53)
_MULTIPLIER_1 = word(0xCD9E8D57)
_WEYL_0 = word(0x9E3779B9)
_WEYL_1 = word(0xBB67AE85)
_MASK_32 = word(0xFFFFFFFF)
_32 = word(32)


@njit("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64)", laid_in=True)
def philox4x32(
    counter_0: int, counter_1: int, counter_2: int, counter_3: int, key_0: int, key_1: int
) -> tuple[int, int, int, int]:
    """The four 32-bit words of one block.

    counter_*, key_*: 32-bit words, each in an unsigned 64-bit integer.
    """
    x0, x1, x2, x3 = counter_0, counter_1, counter_2, counter_3
    k0, k1 = key_0, key_1
    for _ in range(10):
        product_0 = _MULTIPLIER_0 * x0  # below 2^64
        product_1 = _MULTIPLIER_1 * x2
        x0 = (product_1 >> _32) ^ x1 ^ k0
        x1 = product_1 & _MASK_32
        x2 = (product_0 >> _32) ^ x3 ^ k1
        x3 = product_0 & _MASK_32
        k0 = (k0 + _WEYL_0) & _MASK_32
        k1 = (k1 + _WEYL_1) & _MASK_32
    return x0, x1, x2, x3
