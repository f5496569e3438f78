"""How the records of the kernel's memory are declared: fields in order, to which offsets are assigned.

    class Grant(Record):
        WHO = word()  # low: job; high: step
        AREA = words(2)
        QUEUE = inside(Queue)

A field is read as `m[grant + Grant.WHO]`; `Grant.SIZE` is the number of words. A record that is derived from another
one begins with its fields. When a program runs, handles and fields are plain integers, and fields are constants to
compiled functions. To mypy a field is an `Offset[Grant]` and no integer: only with a handle before it is it an
address of the memory. (Fields of the header, which lies at 0, are addresses.) A function that takes a `Ref[Grant]`
takes a `Handle[Grant]` or an integer, as every handle is that comes from the memory: neither the handle of something
else nor, inside it, the field of something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from sim.draws.jit import Constants

R = TypeVar("R", contravariant=True)
K = TypeVar("K", covariant=True)
Ints = NDArray[np.int64]


class Offset(Generic[R]):
    """Where a field lies in a record R, as mypy sees it; when a program runs it is an integer."""

    if TYPE_CHECKING:

        def __add__(self, more: int | Offset[Any], /) -> int: ...
        @overload
        def __radd__(self, handle: int | Handle[R], /) -> int: ...
        @overload
        def __radd__(self, handles: Ints, /) -> Ints: ...
        def __radd__(self, handles: Any, /) -> Any: ...
        def __rsub__(self, address: int | Handle[Any], /) -> int: ...
        def __index__(self) -> int: ...


At: TypeAlias = "int | Offset[Any]"
"""Where a field lies in one record or another: what a function is told that does the same to several."""


class Handle(Generic[K]):
    """The index of the first word of a record K, as mypy sees it; when a program runs it is an integer."""

    if TYPE_CHECKING:

        def __add__(self, words: int, /) -> int: ...
        def __radd__(self, words: int, /) -> int: ...
        def __sub__(self, other: int, /) -> int: ...
        def __neg__(self) -> int: ...
        def __lshift__(self, bits: int, /) -> int: ...
        def __or__(self, more: int, /) -> int: ...
        def __ror__(self, more: int, /) -> int: ...
        def __lt__(self, other: int | Handle[Any], /) -> bool: ...
        def __gt__(self, other: int | Handle[Any], /) -> bool: ...


Ref: TypeAlias = "int | Handle[K]"
"""The handle of a record K, as what asks for one is told: every handle that comes from the memory is an integer."""

Word: TypeAlias = "int | Handle[Any]"
"""What a word of the memory may hold."""


class _Field:
    """So many words of a record, until its declaration has been read."""

    def __init__(self, length: int) -> None:
        self.length = length

    if TYPE_CHECKING:

        def __get__(self, record: None, kind: type[R]) -> Offset[R]: ...


class _SizeHere:
    """What has been declared so far, in words."""


class _Number:
    """One more than the number before."""


class _Body(dict[str, Any]):
    """The body of a declaration while it is read."""

    def __init__(self, size: int, fields: Mapping[str, range]) -> None:
        self.size, self.fields, self.is_open = size, dict(fields), False
        self.numbers: list[str] = []

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self.fields:
            raise TypeError(f"{name} is declared twice")
        if isinstance(value, _Field):
            if self.is_open:
                raise TypeError(f"{name} comes behind a field that has no end")
            self.is_open = value.length == 0
            self.fields[name] = range(self.size, self.size + value.length)
            value = self.size
            self.size = self.fields[name].stop
        elif isinstance(value, _SizeHere):
            value = self.size
        elif isinstance(value, _Number):
            value = len(self.numbers)
            self.numbers.append(name)
        super().__setitem__(name, value)


class Declared(Constants):
    """The type of records and of lists of numbers."""

    FIELDS: Mapping[str, range]  # the words of each field
    SIZE: int
    NAMES: tuple[str, ...]  # of the numbers

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **more: Any) -> _Body:
        above = [base for base in bases if isinstance(base, Declared)]
        assert len(above) <= 1, f"{name}: a record begins with the fields of one other"
        return _Body(above[0].SIZE, above[0].FIELDS) if above else _Body(0, {})

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Declared:
        """Has read a declaration."""
        assert isinstance(body, _Body)
        told = {"SIZE": body.size, "FIELDS": body.fields, "NAMES": tuple(body.numbers)}
        return super().__new__(cls, name, bases, {**body, **told})


class Record(metaclass=Declared):
    """A record of the memory. Its fields are told by `word`, `words`, `inside` and `rest`."""


class Numbers(metaclass=Declared):
    """What the word of a field may be: numbers from 0, told by `number`."""


def word() -> _Field:
    """A field of one word."""
    return _Field(1)


def words(length: int) -> _Field:
    """A field of several words, known by the first."""
    return _Field(length)


def inside(record: type[Record]) -> _Field:
    """A field that is a record itself."""
    return _Field(record.SIZE)


def fixed(length: int = 1) -> int:
    """A field of the header: it lies where the memory begins, so that it is an address."""
    return cast(int, _Field(length))


def rest() -> _Field:
    """What comes behind the others, as many words as there are: the size does not count them."""
    return _Field(0)


def size_here() -> int:
    """The size of a record that ends here, as some do."""
    return cast(int, _SizeHere())


def number() -> int:
    """The next number: 0 is the first."""
    return cast(int, _Number())


if TYPE_CHECKING:  # What mypy catches: strict as it is, it would say so if one of these were no mistake any more.

    class _One(Record):
        FIELD = word()

    class _Other(Record):
        FIELD = word()

    def _mistakes(one: int | Handle[_One], other: int | Handle[_Other]) -> int:
        address: int = _One.FIELD  # type: ignore[assignment] # there is no handle before it
        count = 2 * _One.FIELD  # type: ignore[operator] # it is no size
        size = one + _One  # type: ignore[operator] # the field is missing
        word = one + _Other.FIELD  # type: ignore[operator] # another record's field
        return address + count + size + word + _mistakes(other, one)  # type: ignore[arg-type] # in the wrong order
