"""What both ways of compiling share: signatures in the types of Numba, the prefetch, and the end of every object file.

All that is used of Numba and of llvmlite is documented.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ir
import numba

from sim.draws.jit import Part, parse

_numba: Any = numba  # what is used of it is mostly not in its type annotations
_types = _numba.types

_ANNOTATED = {
    "int": _types.int64,
    "float": _types.float64,
    "bool": _types.boolean,
    "None": _types.void,
    "Memory": _types.CPointer(_types.int64),
    "Words": _types.CPointer(_types.int64),
    "Floats": _types.CPointer(_types.float64),
    "Table": _types.CPointer(_types.float64),
}
"""What the annotations of inner functions mean to Numba."""


def signature_of(part: Part) -> Any:
    """What a function gives and takes, as a signature of Numba."""
    if part.signature is not None:
        gives, count, takes = parse(part.signature)
        given = _named(gives)
        return (_types.UniTuple(given, count) if count else given)(*map(_named, takes))
    types = {name: _annotated(part, text) for name, text in part.source().__annotations__.items()}
    return types.pop("return")(*types.values())


def _annotated(part: Part, text: str) -> Any:
    """What an annotation means; `Ref[..]` and aliases of `int | ...` say to mypy what an integer is."""
    alias = part.source().__globals__.get(text.split("[")[0])
    plain = "int" if isinstance(alias, str) and alias.startswith("int | ") else text
    assert plain in _ANNOTATED, f"{part.name}: what is {text} to Numba?"
    return _ANNOTATED[plain]


def _named(name: str) -> Any:
    return _types.CPointer(_named(name[:-1])) if name.endswith("*") else getattr(_types, name)


@_numba.extending.intrinsic  # type: ignore[untyped-decorator]
def fetch(context: Any, words: Any, at: Any) -> Any:
    """What `prefetch` of `sim.draws.jit` is to Numba."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte_pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte_pointer,), kind)
        where = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), byte_pointer)
        builder.call(fetch, [where, number(0), number(3), number(1)])  # for reading, to be kept, data
        return context.get_dummy_value()

    return _types.none(words, at), code


def make_private(module: Any) -> None:
    """Hide the functions of a module but its `entry`: nobody else calls them, they may be laid into their callers."""
    for function in module.functions:
        if not function.is_declaration and function.name != "entry":
            function.linkage = "internal"


def emitted(module: Any, name: str, options: dict[str, Any]) -> bytes:
    """The object file of a module that has been optimised. name: of the entry. options: of the target machine."""
    module.verify()
    for symbol in [*module.functions, *module.global_variables]:
        # What is resolved when code is loaded by Numba itself is not there when it is loaded without.
        missing = symbol.is_declaration and symbol.name.startswith(("numba", ".numba", "NRT_", "Py", "_Py", "_ZN"))
        assert not missing, f"{name} needs {symbol.name}"
    return bytes(target(options).emit_object(module))


def target(options: dict[str, Any]) -> Any:
    """A machine that LLVM makes code for: this one, with those options."""
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(**options)
