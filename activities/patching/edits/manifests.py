"""Repairs of manifests: a requirement that is imported and not declared, a chart's version."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Final

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import matches, read_text
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

MISSING_MODULE: Final = (
    r"ModuleNotFoundError: No module named '(?P<module>[A-Za-z_]\w{0,80})(?:\.[\w.]{1,80})?'"
)
MISSING_PACKAGE: Final = (
    r"(?:Cannot find (?:module|package)|Can't resolve) '(?P<module>(?:@[\w.-]{1,60}/)?[\w.-]{1,80})'"
)
CHART_PUBLISHED: Final = (
    r"[Cc]hart version not ok\. Needs a version bump"
    r"|(?P<chart>[\w.-]{1,80})-\d[\w.+-]{0,40}(?:\.tgz already exists|: POST [^\n]{0,200}\balready_exists)"
    r"|tag already exists[^\n]{0,120}(?:chart|helm)|(?:chart|helm)[^\n]{0,120}(?:409|already exists)"
)
_CHART_FILE: Final = r"(?:charts?/)?(?P<path>[\w./-]{0,150}?)/?Chart\.yaml"

DISTRIBUTIONS: Final[Mapping[str, str]] = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "nacl": "PyNaCl",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "usb": "pyusb",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
"""Modules whose distribution has another name."""
KNOWN: Final = frozenset(
    {
        "aiohttp",
        "anyio",
        "boto3",
        "botocore",
        "cachetools",
        "certifi",
        "cffi",
        "click",
        "cryptography",
        "django",
    }
    | {
        "fastapi",
        "flask",
        "freezegun",
        "httpx",
        "hypothesis",
        "jinja2",
        "jsonschema",
        "lxml",
        "markdown",
        "mock",
    }
    | {
        "mypy",
        "numpy",
        "orjson",
        "packaging",
        "pandas",
        "paramiko",
        "pluggy",
        "psutil",
        "pydantic",
        "pygments",
    }
    | {"pytest", "pytz", "redis", "requests", "responses", "rich", "scipy", "setuptools", "six", "sqlalchemy"}
    | {"starlette", "tabulate", "tenacity", "toml", "tomli", "tornado", "tqdm", "typer", "urllib3", "uvicorn"}
    | {"websockets", "werkzeug", "wheel", "xmltodict"}
)
"""Modules whose distribution has the same name. Any other name is not guessed: somebody may have taken it."""

_SECTION_END: Final = re.compile(r"^\s*\]", re.MULTILINE)


def add_python_requirement(request: PatchRequest, workspace: Workspace) -> str:
    """Declare the distribution of a module that is imported and not installed.

    Raises:
        EditRefusedError: It is the repository's own, or not known, or declared, or there is no manifest.
    """
    module = next(matches(request, MISSING_MODULE))["module"]
    if any(re.search(rf"(?:^|/){re.escape(module)}(?:/|\.py$)", path) for path in workspace.tracked):
        raise EditRefusedError(f"`{module}` is the repository's own, so no requirement is missing.")
    distribution = DISTRIBUTIONS.get(module) or (module if module in KNOWN else None)
    if distribution is None:
        raise EditRefusedError(f"Which distribution provides the module `{module}` is not known here.")
    for path in ("requirements.txt", "requirements/base.txt", "pyproject.toml"):
        if path not in workspace.tracked:
            continue
        text = read_text(workspace, path)
        if re.search(rf"(?im)^[\s\"']*{re.escape(distribution)}(?![\w.-])", text):
            raise EditRefusedError(f"{path} names {distribution} already; it was not installed.")
        edited = _in_project(text, distribution) if path.endswith(".toml") else _in_list(text, distribution)
        workspace.write(path, edited.encode())
        return f"Added {distribution} to {path}."
    raise EditRefusedError("There is no requirements file or pyproject.toml that could name it.")


def _in_list(text: str, distribution: str) -> str:
    """One more line: in its place where the lines are sorted, else at the end."""
    lines = text.splitlines()
    names = [line.lower() for line in lines if line.strip() and not line.startswith(("#", "-"))]
    position = len(lines)
    if len(names) > 1 and names == sorted(names):
        position = next(
            (
                number
                for number, line in enumerate(lines)
                if line.strip() and not line.startswith(("#", "-")) and line.lower() > distribution.lower()
            ),
            len(lines),
        )
    lines.insert(position, distribution)
    return "\n".join(lines) + "\n"


def _in_project(text: str, distribution: str) -> str:
    line = re.search(
        r"^(dependencies\s*=\s*\[(?:\s*(?:\"[^\"\n]*\"|'[^'\n]*')\s*,?)*?)(\s*,?\s*\])", text, re.MULTILINE
    )
    if line and "\n" not in line.group():
        comma = ", " if line[1].rstrip()[-1] != "[" else ""
        return f'{text[: line.end(1)]}{comma}"{distribution}"]{text[line.end() :]}'
    opening = re.search(r"^dependencies\s*=\s*\[", text, re.MULTILINE)
    end = _SECTION_END.search(text, opening.end()) if opening else None
    if not opening or not end or "]" in text[opening.end() : end.start()].replace("[", "").split("\n")[0]:
        raise EditRefusedError("pyproject.toml's dependencies are not a list over several lines.")
    inner = text[opening.end() : end.start()].rstrip()
    comma = "" if inner.endswith((",", "[")) or not inner else ","
    edited = f'{text[: opening.end()]}{inner}{comma}\n  "{distribution}",\n{text[end.start() :].lstrip()}'
    try:
        tomllib.loads(edited)
    except ValueError:
        raise EditRefusedError("pyproject.toml's layout does not allow a safe edit.") from None
    return edited


def add_node_dependency(request: PatchRequest, workspace: Workspace) -> str:
    """Declare a package that is used and comes along only by the way, at the version the lock file has.

    Raises:
        EditRefusedError: The lock file does not hold it, so its version is not known without the network.
    """
    module = next(matches(request, MISSING_PACKAGE))["module"]
    text = read_text(workspace, "package.json")
    try:
        manifest = json.loads(text)
        lock = json.loads(read_text(workspace, "package-lock.json"))
        version = lock["packages"][f"node_modules/{module}"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise EditRefusedError(
            f"The lock file holds no version of {module}, and there is no network."
        ) from None
    kinds = ("dependencies", "devDependencies", "peerDependencies")
    if any(module in (manifest.get(kind) or {}) for kind in kinds):
        raise EditRefusedError(f"package.json names {module} already; it was not installed.")
    indent = re.search(r"^([ \t]+)\"", text, re.MULTILINE)
    for document, name in ((manifest, "package.json"), (lock["packages"].get("", {}), "")):
        entries = {**(document.get("dependencies") or {}), module: f"^{version}"}
        document["dependencies"] = dict(sorted(entries.items()))
        if name:
            workspace.write(
                name,
                (json.dumps(document, indent=indent[1] if indent else 2, ensure_ascii=False) + "\n").encode(),
            )
    locked = json.dumps(lock, indent=indent[1] if indent else 2, ensure_ascii=False) + "\n"
    workspace.write("package-lock.json", locked.encode())
    return f"Added {module} {version} to package.json, as the lock file has it."


def bump_chart(request: PatchRequest, workspace: Workspace) -> str:
    """Raise the patch level of a chart whose version is published already.

    Raises:
        EditRefusedError: Which chart it is cannot be told.
    """
    charts = [path for path in workspace.tracked if path.endswith("Chart.yaml")]
    named = {match["chart"] for match in matches(request, CHART_PUBLISHED) if match["chart"]}
    mentioned = [
        path
        for job in request.evidence.jobs
        for path in charts
        if re.search(rf"(?<![\w-]){re.escape(path.rpartition('/')[0])}(?![\w-])", job.excerpt.text)
    ]
    chosen = [path for path in charts if path.split("/")[-2:-1] and path.split("/")[-2] in named]
    chosen = chosen or [path for path in dict.fromkeys(mentioned) if "/" in path] or charts
    if len(chosen) != 1:
        raise EditRefusedError("The log does not say which chart's version is published already.")
    text = read_text(workspace, chosen[0])
    edited, count = re.subn(
        r"(?m)^(version:\s*[\"']?v?\d+\.\d+\.)(\d+)([^\n]*)$",
        lambda match: f"{match[1]}{int(match[2]) + 1}{match[3]}",
        text,
        count=1,
    )
    if not count:
        raise EditRefusedError(f"{chosen[0]} has no version of three numbers.")
    workspace.write(chosen[0], edited.encode())
    found = re.search(r"(?m)^version:\s*[\"']?([^\s\"']+)", edited)
    return f"Raised the version in {chosen[0]} to {found[1] if found else 'the next'}."
