"""Mixtures and cuts: the table of the kind PIECES, written and read.

A distribution made of pieces takes, with the weight of each, another distribution between two levels of it. A cut
one has one piece, a mixture several whole ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.draws import kinds
from sim.draws.kinds import Inverse


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: `inner` between its levels `base` and `base + span`, with probability `weight`.

    least, greatest: the values at these levels, which no draw may leave through rounding.
    """

    weight: float
    inner: Inverse
    base: float = 0.0
    span: float = 1.0
    least: float = -math.inf
    greatest: float = math.inf

    @property
    def whole(self) -> bool:
        """Whether nothing of the inner distribution is cut off."""
        return self.base == 0.0 and self.span == 1.0


def pieces_of(inverse: Inverse) -> list[Piece]:
    """The pieces of any distribution; their inner ones rise with u."""
    if inverse.kind == kinds.HYPEREXPONENTIAL:
        return [
            Piece(inverse.a, Inverse(kinds.EXPONENTIAL, inverse.b)),
            Piece(1.0 - inverse.a, Inverse(kinds.EXPONENTIAL, inverse.c)),
        ]
    if inverse.kind != kinds.PIECES:
        return [Piece(1.0, inverse)]
    pieces: list[Piece] = []
    start = 0
    while not pieces or inverse.table[start - kinds.PIECE_WIDTH + kinds.PIECE_TO] < 1.0:
        row = [float(x) for x in inverse.table[start : start + kinds.PIECE_WIDTH]]
        offset, length = int(row[kinds.PIECE_OFFSET]), int(row[kinds.PIECE_LENGTH])
        inner = Inverse(
            int(row[kinds.PIECE_KIND]),
            row[kinds.PIECE_A],
            row[kinds.PIECE_B],
            row[kinds.PIECE_C],
            inverse.table[offset : offset + length].copy(),
        )
        weight = row[kinds.PIECE_TO] - row[kinds.PIECE_FROM]
        span = row[kinds.PIECE_SPAN] * weight
        pieces.append(
            Piece(
                weight,
                inner,
                row[kinds.PIECE_BASE],
                1.0 if abs(span - 1.0) < 1e-15 else span,
                row[kinds.PIECE_LEAST],
                row[kinds.PIECE_GREATEST],
            )
        )
        start += kinds.PIECE_WIDTH
    return pieces


def join(pieces: Sequence[Piece]) -> Inverse:
    """The distribution made of the pieces; weights are divided by their sum, and those of nothing are left out.

    Inner distributions of several pieces must have been taken apart by `pieces_of`.
    """
    ends = np.cumsum([piece.weight for piece in pieces])
    ends /= ends[-1]
    kept = np.diff(ends, prepend=0.0) > 0.0  # a weight may also vanish beside the others
    pieces = [piece for piece, keep in zip(pieces, kept, strict=True) if keep]
    if len(pieces) == 1 and pieces[0].whole:
        return pieces[0].inner
    rows, tables = [], []
    offset, start = len(pieces) * kinds.PIECE_WIDTH, 0.0
    for piece, end in zip(pieces, ends[kept].tolist(), strict=True):
        assert piece.inner.kind != kinds.PIECES
        row = {
            kinds.PIECE_TO: end,
            kinds.PIECE_FROM: start,
            kinds.PIECE_BASE: piece.base,
            kinds.PIECE_SPAN: piece.span / (end - start),
            kinds.PIECE_LEAST: piece.least,
            kinds.PIECE_GREATEST: piece.greatest,
            kinds.PIECE_KIND: piece.inner.kind,
            kinds.PIECE_A: piece.inner.a,
            kinds.PIECE_B: piece.inner.b,
            kinds.PIECE_C: piece.inner.c,
            kinds.PIECE_OFFSET: offset,
            kinds.PIECE_LENGTH: len(piece.inner.table),
        }
        rows.append([float(row[column]) for column in range(kinds.PIECE_WIDTH)])
        tables.append(piece.inner.table)
        offset += len(piece.inner.table)
        start = end
    return Inverse(kinds.PIECES, table=np.concatenate([np.ravel(rows), *tables]))
