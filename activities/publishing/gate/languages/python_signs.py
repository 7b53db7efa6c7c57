"""Telling things in a Python file, wherever they stand."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from activities.publishing.gate.inventory import Sign
from activities.publishing.gate.languages import python_answers
from activities.publishing.gate.languages.environment import (
    READS_CI,
    is_lookalike,
    is_telltale,
    names_framework,
)
from activities.publishing.gate.languages.python_answers import Defined
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
    (
        Sign.RETRY,
        re.compile(
            r"(?i)(?:.*\.)?mark\.(?:flaky|rerun\w*|retry\w*|retries)|(?:flaky|flaky\.flaky)"
            r"|(?:tenacity|retrying|retry|backoff|stamina|pytest_retry)\.\w+(?:\.\w+)?"
        ),
    ),
    (
        Sign.CALLER,
        re.compile(
            r"inspect\.(?:stack|currentframe|getouterframes|getframeinfo|trace)|sys\._(?:getframe|current_frames)\w*"
            r"|traceback\.(?:extract_stack|format_stack|print_stack|walk_stack)|getpass\.getuser|os\.(?:getlogin|uname)"
            r"|platform\.(?:node|uname)"
        ),
    ),
    (Sign.EXIT, re.compile(r"os\._exit")),
    (Sign.SUPPRESSION, re.compile(r"(?:typing\.|typing_extensions\.)?no_type_check")),
    (
        Sign.POWER,
        re.compile(
            r"os\.(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*|fork\w*)|subprocess\.\w+|(?:builtins\.)?(?:eval|exec|compile"
            r"|__import__)|importlib\.import_module|socket\.\w+|pty\.\w+|ctypes\.\w+.*|runpy\.\w+"
            r"|urllib\.request\.\w+|urllib3\.\w+|requests\.(?:get|post|put|request|Session)|httpx2?\.\w+|aiohttp\.\w+"
            r"|http\.client\.\w+|ftplib\.\w+|smtplib\.\w+|telnetlib\.\w+|paramiko\.\w+"
            r"|(?:pickle|marshal|dill|cloudpickle)\.loads?|asyncio\.create_subprocess_\w+|code\.interact|shutil\.rmtree"
            r"|__builtins__|builtins\.__dict__"
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
_EXITS: Final = frozenset({"sys.exit", "exit", "quit", "os._exit", "SystemExit"})
_BROAD: Final = frozenset({"Exception", "BaseException"})


def signs(tree: ast.AST, origins: dict[str, str], functions: Defined) -> Counter[tuple[Sign, str]]:
    """Every telling thing with how often it is there."""
    found: Counter[tuple[Sign, str]] = Counter()
    whole = _whole_environments(tree, origins)
    for node in ast.walk(tree):
        found.update(_of(node, origins))
    found.update((Sign.ENVIRONMENT, "environ") for _ in range(whole))
    found.update((Sign.CANNED, name) for name in python_answers.canned(functions))
    return found


def _whole_environments(tree: ast.AST, origins: dict[str, str]) -> int:
    """How often the environment is used other than by a variable's name."""
    used = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name) and dotted(node, origins) == "os.environ"
    ]
    if not used:
        return 0
    asked = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.Attribute)} | {
        id(each) for node in ast.walk(tree) if isinstance(node, ast.Compare) for each in node.comparators
    }
    return sum(id(node) not in asked for node in used)


def raises(tree: ast.AST, origins: dict[str, str]) -> Counter[tuple[Sign, str]]:
    """How many errors a file raises, and how often it ends its process with one."""
    count = sum(isinstance(node, ast.Raise) or _ends_badly(node, origins) for node in ast.walk(tree))
    return Counter({(Sign.DROPPED_RAISE, "raise"): count})


def _ends_badly(node: ast.AST, origins: dict[str, str]) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func, origins) in _EXITS and not _is_success(node)


def _of(node: ast.AST, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    if isinstance(node, ast.Attribute | ast.Name):
        yield from _named(node, origins)
    elif isinstance(node, ast.Call):
        yield from _called(node, origins)
    elif isinstance(node, ast.ExceptHandler):
        yield from _handled(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and is_telltale(node.value):
        yield Sign.SPECIAL_CASE, node.value
    elif isinstance(node, ast.Subscript | ast.Compare):
        yield from _asked(node)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        yield from _assigned(node, origins)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _defined(node, origins)
    elif isinstance(node, ast.Raise) and dotted(node.exc or ast.Pass(), origins) == "SystemExit":
        yield Sign.EXIT, "exit"


def _named(node: ast.Attribute | ast.Name, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    name = dotted(node, origins)
    written = node.attr if isinstance(node, ast.Attribute) else node.id
    if is_lookalike(written):
        yield Sign.LOOKALIKE, written
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
    if name in _EXITS and _is_success(node):
        yield Sign.EXIT, "exit"
    if any(each.arg == "check" and _is(each.value, value=False) for each in node.keywords):
        yield Sign.SWALLOWED, "check=False"
    if last(name) in {"run_with_retries", "Retrying", "AsyncRetrying"}:
        yield Sign.RETRY, last(name)
    if last(name) == "suppress":
        types = sorted(last(dotted(each, origins)) for each in node.args)
        yield Sign.SWALLOWED, ",".join("any" if each in _BROAD else each for each in types)
    yield from _called_on_tests(node, name, origins)
    yield from _called_on_environment(node, name)


def _called_on_tests(node: ast.Call, name: str, origins: dict[str, str]) -> Iterator[tuple[Sign, str]]:
    if any(names_framework(each) for each in _texts(node)):
        yield Sign.TESTED, "framework"
    if isinstance(node.func, ast.Name) and _SKIPPING_NAME.fullmatch(node.func.id):
        yield Sign.SKIP, node.func.id
    if name == "getattr" and node.args and dotted(node.args[0], origins).startswith(("pytest", "unittest")):
        yield Sign.SKIP, "getattr"
    if name == "setattr" and any(
        isinstance(each, ast.Constant) and each.value in _COLLECTION for each in node.args
    ):
        yield Sign.SKIP, "setattr"


def _called_on_environment(node: ast.Call, name: str) -> Iterator[tuple[Sign, str]]:
    if last(name) in {"get", "getenv"} and READS_CI.search(f"{name}({ast.unparse(node)}"):
        yield Sign.SPECIAL_CASE, "CI"
    if name in {"os.getenv", "os.environ.get"} and node.args:
        yield from _variable(node.args[0])
    if name == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.BinOp | ast.JoinedStr):
        yield Sign.POWER, "getattr"


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
        return _is_nothing(statement.value)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) or _only_tells(statement.value)
    return isinstance(statement, ast.Pass | ast.Continue | ast.Break)


def _is_nothing(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Tuple):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    return value is None or isinstance(value, ast.Constant)


def _only_tells(node: ast.expr) -> bool:
    telling = {"print", "debug", "info", "warning", "error", "exception", "log", "print_exc"}
    return isinstance(node, ast.Call) and last(dotted(node.func, {})) in telling


def _variable(name: ast.expr) -> Iterator[tuple[Sign, str]]:
    """The name of an environment variable that is put together, so that nobody finds it."""
    if isinstance(name, ast.BinOp | ast.JoinedStr) and _folded(name) is not None:
        yield Sign.SPECIAL_CASE, "put together"


def _folded(node: ast.expr) -> str | None:
    """A text that is put together of constants alone."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return None if left is None or right is None else left + right
    return None


def _texts(node: ast.AST) -> Iterator[str]:
    """The strings that an expression names itself, not in calls inside."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _assigned(
    node: ast.Assign | ast.AugAssign | ast.AnnAssign, origins: dict[str, str]
) -> Iterator[tuple[Sign, str]]:
    """What other files see changed: an attribute of an imported module or class, or the table of modules."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        held = target.value if isinstance(target, ast.Attribute | ast.Subscript) else None
        if held is None:
            continue
        name = dotted(held, origins)
        root = held
        while isinstance(root, ast.Attribute):
            root = root.value
        imported = isinstance(root, ast.Name) and root.id in origins
        if name == "sys.modules" or (isinstance(target, ast.Attribute) and imported):
            yield Sign.GLOBAL, name


def _asked(node: ast.Subscript | ast.Compare) -> Iterator[tuple[Sign, str]]:
    constants = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    names = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    if "CI" in constants and "environ" in names:
        yield Sign.SPECIAL_CASE, "CI"
    if isinstance(node, ast.Compare) and constants & {"pytest", "unittest"} and "modules" in names:
        yield Sign.SPECIAL_CASE, "modules"
    elif isinstance(node, ast.Compare) and any(names_framework(each) for each in _texts(node)):
        yield Sign.TESTED, "framework"
    if isinstance(node, ast.Subscript) and "environ" in {*names, getattr(node.value, "id", "")}:
        yield from _variable(node.slice)


def _defined(
    node: ast.FunctionDef | ast.AsyncFunctionDef, origins: dict[str, str]
) -> Iterator[tuple[Sign, str]]:
    if node.name.startswith("pytest_"):
        yield Sign.HOOK, node.name
    if node.name in _COLLECTION:
        yield Sign.SKIP, node.name
    if python_answers.makes_equal(node):
        yield Sign.EQUAL, node.name
    if is_lookalike(node.name) or any(is_lookalike(each.arg) for each in node.args.args):
        yield Sign.LOOKALIKE, node.name
    for decorator in node.decorator_list:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        if _SKIPPING_NAME.fullmatch(last(dotted(named, origins))) and isinstance(named, ast.Name):
            yield Sign.SKIP, dotted(named, origins)
