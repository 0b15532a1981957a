"""Which single mistakes in a module do its tests notice?

    python tests/mutants.py xaicourse/attribution/relevance.py \
        tests/test_attribution_relevance.py

makes single changes to the module (another operator or constant, an argument, an
option, a term or a statement less, two fields exchanged), spread evenly over the file,
runs the tests against each, and prints those that no test noticed. Nothing is written:
a changed module exists only in a process of its own, which was forked after all
libraries were imported. Of the tests those are run that reach the changed statement,
the fastest first.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib.util
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest

# The hooks of conftest.py are for notebooks, and take longer than most tests.
QUIET = ["-q", "-p", "no:cacheprovider", "--noconftest"]

COMPARISONS: dict[type, list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
BUILTINS = {"min": "max", "max": "min", "all": "any", "any": "all"}
METHODS = BUILTINS | {"mean": "sum", "sum": "mean", "zeros": "ones", "ones": "zeros"}
METHODS |= {"zeros_like": "ones_like", "ones_like": "zeros_like"}
EXCHANGED = {"clamp", "where", "sub"}
EITHER_WAY = {"min", "max", "isinstance"}
DROPPED = {"detach", "clone", "copy", "abs", "square", "sqrt", "relu", "exp"}
NOT_CODE = {"annotation", "returns", "decorator_list"}
NO_MATTER = {"strict", "stacklevel"}
"""Options that only matter where something else is wrong already."""


@dataclass(frozen=True)
class Mutant:
    """A change of a module: `holder[key]` becomes something else."""

    tree: ast.Module
    holder: Any
    key: Any
    new: ast.AST
    lines: range
    """Of the statement that it changes."""

    def code(self, file: str) -> CodeType:
        """Return the changed module."""
        right = self.holder[self.key]
        self.holder[self.key] = ast.copy_location(self.new, right)
        code = compile(ast.fix_missing_locations(self.tree), file, "exec")
        self.holder[self.key] = right
        return code

    def __str__(self) -> str:
        """Say where it is, and what becomes of what."""
        right = self.holder[self.key]
        return f"{right.lineno}: {_short(right)} → {_short(self.new)}"


def mutants(source: str) -> list[Mutant]:
    """Return all mutants of a module, from the top to the bottom of it."""
    tree = ast.parse(source)
    found = []
    for holder, key, lines in _places(tree, range(1)):
        node = holder[key]
        different = {ast.unparse(new): new for new in _changes(node)}
        different.pop(ast.unparse(node), None)
        found += [Mutant(tree, holder, key, new, lines) for new in different.values()]
    return found


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else text[:67] + "..."


def _places(node: ast.AST, lines: range) -> Iterator[tuple[Any, Any, range]]:
    """Where each node hangs: a list or the fields of its parent, its place there, and
    the lines of its statement.

    What a program says to people, and what it says about types, is left out.
    """
    for field, value in ast.iter_fields(node):
        if field in NOT_CODE:
            continue
        listed = isinstance(value, list)
        holder: Any = value if listed else vars(node)
        for key in range(len(value)) if listed else [field]:
            child = holder[key]
            if not isinstance(child, ast.AST) or getattr(child, "arg", "") in NO_MATTER:
                continue
            whole = lines
            if isinstance(child, ast.stmt):
                whole = range(child.lineno, (child.end_lineno or child.lineno) + 1)
            if hasattr(child, "lineno"):
                yield holder, key, whole
            speaks = isinstance(child, ast.Raise | ast.JoinedStr) or (
                isinstance(child, ast.Call) and ast.unparse(child.func).endswith("warn")
            )
            if not speaks:
                yield from _places(child, whole)


def _with(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _exchanged(items: list[Any], i: int, j: int) -> list[Any]:
    items = list(items)
    items[i], items[j] = items[j], items[i]
    return items


def _changes(node: Any) -> Iterator[ast.AST]:
    """Yield the mistakes that can be made in one place."""
    yield from _changed_operators(node)
    yield from _changed_words(node)
    yield from _changed_parts(node)
    yield from _changed_statements(node)


def _changed_operators(node: Any) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]):
            for other in COMPARISONS[type(op)]:
                yield _with(node, ops=[other()])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
            yield left
            if isinstance(op, ast.Add | ast.Mult):
                yield right
        case ast.UnaryOp(operand=operand):
            yield operand


def _changed_words(node: Any) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float(value)) if 0.0 < value < 1e-5:
            yield ast.Constant(0.0)  # what guards against a zero
        case ast.Constant(value=float(value)):
            yield ast.Constant(2 * value if 0.0 < value < 1e5 else 1.0)
        case ast.Name(id=name) if name in BUILTINS:
            yield _with(node, id=BUILTINS[name])
        case ast.Attribute(attr=name) if name in METHODS:
            yield _with(node, attr=METHODS[name])
        case ast.keyword(arg="min" | "max" as name):
            yield _with(node, arg=BUILTINS[name])


def _changed_parts(node: Any) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=function) if (
            ast.unparse(function).split(".")[-1][0].isupper()
        ):
            yield from _exchanged_fields(node)
        case ast.Call():
            yield from _changed_calls(node)
        case ast.Slice():
            for name in ("lower", "upper"):
                end = getattr(node, name)
                if end is not None and not isinstance(end, ast.Constant):
                    later = ast.BinOp(end, ast.Add(), ast.Constant(1))
                    yield _with(node, **{name: later})
        case ast.IfExp(test=test, body=body, orelse=orelse) if not _has_own(test):
            yield _with(node, body=orelse, orelse=body)
        case ast.ListComp(generators=[loop]) | ast.GeneratorExp(generators=[loop]):
            yield _with(node, generators=[_with(loop, ifs=[])])


def _exchanged_fields(node: ast.Call) -> Iterator[ast.AST]:
    for i in range(len(node.args) - 1):
        yield _with(node, args=_exchanged(node.args, i, i + 1))
    values = [keyword.value for keyword in node.keywords]
    for i in range(len(values) - 1):
        pairs = zip(node.keywords, _exchanged(values, i, i + 1), strict=True)
        yield _with(node, keywords=[_with(k, value=value) for k, value in pairs])


def _changed_calls(node: ast.Call) -> Iterator[ast.AST]:
    function, args, keywords = node.func, node.args, node.keywords
    name = ast.unparse(function).split(".")[-1]
    alike = all(isinstance(a, ast.Name) for a in args[-2:]) and name not in EITHER_WAY
    if len(args) > 1 and (name in EXCHANGED or alike):
        yield _with(node, args=_exchanged(args, -2, -1))
    for keyword in keywords:
        if keyword.arg not in NO_MATTER:
            yield _with(node, keywords=[k for k in keywords if k is not keyword])
    if name in DROPPED and isinstance(function, ast.Attribute) and not keywords:
        yield from args or [function.value]


def _changed_statements(node: Any) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test) if not _has_own(test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.Tuple(elts=elts) as returned):
            for i in range(len(elts) - 1):
                pair = _with(returned, elts=_exchanged(elts, i, i + 1))
                yield _with(node, value=pair)
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            yield ast.Pass()
        case ast.Assign(targets=targets, value=value):
            if set().union(*map(_names, targets)) & _names(value):
                yield ast.Pass()


def _has_own(test: ast.expr) -> bool:
    """Whether a condition is negated where it stands by itself."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return negated or isinstance(test, ast.Compare)


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def chosen(items: Sequence[Any], number: int, seed: int) -> list[Any]:
    """Return one item, by chance, from each of as many equal parts of a sequence."""
    number = min(number, len(items))
    ends = [i * len(items) // number for i in range(number + 1)]
    draw = random.Random(seed)
    return [items[draw.randrange(a, b)] for a, b in pairwise(ends)]


class Planted(MetaPathFinder, Loader):
    """Gives a module other code, wherever it is imported."""

    def __init__(self, name: str, file: str, code: CodeType) -> None:
        self.name, self.file, self.code = name, file, code

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, vars(module))


class Watching:
    """Notes for each test how long it takes, and which lines of a file it runs."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, set[int]] = {}
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        seen = self.lines[item.nodeid] = set()

        def trace(frame: FrameType, *_: Any) -> Any:
            if frame.f_code.co_filename != self.file:
                return None
            seen.add(frame.f_lineno)
            return trace

        start = time.monotonic()
        threading.settrace(trace)
        sys.settrace(trace)
        result = yield
        sys.settrace(None)
        threading.settrace(None)
        self.seconds[item.nodeid] = time.monotonic() - start
        return result


class Choosing:
    """Runs some of the tests, in a given order."""

    def __init__(self, wanted: list[str]) -> None:
        self.wanted = wanted

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.wanted]
        items.sort(key=lambda item: self.wanted.index(item.nodeid))


def tested(
    planted: Planted, tests: list[str], plugin: Watching | Choosing, limit: float
) -> tuple[int, Any] | None:
    """Run tests in a process of its own, with other code for a module; return pytest's
    answer and what the plugin knows, or None if it is not done in time.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, planted)
        sender.send((int(pytest.main([*QUIET, "-x", *tests], [plugin])), vars(plugin)))

    process = context.Process(target=work)
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(limit) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def main(arguments: list[str]) -> int:
    """Print the fate of each mutant, and count them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("module", help="its file, from the folder one is in")
    parser.add_argument("tests", nargs="+", help="files of tests")
    parser.add_argument("--number", type=int, default=60, help="of mutants, at most")
    parser.add_argument("--seed", type=int, default=0, help="of their choice")
    parser.add_argument(
        "--limit", type=float, default=30.0, help="seconds, beyond ten times the usual"
    )
    given = parser.parse_args(arguments)
    sys.path.insert(0, os.getcwd())
    source = Path(given.module).read_text(encoding="utf-8")
    name = ".".join(Path(given.module).with_suffix("").parts)

    # What is imported here need not be imported for each mutant.
    pytest.main([*QUIET, "--collect-only", "-q", *given.tests])
    own = {name.split(".")[0], *(Path(test).stem for test in given.tests)}
    for loaded in [module for module in sys.modules if module.split(".")[0] in own]:
        del sys.modules[loaded]
    gc.collect()
    gc.freeze()  # or every process would go through it again

    right = Planted(name, given.module, compile(source, given.module, "exec"))
    answer = tested(right, given.tests, Watching(given.module), 3600.0)
    if answer is None or answer[0]:
        print(f"{', '.join(given.tests)}: fails without any change")
        return 2
    lines, seconds = answer[1]["lines"], answer[1]["seconds"]
    fastest_first = sorted(seconds, key=lambda test: seconds[test])

    picked = chosen(mutants(source), given.number, given.seed)
    survivors = 0
    for mutant in picked:
        reached = [t for t in fastest_first if not lines[t].isdisjoint(mutant.lines)]
        choosing = Choosing(reached or fastest_first)
        limit = given.limit + 10 * sum(seconds[test] for test in choosing.wanted)
        planted = Planted(name, given.module, mutant.code(given.module))
        answer = tested(planted, given.tests, choosing, limit)
        survives = answer is not None and answer[0] == 0
        survivors += survives
        fate = "SURVIVED" if survives else "killed"
        print(f"{fate} {given.module}:{mutant}", flush=True)
    killed = len(picked) - survivors
    print(f"{killed} of {len(picked)} killed ({killed / len(picked):.1%})")
    return int(killed < 0.95 * len(picked))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
