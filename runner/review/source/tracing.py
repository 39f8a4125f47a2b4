"""What code a script hands to Python: its statements followed in order, with values worked out by `folding`.

Nothing runs. Both sides of a condition that is not known are followed, and loops over what is not known once. A place
that hands over code which cannot be worked out is noted as unread; so is what was never reached.
"""

from __future__ import annotations

import ast
from typing import Any

from runner.review.source.beside import TEMPORARY, Beside
from runner.review.source.handing_over import HandsOver
from runner.review.source.known_calls import CODEC_FUNCTIONS, KNOWN, literal_of, path_text
from runner.review.source.known_values import Dotted, Exhausted, Function, Module, Scope, Stream, Unfoldable, Unknown
from runner.review.source.tree_index import TreeIndex

DEEPEST_CALL = 12
MOST_ROUNDS = 100_000
"""Of one loop."""
RUNS = {
    "builtins.exec": "exec",
    "builtins.eval": "eval",
    "runpy.run_path": "run_path",
    "runpy.run_module": "run_module",
}
OPAQUE = {
    "marshal.loads": "compiled code (marshal), which is not read as data",
    "marshal.load": "compiled code (marshal), which is not read as data",
    "types.CodeType": "code put together from bytes",
    "types.FunctionType": "a function put together from a code object",
    "zipimport.zipimporter": "modules in an archive",
}
LAUNCHES = ("subprocess.", "os.exec", "os.spawn", "os.system", "os.popen", "os.posix_spawn")


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class Tracer(HandsOver):
    """Follows the layers of one script. `ran` and `launched` are told what is handed over, and may follow it."""

    def __init__(self, beside: Beside) -> None:
        super().__init__(beside)
        self._pending: dict[int, ast.Call] = {}
        """Calls of exec and eval in the layer that is followed, which were not reached yet."""
        self._called: set[int] = set()
        self._calls = 0

    def follow(self, tree: ast.Module, index: TreeIndex, layer: int, scope: Scope) -> None:
        """Every statement of a layer, then its functions that nothing called."""
        outer = self.layer, self._globals, self._pending
        self.layer, self._globals = layer, scope
        self._pending = {id(call): call for call in index.runs}
        try:
            try:
                self._quietly(tree.body, scope)
                for node in index.handing_over():
                    if id(node) not in self._called:
                        self._called.add(id(node))
                        self._quietly(node.body, Scope(_unknown_parameters(node), scope))
            except Exhausted:
                pass
            for call in self._pending.values():
                self._opaque(call, "hands over code that was not reached")
        finally:
            self.layer, self._globals, self._pending = outer

    def _quietly(self, body: list[ast.stmt], scope: Scope) -> None:
        try:
            self._block(body, scope)
        except _Return:
            return

    def _block(self, body: list[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self.budget.step()
            self._statement(statement, scope)

    def _value(self, node: ast.expr | None, scope: Scope) -> Any:
        """A value, or Unknown."""
        if node is None:
            return None
        try:
            return self.fold(node, scope)
        except Exhausted:
            raise
        except Unfoldable:
            self._parts(node, scope)
            return Unknown()

    def _parts(self, node: ast.expr, scope: Scope) -> None:
        """Calls of exec inside an expression that was given up before it came to them."""
        for one in ast.walk(node) if self._pending else ():
            if id(one) in self._pending and isinstance(one, ast.Call):
                try:
                    self.fold(one, scope)
                except Exhausted:
                    raise
                except Unfoldable:
                    continue

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            scope.names[node.name] = Function(node, scope) if isinstance(node, ast.FunctionDef) else Unknown()
        elif isinstance(node, ast.ClassDef):
            self._block(node.body, Scope({}, scope))
            scope.names[node.name] = Unknown()
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, scope)
        elif isinstance(node, ast.Assign):
            value = self._value(node.value, scope)
            for target in node.targets:
                self.assign(target, value, scope)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.assign(node.target, self._value(node.value, scope), scope)
        elif isinstance(node, ast.AugAssign):
            self._augment(node, scope)
        elif isinstance(node, ast.Expr):
            self._value(node.value, scope)
        elif isinstance(node, ast.Return):
            raise _Return(self._value(node.value, scope))
        elif isinstance(node, ast.Global):
            for name in node.names:
                scope.names.pop(name, None)
        else:
            self._compound(node, scope)

    def _compound(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, ast.If):
            self._branches(node, scope)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._loop(node, scope)
        elif isinstance(node, ast.While):
            self._quietly(node.body, scope)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                value = self._value(item.context_expr, scope)
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, value, scope)
            self._block(node.body, scope)
        elif isinstance(node, (ast.Try, ast.TryStar)):
            self._block(node.body, scope)
            for handler in node.handlers:
                self._quietly(handler.body, Scope({}, scope))
            self._block(node.orelse, scope)
            self._block(node.finalbody, scope)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                self._quietly(case.body, scope)
        elif isinstance(node, (ast.Assert, ast.Raise, ast.Delete)):
            return

    def _branches(self, node: ast.If, scope: Scope) -> None:
        test = self._value(node.test, scope)
        if not isinstance(test, (Unknown, Dotted)):
            self._block(node.body if test else node.orelse, scope)
            return
        before = dict(scope.names)
        self._quietly(node.body, scope)
        first, scope.names = dict(scope.names), dict(before)
        self._quietly(node.orelse, scope)
        for name in {**first, **scope.names}:
            one, other = first.get(name, before.get(name)), scope.names.get(name)
            if one is other or (type(one) is type(other) and isinstance(one, (str, bytes, int)) and one == other):
                scope.names[name] = other
            elif name not in before and (name not in first or name not in scope.names):
                scope.names[name] = one if name in first else other  # only one side gives it a value at all
            else:
                scope.names[name] = Unknown()
        self._globals.names.setdefault("__name__", "__main__")

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        values = self._value(node.iter, scope)
        try:
            rounds = self.iterate(values)
        except Unfoldable:
            rounds = [Unknown()]
        if len(rounds) > MOST_ROUNDS:
            rounds = [Unknown()]
        for value in rounds:
            self.assign(node.target, value, scope)
            self._quietly(node.body, scope)
        self._block(node.orelse, scope)

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        value = self._value(node.value, scope)
        if not isinstance(node.target, ast.Name):
            return
        try:
            before = scope.get(node.target.id)
            result = self.known(self.combine(node.op, before, value), before, value)
        except Exhausted:
            raise
        except (Unfoldable, ValueError, TypeError, ArithmeticError):
            result = Unknown()
        scope.names[node.target.id] = result

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                scope.names[alias.asname or name] = Dotted(name)
            elif not node.level and node.module:
                full = f"{node.module}.{alias.name}"
                scope.names[alias.asname or alias.name] = Dotted(full.removeprefix("builtins.") and full)

    def effect(self, function: Any, node: ast.Call, scope: Scope) -> Any:
        """What a call is worth: code handed over, files, Python's own functions, functions of the script."""
        if isinstance(function, Function):
            return self._own(function, node, scope)
        if not isinstance(function, Dotted):
            for one in node.args:
                self._value(one, scope)
            raise Unfoldable(getattr(function, "why", "") or "a call of something that is not known")
        name = function.name.removeprefix("_io.") if function.name.startswith("_io.") else function.name
        if name in RUNS:
            self._pending.pop(id(node), None)
            return self._run(RUNS[name], node, scope)
        if name in OPAQUE:
            self._opaque(node, f"{name}: {OPAQUE[name]}")
            raise Unfoldable(OPAQUE[name])
        if name.startswith(LAUNCHES):
            return self._launch(node, scope)
        if name == "builtins.compile":
            self._pending.pop(id(node), None)
            return self.fold(node.args[0], scope)
        values, named = self.arguments(node, scope)
        return self._called_with(name, values, named, node, scope)

    def _called_with(self, name: str, values: list[Any], named: dict[str, Any], node: ast.Call, scope: Scope) -> Any:
        if any(isinstance(one, Unknown) for one in (*values, *named.values())):
            raise Unfoldable("an argument that is not known")
        if name == "codecs.decode" and isinstance(values[0], bytes) and len(values) > 1:
            wanted = str(values[1]).lower().removesuffix("_codec")
            if wanted in CODEC_FUNCTIONS:
                call = ast.Call(func=node.func, args=node.args[:1], keywords=[])
                return self.decode(CODEC_FUNCTIONS[wanted], ast.copy_location(call, node), scope)
        if name in KNOWN:
            found = self.known(KNOWN[name](values, named), *values)
            if isinstance(found, (bytes, str)) and len(found) > 40 and isinstance(values[0], list):
                self.note(found, None, "computed")  # byte by byte, as a cipher is undone
            return found
        if name in ("builtins.open", "io.open", "codecs.open"):
            return self._open(values, named)
        if name in ("io.BytesIO", "io.StringIO"):
            return Stream(values[0] if values else None)
        if name in ("lzma.open", "gzip.open", "bz2.open", "gzip.GzipFile", "lzma.LZMAFile", "bz2.BZ2File"):
            return self._open_packed(name.partition(".")[0], values, named, node)
        if name == "tempfile.NamedTemporaryFile":
            return Stream(None, f"{TEMPORARY}/file{self._calls}{named.get('suffix', '')}", "b" not in str(values[:1]))
        if name == "json.load" and isinstance(values[0], Stream):
            return KNOWN["json.loads"]([values[0].content], {})
        if name == "ast.literal_eval":
            return self.fold(literal_of(values[0]), Scope({}))
        if name == "types.ModuleType":
            return Module(str(values[0]))
        if name == "builtins.getattr" and isinstance(values[0], Dotted):
            return Dotted(f"{values[0].name}.{values[1]}")
        if name in ("builtins.globals", "builtins.vars", "builtins.locals") and not values:
            return self._globals.names
        if name in ("builtins.map", "builtins.filter") and isinstance(values[0], (Function, Dotted)):
            return [self._apply(values[0], [one], node, scope) for one in self.iterate(values[1])]
        if name in ("importlib.import_module", "builtins.__import__", "importlib.__import__"):
            return self._import_named(str(values[0]), node)
        if name in ("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader"):
            self.launched(path_text(values[1] if len(values) > 1 else named["location"]), node.lineno, str(values[0]))
        if name == "os.path.exists" or name == "os.path.isfile":
            return self.beside.exists(path_text(values[0]))
        if name.startswith("pickle.load") and isinstance(values[0], bytes):
            self._opaque(node, f"{name}: a pickle in the script, which may call anything")
        raise Unfoldable(f"{name} is not worked out")

    def _apply(self, function: Function | Dotted, values: list[Any], node: ast.Call, scope: Scope) -> Any:
        if isinstance(function, Function):
            return self._enter(function, values, {})
        return self._called_with(function.name, values, {}, node, scope)

    def _own(self, function: Function, node: ast.Call, scope: Scope) -> Any:
        """A function of the script, with what is known of its arguments."""
        values = [Unknown() if isinstance(one, ast.Starred) else self._value(one, scope) for one in node.args]
        named = {one.arg: self._value(one.value, scope) for one in node.keywords if one.arg is not None}
        return self._enter(function, values, named)

    def _enter(self, function: Function, values: list[Any], named: dict[str, Any]) -> Any:
        if self._calls >= DEEPEST_CALL:
            raise Unfoldable("calls nested too deeply")
        names = _unknown_parameters(function.node)
        arguments = function.node.args
        parameters = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        for name, default in zip(reversed(parameters), reversed(arguments.defaults), strict=False):
            names[name] = self._value(default, function.scope)
        names.update(zip(parameters, values, strict=False))
        names.update({key: value for key, value in named.items() if key in names})
        self._calls += 1
        try:
            if isinstance(function.node, ast.Lambda):
                return self.fold(function.node.body, Scope(names, function.scope))
            self._called.add(id(function.node))
            self._block(function.node.body, Scope(names, function.scope))
        except _Return as found:
            if isinstance(found.value, Unknown):
                raise Unfoldable("what a function returns is not known") from None
            return found.value
        finally:
            self._calls -= 1
        return None


def _unknown_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, Any]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return {one.arg: Unknown() for one in every}
