"""What a hostile command tries, and does not get. A probe prints ESCAPED where it got through."""

import contextlib
import os
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from activities.adapters.pulse import Pulse
from activities.adapters.workspace import Workspace
from activities.patching.confinement import SandboxLimits
from activities.patching.sandbox import Sandbox
from activities.patching.seccomp import REFUSED, program

COLUMN = 0 if platform.machine() == "x86_64" else 1
SYSCALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments), ctypes.get_errno()
"""

SCRIPTS = {
    # network
    "connects to the machine itself": "import socket; socket.create_connection(('127.0.0.1', {port}), 1)",
    "connects over IPv6": "import socket; socket.create_connection(('::1', {port}), 1)",
    "asks for a name": "import socket; socket.getaddrinfo('example.org', 80)",
    "sends a datagram": "import socket; socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))",
    "reads the cloud's metadata": "import socket; socket.create_connection(('169.254.169.254', 80), 1)",
    "opens a raw socket": "import socket; socket.socket(2, 3, 1)",
    "opens a packet socket": "import socket; socket.socket(17, 3, 0)",
    "opens a virtual machine's socket": "import socket; socket.socket(40, 1, 0)",
    "opens a kernel crypto socket": "import socket; socket.socket(38, 5, 0)",
    "uses a Unix socket of the machine": "import socket; socket.socket(1, 1).connect({unix!r})",
    "uses an abstract Unix socket": "import socket; socket.socket(1, 1).connect('\\0regreen-{pid}')",
    "talks to the container engine": "import socket; socket.socket(1, 1).connect('/var/run/docker.sock')",
    # files of the machine
    "reads the worker's secret": "open({secret!r}).read()",
    "reads the password file": "open('/etc/shadow').read()",
    "reads the home folder": (
        "import os; home = {home!r}\n"
        "assert any(os.path.isfile(os.path.join(home, each)) for each in os.listdir(home))"
    ),
    "reads mounted secrets": "import os; os.listdir('/run/secrets')",
    "reads the product's own code": "open({source!r}).read()",
    "climbs out of the workspace": "open('../../../../../../..{secret}').read()",
    "reads through the root of another process": "open('/proc/1/root{secret}').read()",
    "reads through a link it makes": (
        "import os; os.symlink({secret!r}, '/workspace/l'); open('/workspace/l').read()"
    ),
    "writes to the system": "open('/usr/bin/evil', 'w')",
    "writes to the root": "open('/evil', 'w')",
    "writes to the tools": "open({tool!r}, 'a')",
    "writes to the devices": "open('/dev/evil', 'w')",
    "makes a device": "import os, stat; os.mknod('/workspace/sda', 0o666 | stat.S_IFBLK, os.makedev(8, 0))",
    "opens a disk": "import glob; open(glob.glob('/dev/[svx]d*')[0], 'rb')",
    "reads kernel memory": "open('/dev/mem', 'rb')",
    "changes a kernel setting": "open('/proc/sys/kernel/core_pattern', 'w').write('|/evil')",
    "asks the kernel to reboot": "open('/proc/sysrq-trigger', 'w').write('b')",
    "changes the host's groups": "open('/sys/fs/cgroup/cgroup.procs', 'w').write('1')",
    # processes and environment of the machine
    "finds the worker": (
        "import glob\n"
        "assert any(b'py' + b'test' in open(each, 'rb').read() for each in glob.glob('/proc/[0-9]*/cmdline'))"
    ),
    "reads the environment of the first process": (
        "assert b'REGREEN_PROBE_SECRET' in b''.join(open(each, 'rb').read() for each in"
        " __import__('glob').glob('/proc/[0-9]*/environ'))"
    ),
    "finds the secret in its own environment": "import os; os.environ['REGREEN_PROBE_SECRET']",
    "kills the worker": "import os; os.kill({pid}, 0); assert {pid} > 100",
    "inherits an open file": (
        "import os\nassert [fd for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and "
        "os.path.exists(f'/proc/self/fd/{{fd}}') and '/proc' not in os.readlink(f'/proc/self/fd/{{fd}}')]"
    ),
    "kills everything it can reach": "import os, signal; os.kill(-1, signal.SIGSTOP); os.kill({pid}, 0)",
    "attaches to a process of the machine": (
        "import ctypes, os\nassert ctypes.CDLL(None).ptrace(16, {pid}, 0, 0) == 0\n"
    ),
    "finds shared memory of the machine": "open('/dev/shm/regreen-{pid}', 'rb')",
    "reads the kernel's log": "open('/dev/kmsg', 'rb')",
    "opens the terminal": "open('/dev/tty', 'rb')",
    "leaves a core dump": ("import glob, resource\nresource.setrlimit(resource.RLIMIT_CORE, (10**6, 10**6))"),
    "raises its own limits": (
        "import resource\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)\n"
        "resource.setrlimit(resource.RLIMIT_NPROC, (hard + 1, hard + 1))"
    ),
    "outranks other processes": "import os; os.nice(-5)",
    "renames the machine": "import socket; socket.sethostname('evil')",
    "sets the clock": "import time; time.clock_settime(time.CLOCK_REALTIME, 0)",
    "finds another network": (
        "import socket; assert [name for _, name in socket.if_nameindex() if name != 'lo']"
    ),
    # privileges
    "becomes root": "import os; os.setuid(0)",
    "gives a file root's rights": (
        "import os, subprocess\n"
        "os.system('cp /bin/id /workspace/id; chmod u+s /workspace/id')\n"
        "assert 'euid=0' in subprocess.run(['/workspace/id'], capture_output=True, text=True).stdout"
    ),
    "makes a user namespace": (
        "import subprocess; subprocess.run(['unshare', '-Ur', 'true'], check=True, capture_output=True)"
    ),
    "mounts a file system": (
        "import subprocess\n"
        "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/workspace'], check=True, capture_output=True)"
    ),
    "puts words into a terminal": "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
}


@contextlib.contextmanager
def shared_memory(name: str) -> Iterator[None]:
    memory = SharedMemory(name, create=True, size=10)
    try:
        yield
    finally:
        memory.close()
        memory.unlink()


@pytest.mark.parametrize("says", SCRIPTS)
def test_a_command_that(
    says: str,
    sandbox: Sandbox,
    workspace: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("machine")
    secret = folder / "secret"
    secret.write_text("secret")
    monkeypatch.setenv("REGREEN_PROBE_SECRET", "x")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
        shared_memory(f"regreen-{os.getpid()}"),
    ):
        unix.bind(str(folder / "s"))
        unix.listen()
        abstract.bind(f"\0regreen-{os.getpid()}")
        abstract.listen()
        facts = {
            "port": server.getsockname()[1],
            "unix": str(folder / "s"),
            "pid": os.getpid(),
            "secret": str(secret),
            "home": str(Path.home()),
            "source": str(Path(__file__).parents[3] / "worker.py"),
            "tool": sys.executable,
        }
        body = SCRIPTS[says].format(**facts)
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        script = f"print('tried')\ntry:\n{indented}\nexcept BaseException: pass\nelse: print('ESCAPED')\n"
        result = sandbox.run(["python3", "-c", script], workspace)
    assert result.output.startswith("tried"), result.output
    assert "ESCAPED" not in result.output


@pytest.mark.parametrize("name", REFUSED)
def test_the_kernel_refuses_the_call(name: str, sandbox: Sandbox, workspace: Workspace) -> None:
    script = f"{SYSCALL}print(*call({REFUSED[name][COLUMN]}, 0, 0, 0, 0, 0))"
    assert sandbox.run(["python3", "-c", script], workspace).output == "-1 1\n"


def test_new_namespaces_are_refused_and_threads_are_not(sandbox: Sandbox, workspace: Workspace) -> None:
    number = {0: 56, 1: 220}[COLUMN]
    script = (
        f"{SYSCALL}print(*call({number}, 0x10000000 | 17, 0, 0, 0, 0), *call(435, 0, 0))\n"
        "import threading; one = threading.Thread(target=print, args=('thread',)); one.start(); one.join()"
    )
    assert sandbox.run(["python3", "-c", script], workspace).output == "-1 1 -1 38\nthread\n"


def test_there_is_a_filter_for_the_usual_machines_only() -> None:
    for machine in ("x86_64", "aarch64"):
        code = program(machine)
        assert code
        assert len(code) % 8 == 0
    assert program("riscv64") is None


@dataclass
class Glutton:
    script: str
    limits: SandboxLimits
    kind: str


GLUTTONS = {
    "memory of one process": Glutton(
        "python3 -c 'x = bytearray(3 * 10**8); import time; time.sleep(20)'",
        SandboxLimits(memory=100 * 2**20),
        "memory",
    ),
    "memory of many processes": Glutton(
        "for i in 1 2 3 4 5 6; do "
        "python3 -c 'x = bytearray(6 * 10**7); import time; time.sleep(20)' & done; wait",
        SandboxLimits(memory=200 * 2**20),
        "memory",
    ),
    "the disk, in many files": Glutton(
        "for i in 1 2 3 4 5 6 7 8; do head -c 20000000 /dev/zero > f$i; done; sync; sleep 20",
        SandboxLimits(disk=50 * 2**20),
        "disk",
    ),
}


@pytest.mark.parametrize("says", GLUTTONS)
def test_a_command_that_uses_up(says: str, sandbox: Sandbox, workspace: Workspace) -> None:
    glutton = GLUTTONS[says]
    result = Sandbox(limits=glutton.limits).run(["bash", "-c", glutton.script], workspace, timeout=15)
    assert result.exhausted == glutton.kind
    assert result.exit_code is None


def test_shared_memory_has_an_end(sandbox: Sandbox, workspace: Workspace) -> None:
    small = Sandbox(limits=SandboxLimits(temporary=100_000))
    assert small.run(["bash", "-c", "head -c 200000 /dev/zero > /dev/shm/x"], workspace).exit_code != 0


PLANTED = {
    "a link out": "ln -sf /etc/passwd app.py",
    "a link to a folder": "rm -rf sub && ln -s /etc sub",
    "a pipe": "rm app.py && mkfifo app.py",
    "a git folder with hooks": "mkdir -p .git/hooks && echo 'touch /tmp/evil' > .git/hooks/post-checkout",
    "git attributes with a filter": "echo '* filter=evil diff=evil' > .gitattributes",
    "a deep folder": "d=x; for i in $(seq 1 150); do d=$d/x; done; mkdir -p $d",
    "a huge file": "head -c 200000000 /dev/zero > huge",
    "a file nobody may read": "chmod 000 app.py",
}


@pytest.mark.parametrize("says", PLANTED)
def test_what_a_command_plants_stays_where_it_is(
    says: str, sandbox: Sandbox, workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.files / "sub").mkdir()
    for path in (workspace.files / "sub" / "x", workspace.files / "app.py"):
        path.write_text("x\n")
        path.chmod(0o666)
    (workspace.files / "sub").chmod(0o777)
    sandbox.run(["bash", "-c", PLANTED[says]], workspace)
    again = Workspace(tmp_path, git_dir=tmp_path, sha="0" * 40, pulse=Pulse())
    for name in ("app.py", "sub/x", "sub/passwd"):
        content = again.read(name)
        assert content in {None, b"x\n"}
    assert not Path("/tmp/evil").exists()  # noqa: S108 — what a planted hook would make
