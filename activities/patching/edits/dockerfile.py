"""A system package that an image build lacks."""

import io
import re
from collections.abc import Mapping
from typing import Any, Final

from dockerfile_parse import DockerfileParser

from activities.adapters.workspace import Workspace
from activities.patching.edits.files import matches, read_text
from activities.patching.recipe import EditRefusedError
from workflows.models import PatchRequest

_AT: Final = r"^(?:#\d{1,4} [\d.]{1,10} )?\s{0,8}"
MISSING: Final = (
    rf"{_AT}/bin/(?:ba)?sh: (?:\d{{1,5}}: |line \d{{1,5}}: )?(?P<command>[\w.+-]{{1,60}}): "
    r"(?:command )?not found"
    r"|fatal error: (?P<header>[\w./+-]{1,80}\.h): No such file"
    r"|cannot find -l(?P<library>[\w+-]{1,40})"
    r"|(?P<config>pg_config|mysql_config|krb5-config|curl-config|xml2-config) (?:executable )?not found"
    r"|(?:error: command|unable to execute) '?(?P<compiler>gcc|g\+\+|cc|cargo|x86_64-linux-gnu-gcc)'? "
    r"failed: No such file"
    r"|can't execute '(?P<interpreter>\w{1,40})': No such file"
    r"|The (?P<finder>pkg-config) command could not be found"
    r"|gyp ERR! find (?P<gyp>Python) Python is not set"
    r"|(?:No package '|Package )(?P<module>[\w.+-]{1,40})'?(?: found|, required by| was not found)"
)

# What is missing → the package of apt, apk, dnf.
PACKAGES: Final[Mapping[str, tuple[str, str, str]]] = {
    "gcc": ("gcc", "gcc", "gcc"),
    "cc": ("gcc", "gcc", "gcc"),
    "x86_64-linux-gnu-gcc": ("gcc", "gcc", "gcc"),
    "g++": ("g++", "g++", "gcc-c++"),
    "make": ("make", "make", "make"),
    "cmake": ("cmake", "cmake", "cmake"),
    "git": ("git", "git", "git"),
    "curl": ("curl", "curl", "curl"),
    "wget": ("wget", "wget", "wget"),
    "bash": ("bash", "bash", "bash"),
    "unzip": ("unzip", "unzip", "unzip"),
    "zip": ("zip", "zip", "zip"),
    "xz": ("xz-utils", "xz", "xz"),
    "jq": ("jq", "jq", "jq"),
    "gpg": ("gnupg", "gnupg", "gnupg2"),
    "ssh": ("openssh-client", "openssh-client", "openssh-clients"),
    "rsync": ("rsync", "rsync", "rsync"),
    "pkg-config": ("pkg-config", "pkgconf", "pkgconf"),
    "tar": ("tar", "tar", "tar"),
    "Python": ("python3", "python3", "python3"),
    "python3": ("python3", "python3", "python3"),
    "pip": ("python3-pip", "py3-pip", "python3-pip"),
    "pip3": ("python3-pip", "py3-pip", "python3-pip"),
    "node": ("nodejs", "nodejs", "nodejs"),
    "npm": ("npm", "npm", "npm"),
    "cargo": ("cargo", "cargo", "cargo"),
    "gettext": ("gettext", "gettext", "gettext"),
    "msgfmt": ("gettext", "gettext", "gettext"),
    "envsubst": ("gettext-base", "gettext", "gettext"),
    "ps": ("procps", "procps", "procps-ng"),
    "protoc": ("protobuf-compiler", "protoc", "protobuf-compiler"),
    "ffmpeg": ("ffmpeg", "ffmpeg", "ffmpeg"),
    "pg_config": ("libpq-dev", "libpq-dev", "libpq-devel"),
    "mysql_config": ("default-libmysqlclient-dev", "mariadb-dev", "mariadb-connector-c-devel"),
    "krb5-config": ("libkrb5-dev", "krb5-dev", "krb5-devel"),
    "curl-config": ("libcurl4-openssl-dev", "curl-dev", "libcurl-devel"),
    "xml2-config": ("libxml2-dev", "libxml2-dev", "libxml2-devel"),
    "libpq-fe.h": ("libpq-dev", "libpq-dev", "libpq-devel"),
    "pq": ("libpq-dev", "libpq-dev", "libpq-devel"),
    "Python.h": ("python3-dev", "python3-dev", "python3-devel"),
    "ffi.h": ("libffi-dev", "libffi-dev", "libffi-devel"),
    "libffi": ("libffi-dev", "libffi-dev", "libffi-devel"),
    "openssl/ssl.h": ("libssl-dev", "openssl-dev", "openssl-devel"),
    "openssl/opensslv.h": ("libssl-dev", "openssl-dev", "openssl-devel"),
    "openssl": ("libssl-dev", "openssl-dev", "openssl-devel"),
    "ssl": ("libssl-dev", "openssl-dev", "openssl-devel"),
    "zlib.h": ("zlib1g-dev", "zlib-dev", "zlib-devel"),
    "z": ("zlib1g-dev", "zlib-dev", "zlib-devel"),
    "jpeglib.h": ("libjpeg-dev", "jpeg-dev", "libjpeg-turbo-devel"),
    "sqlite3.h": ("libsqlite3-dev", "sqlite-dev", "sqlite-devel"),
    "yaml.h": ("libyaml-dev", "yaml-dev", "libyaml-devel"),
    "libxml/xmlversion.h": ("libxml2-dev", "libxml2-dev", "libxml2-devel"),
    "libxml-2.0": ("libxml2-dev", "libxml2-dev", "libxml2-devel"),
    "libxslt/xsltconfig.h": ("libxslt1-dev", "libxslt-dev", "libxslt-devel"),
    "curl/curl.h": ("libcurl4-openssl-dev", "curl-dev", "libcurl-devel"),
    "lber.h": ("libldap2-dev", "openldap-dev", "openldap-devel"),
    "linux/fs.h": ("linux-libc-dev", "linux-headers", "kernel-headers"),
    "stdio.h": ("libc6-dev", "musl-dev", "glibc-devel"),
    "stdlib.h": ("libc6-dev", "musl-dev", "glibc-devel"),
}

_INSTALL: Final = {
    0: re.compile(r"apt(?:-get)?(?: -\S+)* install(?: -\S+)*"),
    1: re.compile(r"apk(?: -\S+)* add(?: -\S+)*"),
    2: re.compile(r"(?:micro)?dnf(?: -\S+)* install(?: -\S+)*|yum(?: -\S+)* install(?: -\S+)*"),
}
_FRESH: Final = (
    "RUN apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*\n",
    "RUN apk add --no-cache {}\n",
    "RUN dnf install -y {} && dnf clean all\n",
)
_FAILED_LINE: Final = r"^\s{0,8}(?P<line>\d{1,5}) \| >>> RUN\b"
_FILE: Final = re.compile(r"(?:-f|--file)[ =](?P<file>[\w./-]{1,200})")


def install_missing_package(request: PatchRequest, workspace: Workspace) -> str:
    """Install what a build step of the Dockerfile lacks, before that step.

    Raises:
        EditRefusedError: Which package it is, or which Dockerfile, is not known.
    """
    missing = list(dict.fromkeys(next(filter(None, match.groups())) for match in matches(request, MISSING)))
    known = [name for name in missing if name in PACKAGES]
    if not known:
        raise EditRefusedError(f"Which package provides {missing[0] if missing else 'it'} is not known here.")
    path = _dockerfile(request, workspace)
    text = read_text(workspace, path)
    shown = next(matches(request, _FAILED_LINE), None)
    edited = text
    added = []
    for name in known:
        line = int(shown["line"]) - 1 + edited.count("\n") - text.count("\n") if shown else None
        edited, package = _with_package(edited, name, line)
        added.append(package)
    if edited == text:
        raise EditRefusedError(f"{path} installs {', '.join(added)} already.")
    workspace.write(path, edited.encode())
    return f"Installed {', '.join(dict.fromkeys(added))} in {path}."


def _dockerfile(request: PatchRequest, workspace: Workspace) -> str:
    for job in request.evidence.jobs:
        named = _FILE.search(job.command or "")
        if named and named["file"].removeprefix("./") in workspace.tracked:
            return named["file"].removeprefix("./")
    found = [each for each in workspace.tracked if re.search(r"(?:^|/)(?:Dockerfile|Containerfile)$", each)]
    if "Dockerfile" in found or len(found) == 1:
        return "Dockerfile" if "Dockerfile" in found else found[0]
    raise EditRefusedError("The log does not say which Dockerfile was built.")


def _with_package(text: str, missing: str, line: int | None) -> tuple[str, str]:
    """The Dockerfile with the package that provides `missing`, and the package's name.

    Args:
        text: The Dockerfile.
        missing: What the build lacks.
        line: Where the log says that the build failed, counted from 0.
    """
    parser = DockerfileParser(fileobj=io.BytesIO(text.encode()))  # type: ignore[arg-type]  # it reads bytes
    instructions: list[Any] = list(parser.structure)
    stages = [each for each in instructions if each["instruction"] == "FROM"]
    if not stages:
        raise EditRefusedError("The Dockerfile has no FROM.")
    lines = text.splitlines(keepends=True)
    user = _failed(instructions, line)
    if user is None:
        user = _user(instructions, missing)
    stage = [each for each in stages if each["startline"] <= user][-1]
    manager = _manager(stage["value"], text)
    package = PACKAGES[missing][manager]
    inside = [each for each in instructions if stage["startline"] < each["startline"] <= user]
    for instruction in inside:
        if instruction["instruction"] != "RUN":
            continue
        raw = "".join(lines[instruction["startline"] : instruction["endline"] + 1])
        if re.search(rf"(?<![\w.+-]){re.escape(package)}(?![\w.+-])", raw) and _INSTALL[manager].search(raw):
            return text, package
        found = _INSTALL[manager].search(raw)
        if found and instruction["startline"] < user:
            edited = f"{raw[: found.end()]} {package}{raw[found.end() :]}"
            before, after = lines[: instruction["startline"]], lines[instruction["endline"] + 1 :]
            return "".join([*before, edited, *after]), package
    fresh = _FRESH[manager].format(package)
    lines.insert(user, fresh.replace("dnf", "microdnf") if "minimal" in stage["value"] else fresh)
    return "".join(lines), package


def _failed(instructions: list[Any], line: int | None) -> int | None:
    """The line where the failed RUN begins; None where the log shows none."""
    runs = [each for each in instructions if each["instruction"] == "RUN"]
    return next(
        (
            int(run["startline"])
            for run in runs
            if line is not None and run["startline"] <= line <= run["endline"]
        ),
        None,
    )


def _user(instructions: list[Any], missing: str) -> int:
    """The line of the first RUN that needs it: one that names it, else one that compiles."""
    runs = [each for each in instructions if each["instruction"] == "RUN"]
    name = re.compile(rf"(?<![\w.+/-]){re.escape(missing)}(?![\w.+-])")
    installs = re.compile(r"(?:apt(?:-get)?|apk|dnf|yum)(?: -\S+)* (?:install|add|update)")
    builds = re.compile(r"\b(?:pip3?|poetry|uv|npm|yarn|make|cargo|bundle|gem|go|\./configure|setup\.py)\b")
    for pattern in (name, builds):
        for run in runs:
            if pattern.search(run["value"]) and not (pattern is builds and installs.search(run["value"])):
                return int(run["startline"])
    raise EditRefusedError(f"The Dockerfile does not show which step needs {missing}.")


def _manager(base: str, text: str) -> int:
    if "alpine" in base.lower():
        return 1
    if re.search(r"fedora|rocky|alma|centos|ubi|redhat|rhel|amazonlinux", base.lower()):
        return 2
    for number in (1, 2):
        if _INSTALL[number].search(text) and not _INSTALL[0].search(text):
            return number
    return 0
