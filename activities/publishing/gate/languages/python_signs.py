"""Telling things in a Python file, wherever they stand."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate.inventory import Sign
from activities.publishing.gate.languages.environment import READS_CI, TELLTALE_VARIABLES
from activities.publishing.gate.languages.python_names import dotted, last

_NAMES: Final = (
    (
        Sign.SKIP,
        re.compile(
            r"(?:.*\.)?mark\.(?:skip|skipif|xfail)|pytest\.(?:skip|xfail|importorskip|exit)(?:\.Exception)?"
            r"|(?:unittest\.(?:case\.)?)?(?:skip|skipIf|skipUnless|expectedFailure|SkipTest)|.*\.skipTest"
            r"|(?:.*\.)?mark\.skip\w*|nose\..*[sS]kip\w*"
        ),
    ),
    (Sign.RETRY, re.compile(r"(?:.*\.)?(?:mark\.)?(?:flaky|rerun\w*|retry\w*|retries)", re.IGNORECASE)),
    (Sign.SUPPRESSION, re.compile(r"(?:typing\.|typing_extensions\.)?no_type_check")),
    (
        Sign.POWER,
        re.compile(
            r"os\.(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*|fork\w*)|subprocess\.\w+|(?:builtins\.)?(?:eval|exec|compile"
            r"|__import__)|importlib\.import_module|socket\.\w+|pty\.\w+|ctypes\.\w+.*|runpy\.\w+"
            r"|urllib\.request\.\w+|urllib3\.\w+|requests\.(?:get|post|put|request|Session)|httpx2?\.\w+|aiohttp\.\w+"
            r"|http\.client\.\w+|ftplib\.\w+|smtplib\.\w+|telnetlib\.\w+|paramiko\.\w+"
            r"|(?:pickle|marshal|dill|cloudpickle)\.loads?|asyncio\.create_subprocess_\w+|code\.interact|shutil\.rmtree"
        ),
    ),
    (
        Sign.WARNINGS,
        re.compile(
            r"warnings\.(?:filterwarnings|simplefilter|catch_warnings)|logging\.disable"
            r"|(?:.*\.)?mark\.filterwarnings|urllib3\.disable_warnings"
        ),
    ),
    (Sign.SPECIAL_CASE, re.compile(r"(?:.*\.)?_called_from_test")),
)
_CALLED_ONLY: Final = frozenset({"eval", "exec", "compile", "skip", "__import__"})
_SKIPPING_NAME: Final = re.compile(r"(?i)_?skip(?:_|if|unless|on|in|$).*")
_COLLECTION: Final = frozenset({"__test__", "collect_ignore", "collect_ignore_glob", "load_tests"})
_HOOKING: Final = frozenset({"pytestmark", "pytest_plugins"})
_BROAD: Final = frozenset({"Exception", "BaseException"})


def signs(tree: ast.AST, origins: dict[str, str]) -> Counter[tuple[Sign, str]]:
    """Every telling thing with how often it is there."""
    found: Counter[tuple[Sign, str]] = Counter()
    for node in ast.walk(tree):
        found.update(_of(node, origins))
    return found


def raises(tree: ast.AST) -> Counter[tuple[Sign, str]]:
    """How many errors a file raises."""
    count = sum(isinstance(node, ast.Raise) for node in ast.walk(tree))
    return Counter({(Sign.DROPPED_RAISE, "raise"): count})


def _of(node: ast.AST, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    if isinstance(node, ast.Attribute | ast.Name):
        yield from _named(node, origins)
    elif isinstance(node, ast.Call):
        yield from _called(node, origins)
    elif isinstance(node, ast.ExceptHandler):
        yield from _handled(node)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and node.value in TELLTALE_VARIABLES:
            yield Sign.SPECIAL_CASE, node.value
    elif isinstance(node, ast.Subscript | ast.Compare):
        yield from _asked(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _defined(node, origins)
    elif isinstance(node, ast.Raise):
        raised = dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc or ast.Pass(), origins)
        if raised == "SystemExit" and not isinstance(node.exc, ast.Call):
            yield Sign.EXIT, "exit"


def _named(node: ast.Attribute | ast.Name, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    name = dotted(node, origins)
    if isinstance(node.ctx, ast.Store):
        if last(name) in _COLLECTION:
            yield Sign.SKIP, name
        elif name in _HOOKING:
            yield Sign.HOOK, name
        return
    if name in _CALLED_ONLY:
        return
    for sign, pattern in _NAMES:
        if pattern.fullmatch(name):
            yield sign, name
    if name in {"typing.Any", "typing_extensions.Any"}:
        yield Sign.UNTYPED, name


def _called(node: ast.Call, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    name = dotted(node.func, origins)
    if name in _CALLED_ONLY - {"skip"}:
        yield Sign.POWER, name
    if name in {"sys.exit", "exit", "quit", "os._exit", "SystemExit"} and _is_success(node):
        yield Sign.EXIT, "exit"
    if isinstance(node.func, ast.Name) and _SKIPPING_NAME.fullmatch(node.func.id):
        yield Sign.SKIP, node.func.id
    if name == "getattr" and node.args and dotted(node.args[0], origins).startswith(("pytest", "unittest")):
        yield Sign.SKIP, "getattr"
    if name == "setattr" and any(
        isinstance(each, ast.Constant) and each.value in _COLLECTION for each in node.args
    ):
        yield Sign.SKIP, "setattr"
    if last(name) == "suppress":
        types = sorted(last(dotted(each, origins)) for each in node.args)
        yield Sign.SWALLOWED, ",".join("any" if each in _BROAD else each for each in types)
    if last(name) in {"get", "getenv"} and READS_CI.search(ast.unparse(node)):
        yield Sign.SPECIAL_CASE, "CI"
    if any(each.arg == "check" and _is(each.value, value=False) for each in node.keywords):
        yield Sign.SWALLOWED, "check=False"
    if last(name) in {"run_with_retries", "Retrying", "AsyncRetrying"}:
        yield Sign.RETRY, last(name)


def _is_success(node: ast.Call) -> bool:
    return not node.args or any(_is(node.args[0], value=value) for value in (0, None, False))


def _is(node: ast.AST, *, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


def _handled(node: ast.ExceptHandler) -> Iterator[tuple[Sign, str]]:
    if not all(_does_nothing(each) for each in node.body):
        return
    types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
    names = sorted(last(dotted(each, {})) for each in types)
    yield Sign.SWALLOWED, ",".join("any" if each in _BROAD else each for each in names) or "any"


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) or _only_tells(statement.value)
    return isinstance(statement, ast.Pass | ast.Continue | ast.Break)


def _only_tells(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last(dotted(node.func, {})) in {"print", "debug", "info", "warning"}


def _asked(node: ast.Subscript | ast.Compare) -> Iterator[tuple[Sign, str]]:
    constants = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    names = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    if "CI" in constants and "environ" in names:
        yield Sign.SPECIAL_CASE, "CI"
    if isinstance(node, ast.Compare) and constants & {"pytest", "unittest"} and "modules" in names:
        yield Sign.SPECIAL_CASE, "modules"


def _defined(
    node: ast.FunctionDef | ast.AsyncFunctionDef, origins: dict[str, str]
) -> Iterator[tuple[Sign, str]]:
    if node.name.startswith("pytest_"):
        yield Sign.HOOK, node.name
    if node.name in _COLLECTION:
        yield Sign.SKIP, node.name
    for decorator in node.decorator_list:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _SKIPPING_NAME.fullmatch(last(dotted(named, origins))) and isinstance(named, ast.Name):
            yield Sign.SKIP, dotted(named, origins)
