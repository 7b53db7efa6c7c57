"""What a confined command gets to see, and how much of it: bubblewrap's options."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

UNPRIVILEGED: Final = 65_534
"""The user that commands run as."""
_SYSTEM_FOLDERS: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES: Final = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
_RUNTIME_SETTINGS: Final = (
    "java-*/security",
    "java-*/*.cfg",
    "java-*/*.properties",
    "php/*/cli",
    "php/*/mods-available",
)
"""Below /etc: without them Java does not start at all, and PHP without its extensions."""
_ENVIRONMENT: Final[Mapping[str, str]] = {
    "BLACK_CACHE_DIR": "/scratch/cache/black",
    "CARGO_HOME": "/scratch/cargo",
    "CARGO_NET_OFFLINE": "true",
    "CARGO_TARGET_DIR": "/scratch/target",
    "CI": "true",
    "HOME": "/scratch/home",
    "LANG": "C.UTF-8",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "RUFF_CACHE_DIR": "/scratch/cache/ruff",
    "RUSTUP_AUTO_INSTALL": "0",
    "TERM": "dumb",
    "TMPDIR": "/tmp",  # noqa: S108 — the sandbox's own, a fresh file system per command
    "XDG_CACHE_HOME": "/scratch/cache",
    "npm_config_offline": "true",
    "npm_config_update_notifier": "false",
}
"""All a command finds in its environment, beside PATH. Caches lie outside the repository's files."""


@dataclass(frozen=True)
class SandboxLimits:
    """Bounds of one command. Sizes in bytes."""

    processes: int = 512
    """Processes and threads of the sandbox's user."""
    open_files: int = 4_096
    file: int = 256 * 2**20
    data: int = 4 * 2**30
    """Writable private memory per process; address space is no measure: node and rustc reserve far more."""
    memory: int = 6 * 2**30
    """Resident memory of all processes together."""
    disk: int = 8 * 2**30
    """By how much the free space under the workspace may shrink, whoever fills it."""
    temporary: int = 512 * 2**20
    output: int = 64 * 2**20


class Confinement:
    """The sandbox's root, environment and limits.

    Toolchains lie where they lie on this machine, read-only: the interpreter's own folders (so that tools
    installed beside the worker are found first), cargo and rustup, node, what the worker's PATH names below
    /usr and /opt, where software lies and nothing else, and what the operator adds.

    Args:
        tools: Further folders that commands may use; of each, `bin`, `node_modules/.bin` or all is searched.
        limits: Bounds of each command.
    """

    def __init__(self, tools: Sequence[Path], limits: SandboxLimits) -> None:
        self._limits = limits
        self._binds: dict[str, str] = {}
        self._search: list[str] = []
        self.environment = dict(_ENVIRONMENT)
        for prefix in tools:
            places = (prefix / "bin", prefix / "node_modules" / ".bin", prefix)
            self._offer(prefix, next(place for place in places if place.is_dir() or place == prefix))
            if (prefix / "node_modules").is_dir():
                # Above /workspace: where a repository's configuration looks for the plugins it names.
                self._binds.setdefault(str(prefix / "node_modules"), "/node_modules")
        self._offer(Path(sys.prefix), Path(sys.executable).parent)
        self._offer(Path(sys.base_prefix), Path(sys.base_prefix) / "bin")
        self._offer_rust()
        node = shutil.which("node")
        if node:
            self._offer(Path(node).resolve().parent.parent, Path(node).resolve().parent)
        self._offer_path()
        self._search += ["/usr/local/bin", "/usr/bin", "/bin"]
        self.environment["PATH"] = ":".join(dict.fromkeys(self._search))

    def options(self, files: Path, scratch: Path) -> list[str]:
        """Bubblewrap's options for a root with `files` as /workspace and `scratch` as /scratch."""
        options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        if os.geteuid() == 0:
            # Root needs no user namespace to mount; setpriv drops to nobody once that is done.
            options += ["--cap-drop", "ALL"]
            options += [
                part for name in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{name}")
            ]
        else:
            user = str(UNPRIVILEGED)
            options += ["--unshare-user", "--disable-userns", "--uid", user, "--gid", user]
        options += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
        options += ["--ro-bind", "/usr", "/usr"]
        for folder in _SYSTEM_FOLDERS:
            if Path(folder).is_symlink():
                options += ["--symlink", str(Path(folder).readlink()), folder]
            elif Path(folder).is_dir():
                options += ["--ro-bind", folder, folder]
        options += ["--dir", "/etc"]
        for path in _SYSTEM_FILES:
            options += ["--ro-bind-try", path, path]
        options += _runtime_settings()
        shared = ["--perms", "1777", "--size", str(self._limits.temporary), "--tmpfs", "/dev/shm"]  # noqa: S108 — its own
        options += ["--proc", "/proc", "--dev", "/dev", *shared, "--remount-ro", "/dev"]
        options += ["--perms", "1777", "--size", str(self._limits.temporary), "--tmpfs", "/tmp"]  # noqa: S108 — its own
        options += ["--bind", str(files), "/workspace", "--bind", str(scratch), "/scratch"]
        for parent in sorted(
            {parent for target in self._binds.values() for parent in PurePosixPath(target).parents}
        ):
            # Made by the way, a parent folder would be open to root only.
            if parent != PurePosixPath("/") and not parent.is_relative_to("/scratch"):
                options += ["--dir", str(parent)]
        for source, target in self._binds.items():
            options += ["--ro-bind", source, target]
        return options

    def limiting(self, timeout: float) -> list[str]:
        """The words before a command that set its limits, inside the sandbox."""
        limits = self._limits
        command = [
            "/usr/bin/prlimit",
            f"--nproc={limits.processes}",
            f"--nofile={limits.open_files}",
            f"--fsize={limits.file}",
            f"--data={limits.data}",
            f"--cpu={int(timeout) + 1}",
            "--core=0",
        ]
        if os.geteuid() == 0:
            user = str(UNPRIVILEGED)
            command += [
                "/usr/bin/setpriv",
                "--reuid",
                user,
                "--regid",
                user,
                "--clear-groups",
                "--no-new-privs",
            ]
            command += ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
        return command

    def _offer(self, prefix: Path, programs: Path) -> None:
        """Mount a tool's folder where it lies, and search it."""
        if not prefix.is_dir():
            return
        if not prefix.is_relative_to("/usr"):
            self._binds[str(prefix)] = str(prefix)
        self._search.append(str(programs))

    def _offer_path(self) -> None:
        for name in os.environ.get("PATH", "").split(os.pathsep):
            entry = Path(os.path.normpath(name))
            if entry.is_relative_to("/usr"):
                self._search.append(str(entry))
            elif entry.is_relative_to("/opt") and entry != Path("/opt"):
                prefix = entry.parent if entry.name in {"bin", "sbin"} else entry
                self._offer(prefix if prefix != Path("/opt") else entry, entry)

    def _offer_rust(self) -> None:
        cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        rustup = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
        # Not the whole of CARGO_HOME: it may hold the credentials of a registry.
        self._offer(cargo / "bin", cargo / "bin")
        for cache in ("registry", "git"):
            if (cargo / cache).is_dir():
                self._binds[str(cargo / cache)] = f"/scratch/cargo/{cache}"
        if rustup.is_dir():
            self._binds[str(rustup)] = str(rustup)
            self.environment["RUSTUP_HOME"] = str(rustup)


def _runtime_settings() -> list[str]:
    options: list[str] = []
    for pattern in _RUNTIME_SETTINGS:
        for found in sorted(Path("/etc").glob(pattern)):
            # Made by the way, a parent folder would be open to root only.
            for parent in reversed(found.parents[:-2]):
                options += ["--dir", str(parent)]
            options += ["--ro-bind", str(found), str(found)]
    return options
