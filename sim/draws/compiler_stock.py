"""The stock way of compiling: of Numba it uses `cfunc` and `extending.intrinsic`, which are documented, and no more.

Numba compiles every function alone, as one that C can call. A call of another function is an intrinsic: a declaration
of that function in LLVM's language, and a call of it. What Numba gives back of each, in LLVM's language, llvmlite then
links, optimises as one and turns into an object file.

Plain `njit` of the same functions works as well: it links each with all that it calls and optimises that again, 415
times. For the event loop it takes 193 s of a processor and 1.2 GB, where this takes 45 s and 0.4 GB.
"""

from __future__ import annotations

import ast
import ctypes
import inspect
import os
import re
import textwrap
from types import CodeType, FunctionType
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ir
import numba

from sim.draws.compiler_shared import emitted, fetch, make_private, signature_of, target
from sim.draws.jit import NEAR, Constants, Entry, Part, parse, prefetch

_numba: Any = numba

_NOWHERE = ctypes.cast(ctypes.pythonapi.Py_FatalError, ctypes.c_void_p).value
"""Numba loads what it has compiled, though nobody calls it there: what it would call must have an address."""

_VALUES: dict[str, Any] = {"int64": ir.IntType(64), "uint64": ir.IntType(64), "float64": ir.DoubleType()}
"""Types of LLVM, by their names in Numba."""

_languages: dict[Part, str] = {}
"""What has been compiled in this process, in LLVM's language."""


def object_code(entry: Entry) -> bytes:
    """The machine code of an entry as an object file of this machine, in which it is called `entry`."""
    whole = llvm.parse_assembly(f'target triple = "{llvm.get_process_triple()}"')
    linked: set[Part] = set()
    ahead: list[Part] = [entry]
    while ahead:
        part = ahead.pop()
        if part in linked:
            continue
        if part not in _languages:
            _languages[part] = _translated(part)
        whole.link_in(llvm.parse_assembly(_languages[part]))
        linked.add(part)
        ahead += _called(part).values()
    _add_entry(whole, entry)
    make_private(whole)
    whole.verify()
    options = _options()
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization, tuning.slp_vectorization = True, False  # as Numba has them
    passes = llvm.create_pass_builder(target(options), tuning)
    passes.getModulePassManager().run(whole, passes)
    return emitted(whole, entry.name, options)


def _called(part: Part) -> dict[str, Part]:
    """The compiled functions that a function calls, by the names that it has for them."""
    source = part.source()
    named = {name: source.__globals__.get(name) for name in source.__code__.co_names}
    return {name: one for name, one in named.items() if isinstance(one, Part)}


def _symbol(part: Part) -> str:
    source = part.source()
    return re.sub(r"[^\w.]", "_", f"{source.__module__}.{source.__qualname__}")


def _translated(part: Part) -> str:
    """A function in LLVM's language, in which it has its symbol as a name, and others are declared by theirs."""
    source = part.source()
    known = {name: _call_of(one) for name, one in _called(part).items()}
    known |= {name: fetch for name in source.__code__.co_names if source.__globals__.get(name) is prefetch}
    copy = FunctionType(_with_constants(source), source.__globals__ | known, source.__name__)
    copy.__module__, copy.__qualname__ = source.__module__, source.__qualname__
    made = _numba.cfunc(signature_of(part), error_model="numpy")(copy)
    symbol, language = _symbol(part), made.inspect_llvm()
    # Numba has the function kept apart from the wrapper that makes it one of C, which would double the time of a run.
    # Another attribute takes the place of that one, since there may be no other: nothing here unwinds.
    return re.sub(r"\bnoinline\b", "nounwind", language).replace(made.native_name, symbol)


def _with_constants(source: Any) -> CodeType:
    """The code of a function with numbers in the places of `Record.FIELD`, from its text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(source)))
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list, function.returns = [], None
    for argument in function.args.args:
        argument.annotation = None
    _Constants(source.__globals__).visit(function)
    made: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(tree), inspect.getfile(source), "exec"), made)
    code: CodeType = made[function.name].__code__
    return code


class _Constants(ast.NodeTransformer):
    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A number for a field of a record; anything else as it is."""
        record = self.known.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return ast.Constant(getattr(record, node.attr)) if isinstance(record, Constants) else self.generic_visit(node)


def _call_of(part: Part) -> Any:
    """What a compiled function is to those that call it: an intrinsic."""
    if part.compiled is None:
        symbol, signature = _symbol(part), signature_of(part)
        llvm.add_symbol(symbol, _NOWHERE)

        def code(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            gives, *takes = map(context.get_value_type, (signature.return_type, *signature.args))
            module = builder.module
            declared = module.globals.get(symbol) or ir.Function(module, ir.FunctionType(gives, takes), symbol)
            return builder.call(declared, arguments)

        def call(context: Any, *arguments: Any) -> Any:
            return signature, code

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = ("context", *inspect.signature(part.source()).parameters)
        call.__name__ = part.name
        call.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
        part.compiled = _numba.extending.intrinsic(call)
    return part.compiled


def _add_entry(whole: Any, entry: Entry) -> None:
    """Name the function that C calls; one that gives several numbers gets another in front that fills an array."""
    assert entry.signature is not None
    gives, count, takes = parse(entry.signature)
    if not count:
        whole.get_function(_symbol(entry)).name = "entry"
        return
    module = ir.Module()
    several, taken = ir.ArrayType(_VALUES[gives], count), [_VALUES[name] for name in takes]
    callee = ir.Function(module, ir.FunctionType(several, taken), _symbol(entry))
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [several.as_pointer(), *taken]), "entry")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.store(builder.call(callee, function.args[1:]), function.args[0])
    builder.ret_void()
    whole.link_in(llvm.parse_assembly(str(module)))


def _options() -> dict[str, Any]:
    """Options of the target machine; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES count, as in Numba."""
    features = os.environ.get("NUMBA_CPU_FEATURES")
    return {
        "cpu": os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name(),
        "features": llvm.get_host_cpu_features().flatten() if features is None else features,
        "opt": 3,
        "reloc": "pic" if NEAR else "default",
        "codemodel": "small" if NEAR else "jitdefault",
    }
