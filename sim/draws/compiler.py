"""Compiling by Numba, the one file that imports it: an entry and all that it calls become one piece of machine code.

By itself Numba optimises every function together with all that it calls, so that a call tree of depth d is optimised d
times over: the event loop with its hundreds of functions would take minutes. Here a function that is compiled because
another one calls it is translated only; the entry links all of them, directly called or not, and is optimised once.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ir
import numba

from sim.draws.jit import NEAR, Constants, Entry, Part, parse

_numba: Any = numba  # what is used of it is mostly not in its type annotations
_core, _types = _numba.core, _numba.types

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


_Base: Any = _core.compiler.CompilerBase
_Pass: Any = _core.compiler_machinery.FunctionPass


@_core.compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class _ReadConstants(_Pass):  # type: ignore[misc]
    """Puts the number in the place of `Record.FIELD`, as Numba does itself with a name of a module."""

    _name = "read_constants"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Whether anything has changed."""
        known: dict[str, Constants] = {}
        code, definitions = _core.ir, state.func_ir._definitions
        for block in state.func_ir.blocks.values():
            kept = []
            for step in block.body:
                value = getattr(step, "value", None)
                if isinstance(value, code.Global) and isinstance(value.value, Constants):
                    known[step.target.name] = value.value
                    continue
                if isinstance(value, code.Expr) and value.op == "getattr" and value.value.name in known:
                    number = getattr(known[value.value.name], value.attr)
                    step.value = code.Global(value.attr, number, value.loc)
                    definitions[step.target.name] = [step.value]
                kept.append(step)
            block.body = kept
        return bool(known)


class _Pipeline(_Base):  # type: ignore[misc]
    """Numba's way from Python to LLVM's language, without the stations that find nothing to do here.

    Left out are closures, blocks under `with`, array expressions, parallel loops, literal arguments, and the pruning
    of dead branches, which LLVM does as well.
    """

    def define_pipelines(self) -> list[Any]:
        """The one pipeline that there is."""
        untyped, typed = _core.untyped_passes, _core.typed_passes
        manager = _core.compiler_machinery.PassManager("plain")
        for station in (
            untyped.TranslateByteCode,
            _ReadConstants,
            untyped.FixupArgs,
            untyped.IRProcessing,
            untyped.ReconstructSSA,
            typed.NopythonTypeInference,
            typed.PreLowerStripPhis,
            typed.IRLegalization,
            typed.AnnotateTypes,
            typed.NativeLowering,
            typed.NoPythonBackend,
        ):
            manager.add_pass(station, station.__name__)
        manager.finalize()
        return [manager]


_OPTIONS: dict[str, Any] = {
    "fastmath": False,
    "error_model": "numpy",
    "nogil": True,
    "_nrt": False,
    "pipeline_class": _Pipeline,
}


def type_of(part: Part) -> Any:
    """What Numba takes a function for when it compiles one that calls it."""
    if part.compiled is None:
        options = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": part.laid_in}
        part.compiled = _numba.njit(**options)(part.source())
        # One version for all who call it: Numba would make one for each combination of constants in the calls. It is
        # there before it is finished, since it may call itself.
        part.compiled.compile(_signature(part))
        part.compiled.disable_compile()
    return _numba.typeof(part.compiled)


def _signature(part: Part) -> Any:
    if part.signature is not None:
        gives, count, takes = parse(part.signature)
        given = _named(gives)
        return (_types.UniTuple(given, count) if count else given)(*map(_named, takes))
    types = {name: _annotated(part, text) for name, text in part.source().__annotations__.items()}
    return types.pop("return")(*types.values())


def _annotated(part: Part, text: str) -> Any:
    """What an annotation means; an alias of `int | ...` says to mypy what the integer is, and is one to Numba."""
    alias = part.source().__globals__.get(text)
    plain = "int" if isinstance(alias, str) and alias.startswith("int | ") else text
    assert plain in _ANNOTATED, f"{part.name}: what is {text} to Numba?"
    return _ANNOTATED[plain]


def _named(name: str) -> Any:
    return _types.CPointer(_named(name[:-1])) if name.endswith("*") else getattr(_types, name)


@_numba.extending.intrinsic  # type: ignore[untyped-decorator]
def _fetch(context: Any, words: Any, at: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte_pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte_pointer,), kind)
        where = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), byte_pointer)
        builder.call(fetch, [where, number(0), number(3), number(1)])  # for reading, to be kept, data
        return context.get_dummy_value()

    return _types.none(words, at), code


def prefetch_type() -> Any:
    """What Numba takes `prefetch` for."""
    return _core.registry.cpu_target.typing_context.resolve_value_type(_fetch)


def object_code(entry: Entry) -> bytes:
    """The machine code of an entry as an object file of this machine, in which it is called `entry`."""
    _core.runtime.rtsys.initialize(_core.registry.cpu_target.target_context)  # not as a part of what follows
    with _translating():
        dispatcher: Any = _numba.njit(_signature(entry), no_cpython_wrapper=True, **_OPTIONS)(entry.source())
        (result,) = dispatcher.overloads.values()
        return _linked(result.library)


@contextmanager
def _translating() -> Iterator[None]:
    """While this lasts, Numba translates functions to LLVM's language and does no more with them."""

    def only_lay_out(library: Any, module: Any) -> None:
        module.data_layout = library._codegen._data_layout

    def finalize(library: Any) -> None:
        library._finalized = True

    def executable(context: Any, library: Any, fndesc: Any, env: Any) -> Any:
        return [fndesc].count  # a built-in function, as Numba wants; it only stands for this one, nobody calls it

    resolve, resolved = _types.functions.BaseFunction.get_call_type, {}

    def remembered(function: Any, context: Any, args: Any, kws: Any) -> Any:
        key = (function, tuple(args), tuple(dict(kws).items()))
        if key not in resolved:
            resolved[key] = resolve(function, context, args, kws)
        return resolved[key]

    changes: list[tuple[Any, str, Any]] = [
        # Twenty thousand operations of some five hundred kinds: for each, Numba would ask all who might know its type.
        (_types.functions.BaseFunction, "get_call_type", remembered),
        (_core.codegen.CPUCodeLibrary, "_optimize_functions", only_lay_out),
        (_core.codegen.CPUCodeLibrary, "finalize", finalize),
        (_core.cpu.CPUContext, "get_executable", executable),
        (_core.cpu.CPUContext, "create_cfunc_wrapper", _add_entry),
    ]
    before = [getattr(home, name) for home, name, _ in changes]
    collected = gc.isenabled()
    gc.disable()  # hundreds of functions in the form of objects that stay: the collector would walk them all, often
    try:
        for home, name, changed in changes:
            setattr(home, name, changed)
        yield
    finally:
        for (home, name, _), one in zip(changes, before, strict=True):
            setattr(home, name, one)
        if collected:
            gc.enable()


def _add_entry(context: Any, library: Any, fndesc: Any, env: Any, call_helper: Any) -> None:
    """Add the function that C calls. Unlike Numba's own it knows no exceptions, since nothing compiled here raises."""
    module = context.create_module("entry")
    types, convention = context.data_model_manager, context.call_conv
    callee = ir.Function(module, convention.get_function_type(fndesc.restype, fndesc.argtypes), fndesc.llvm_func_name)
    gives = types[fndesc.restype].get_data_type()
    takes = [context.get_value_type(one) for one in fndesc.argtypes]
    is_tuple = isinstance(fndesc.restype, _types.BaseTuple)
    shape = ir.FunctionType(ir.VoidType(), [gives.as_pointer(), *takes]) if is_tuple else ir.FunctionType(gives, takes)
    function = ir.Function(module, shape, "entry")
    builder = ir.IRBuilder(function.append_basic_block())
    arguments = function.args[1:] if is_tuple else function.args
    _, result = convention.call_function(builder, callee, fndesc.restype, fndesc.argtypes, arguments)
    result = types[fndesc.restype].as_data(builder, result)
    if is_tuple:
        builder.store(result, function.args[0])
        builder.ret_void()
    else:
        builder.ret(result)
    library.add_ir_module(module)


def _linked(library: Any) -> bytes:
    """Link a library with all that it needs, optimise it as one, and make machine code of it."""
    codegen, module = library._codegen, library._final_module
    # Callers before those whom they call: LLVM leaves out what nobody has asked for so far.
    seen: set[Any] = set()
    order: list[Any] = []

    def visit(user: Any) -> None:
        for used in user._linking_libraries:
            if used not in seen:
                seen.add(used)
                visit(used)
                order.append(used)

    visit(library)
    for used in order[::-1]:
        module.link_in(used._get_module_for_linking(), preserve=True)
    for function in module.functions:
        if not function.is_declaration and function.name != "entry":
            function.linkage = "internal"  # nobody else calls it: it may be laid into its callers
    passes, builder = codegen._module_pass_manager()
    passes.run(module, builder)
    module.verify()
    for symbol in [*module.functions, *module.global_variables]:
        # What is resolved when code is loaded by Numba itself is not there when it is loaded without.
        missing = symbol.is_declaration and symbol.name.startswith(("numba", ".numba", "NRT_", "Py", "_Py", "_ZN"))
        assert not missing, f"{library.name} needs {symbol.name}"
    return bytes(_machine(codegen).emit_object(module))


def _machine(codegen: Any) -> Any:
    options = {"cpu": codegen._get_host_cpu_name(), "features": codegen._tm_features, "opt": 3}
    if NEAR:
        options |= {"reloc": "pic", "codemodel": "small"}
    else:
        codegen._customize_tm_options(options)
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(**options)
