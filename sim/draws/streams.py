"""Names of draws: which key and which counter stand for (seed, replication, stream, path, index).

Counter layout of one Philox block: words 0 and 1 are the path, words 2 and 3 the block, which is the draw's index
halved; the even draw takes the first two words of the answer, the odd one the last two. The key is the stream's.
Keys, paths and indices are non-negative and below 2^63, so that they are int64 to everybody.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sim.draws.jit import njit, signed, word
from sim.draws.philox import philox4x32

_MASK_63 = word(0x7FFF_FFFF_FFFF_FFFF)
_MASK_32 = word(0xFFFF_FFFF)
# The golden-ratio step and the finaliser of splitmix64 (Steele, Lea, Flood, Fast splittable pseudorandom number
# generators, OOPSLA 2014, with the constants of Stafford's variant 13), taken modulo 2^63: multiplication by an odd
# number and xor with a right shift stay bijections there.
_GOLDEN = word(0x1E37_79B9_7F4A_7C15)
_FACTOR_1 = word(0x3F58_476D_1CE4_E5B9)
_FACTOR_2 = word(0x14D0_49BB_1331_11EB)
_30, _27, _31, _32, _20 = word(30), word(27), word(31), word(32), word(20)


def stream_key(seed: int, replication: int, name: str) -> int:
    """Key of the stream `name` in one replication of one seed, in [0, 2^63).

    The blake2b hash of the name, with seed and replication as its salt and personal string. seed, replication: any
    integers in [0, 2^128). Raises ValueError outside.
    """
    if not (0 <= seed < 1 << 128 and 0 <= replication < 1 << 128):
        raise ValueError("seed and replication must be in [0, 2^128)")
    digest = hashlib.blake2b(
        name.encode(), digest_size=8, salt=seed.to_bytes(16, "little"), person=replication.to_bytes(16, "little")
    ).digest()
    return int.from_bytes(digest, "little") >> 1


def element_id(name: str) -> int:
    """Number of a source, client population or fault, in [0, 2^63): where the paths of its entities begin."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> 1


@njit("int64(int64, int64)", laid_in=True)
def child_path(path: int, index: int) -> int:
    """Path of the `index`-th thing inside `path`: child, loop iteration or attempt.

    Children of one path never collide; n paths in all collide somewhere with probability n^2 / 2^64.
    """
    z = (word(path) + word(index + 1) * _GOLDEN) & _MASK_63
    z = ((z ^ (z >> _30)) * _FACTOR_1) & _MASK_63
    z = ((z ^ (z >> _27)) * _FACTOR_2) & _MASK_63
    return signed(z ^ (z >> _31))


def child_paths(path: int, first: int, count: int) -> NDArray[np.int64]:
    """`child_path` of `count` things, from number `first` on."""
    mask = np.uint64(_MASK_63)
    z = (np.uint64(path) + np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)) & mask
    for shift, factor in ((_30, _FACTOR_1), (_27, _FACTOR_2)):
        z = ((z ^ (z >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (z ^ (z >> np.uint64(_31))).astype(np.int64)


@njit("int64(int64, int64)")
def root_path(element: int, ordinal: int) -> int:
    """Path of the `ordinal`-th execution of a source, cycle of a client or episode of a fault.

    element: its `element_id`, or for a client the `child_path` of it.
    """
    return child_path(element, ordinal)


@njit("float64(int64, int64, int64)", laid_in=True)
def uniform(key: int, path: int, index: int) -> float:
    """Draw number `index` of `path` in the stream `key`: uniform on the open interval (0, 1).

    52 random bits and a half: the odd multiples of 2^-53. With 53 bits the half would be rounded away above 1/2, and
    1.0 would come out; here both u and 1 - u are exact and never 0.
    """
    k, p, block = word(key), word(path), word(index >> 1)
    w0, w1, w2, w3 = philox4x32(p & _MASK_32, p >> _32, block & _MASK_32, block >> _32, k & _MASK_32, k >> _32)
    high, low = (w3, w2) if index & 1 else (w1, w0)
    bits = (high << _20) | (low >> word(12))
    return (float(signed(bits)) + 0.5) * 2.0**-52
