"""The one "did you mean": the known word that a user probably meant, in the words of a hint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, "" where none is near; case, hyphens and blanks do not count."""
    plain = {bare(name): name for name in known}
    word = bare(word)
    close = difflib.get_close_matches(word, plain, n=1, cutoff=0.65)
    if not close and len(word) >= 3:
        close = [name for name in plain if name.startswith(word) or (len(name) >= 3 and word.startswith(name))]
    return plain[close[0]] if close else ""


def bare(name: str) -> str:
    """A word without case, hyphens and blanks: `maxConns`, `max_conns` and `max-conns` are one."""
    return re.sub(r"[-_ ]", "", str(name)).lower()


def meant(word: str, known: Iterable[str], otherwise: str, mark: str = "") -> str:
    """The hint at a word that is not known: the one that was probably meant, between marks, else what is said
    otherwise."""
    near = nearest(word, known)
    return f"did you mean {mark}{near}{mark}?" if near else otherwise
