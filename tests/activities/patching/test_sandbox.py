import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.adapters.pulse import Pulse, WorkCancelledError
from activities.adapters.workspace import Workspace
from activities.patching import sandbox as module
from activities.patching.confinement import Confinement, SandboxLimits
from activities.patching.sandbox import Sandbox, SandboxUnavailableError


def shell(script: str) -> list[str]:
    return ["bash", "-c", script]


def alive(marker: str) -> list[str]:
    """Processes of this machine with `marker` among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_bytes()
        except OSError:
            continue
        if marker.encode() in arguments.split(b"\0"):
            found.append(process.parent.name)
    return found


def wait_until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


def test_a_command_works_on_the_workspace(sandbox: Sandbox, workspace: Workspace) -> None:
    (workspace.files / "sub").mkdir()
    (workspace.files / "sub" / "a").write_text("hello\n")
    result = sandbox.run(shell("cat a; echo changed > ../b; exit 3"), workspace, cwd="sub", env={"X": "1"})
    assert (result.exit_code, result.output, result.output_lines, result.timed_out) == (
        3,
        "hello\n",
        1,
        False,
    )
    assert workspace.read("b") is None or workspace.read("b") == b"changed\n"
    assert (workspace.files / "b").read_text() == "changed\n"


def test_a_tool_beside_the_interpreter_is_found(sandbox: Sandbox, workspace: Workspace) -> None:
    assert sandbox.has("ruff")
    assert sandbox.run(["ruff", "--version"], workspace).exit_code == 0


def test_a_missing_tool_is_told(sandbox: Sandbox, workspace: Workspace) -> None:
    assert not sandbox.has("no-such-tool")
    assert sandbox.run(["no-such-tool"], workspace).exit_code == 127


def test_further_tools_are_offered_read_only(workspace: Workspace, tmp_path: Path, sandbox: Sandbox) -> None:
    tool = tmp_path / "extra" / "bin" / "greet"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho hello; echo x >> $0\n")
    tool.chmod(0o755)
    result = Sandbox(tools=[tmp_path / "extra"]).run(["greet"], workspace)
    assert result.output.startswith("hello\n")
    assert "echo x" in tool.read_text()
    assert result.exit_code != 0


def test_what_the_path_names_among_installed_software_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/share:/opt:/opt/../home:/home:/root/bin:relative:")
    search = Confinement([], SandboxLimits()).environment["PATH"].split(":")
    assert "/usr/share" in search
    assert not {"/opt", "/home", "/root/bin", "relative", ""} & set(search)


def test_a_runtime_finds_its_settings_below_etc(sandbox: Sandbox, workspace: Workspace) -> None:
    found = sorted(Path("/etc").glob("java-*/security/java.security"))
    if not found:
        pytest.skip("no Java from a distribution is installed here")
    assert sandbox.run(["head", "-c", "1", str(found[0])], workspace).exit_code == 0
    assert sandbox.run(["ls", str(found[0].parents[1] / "management")], workspace).exit_code != 0


def test_there_is_no_network(sandbox: Sandbox, workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        assert sandbox.run(["python3", "-c", script], workspace).exit_code == 1
    assert sandbox.run(shell("ls /sys/class/net /run /var"), workspace).exit_code != 0


def test_the_machines_files_are_not_there(
    sandbox: Sandbox, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("host") / "secret"
    secret.write_text("host secret")
    for path in (secret, Path(__file__), Path.home() / ".bashrc", Path("/etc/shadow"), Path("/var/log")):
        result = sandbox.run(["ls", str(path)], workspace)
        assert result.exit_code != 0
    assert sandbox.run(shell("touch /usr/x || touch /etc/x || touch /x"), workspace).exit_code != 0


def test_the_workers_environment_and_processes_are_not_there(
    sandbox: Sandbox, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    result = sandbox.run(shell("env; cat /proc/*/environ /proc/*/cmdline"), workspace)
    assert "sk-secret" not in result.output
    assert str(workspace.files) not in result.output
    listing = sandbox.run(shell("ls -d /proc/[0-9]* | wc -l"), workspace)
    assert int(listing.output) < 10


def test_a_command_has_no_privileges(sandbox: Sandbox, workspace: Workspace) -> None:
    result = sandbox.run(
        shell("id -u; grep -E '^(Cap(Eff|Prm|Amb)|NoNewPrivs)' /proc/self/status"), workspace
    )
    lines = result.output.split("\n")
    assert lines[0] == "65534"
    assert {line.split()[1] for line in lines[1:-2]} == {"0" * 16}
    assert lines[-2] == "NoNewPrivs:\t1"


def test_a_command_that_hangs_is_stopped_with_all_it_started(sandbox: Sandbox, workspace: Workspace) -> None:
    marker = f"7{os.getpid()}.125"
    result = sandbox.run(
        shell(f"trap '' TERM INT; echo begun; setsid sleep {marker} & sleep {marker}"), workspace, timeout=0.3
    )
    assert result.timed_out
    assert result.exit_code is None
    assert result.output == "begun\n"
    assert alive(marker) == []


def test_a_daemon_does_not_outlive_its_command(sandbox: Sandbox, workspace: Workspace) -> None:
    marker = f"8{os.getpid()}.125"
    script = f"setsid nohup sleep {marker} >/dev/null 2>&1 & disown; echo done"
    assert sandbox.run(shell(script), workspace).exit_code == 0
    assert alive(marker) == []


def test_a_cancelled_command_leaves_nothing_running(sandbox: Sandbox, workspace: Workspace) -> None:
    marker = f"9{os.getpid()}.125"
    pulse = Pulse()
    pulse.cancel()
    with pytest.raises(WorkCancelledError):
        sandbox.run(["sleep", marker], workspace, pulse=pulse)
    assert alive(marker) == []


def test_a_killed_worker_takes_its_command_along(
    sandbox: Sandbox, workspace: Workspace, tmp_path: Path
) -> None:
    marker = f"5{os.getpid()}.125"
    script = (
        "import pathlib, sys\n"
        "from activities.adapters.pulse import Pulse\n"
        "from activities.adapters.workspace import Workspace\n"
        "from activities.patching.sandbox import Sandbox\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "workspace = Workspace(folder, git_dir=folder, sha='', pulse=Pulse())\n"
        "Sandbox().run(['bash', '-c', f'touch begun; setsid sleep {sys.argv[2]}'], workspace)\n"
    )
    root = str(Path(module.__file__).parents[2])
    worker = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), marker], cwd=root)
    try:
        wait_until(lambda: alive(marker))
    finally:
        worker.kill()
        worker.wait()
    wait_until(lambda: not alive(marker))


def test_of_a_long_output_the_end_is_kept(sandbox: Sandbox, workspace: Workspace) -> None:
    result = sandbox.run(shell("seq 1 200000"), workspace, output_bytes=100)
    assert result.output_lines == 200_000
    assert len(result.output) == 100
    assert result.output.endswith("199999\n200000\n")


def test_an_output_flood_is_stopped(workspace: Workspace, sandbox: Sandbox) -> None:
    result = Sandbox(limits=SandboxLimits(output=1_000_000)).run(["yes"], workspace)
    assert result.flooded
    assert result.exit_code is None


def test_a_fork_bomb_meets_a_limit(workspace: Workspace, sandbox: Sandbox) -> None:
    small = Sandbox(limits=SandboxLimits(processes=20))
    script = "import os, time\nfor _ in range(60):\n    if not os.fork(): time.sleep(9)"
    result = small.run(["python3", "-c", script], workspace)
    assert "Resource temporarily unavailable" in result.output


def test_file_and_memory_sizes_meet_limits(workspace: Workspace, sandbox: Sandbox) -> None:
    small = Sandbox(limits=SandboxLimits(file=100_000, data=200 * 2**20, temporary=100_000))
    assert small.run(shell("head -c 200000 /dev/zero > big"), workspace).exit_code != 0
    assert (
        small.run(
            shell("head -c 90000 /dev/zero > /tmp/a; head -c 90000 /dev/zero > /tmp/b"), workspace
        ).exit_code
        != 0
    )
    assert small.run(["python3", "-c", "bytearray(400 * 2**20)"], workspace).exit_code == 1


def test_the_working_directory_stays_inside(sandbox: Sandbox, workspace: Workspace) -> None:
    for folder in ("/etc", "../..", "a/../.."):
        with pytest.raises(ValueError, match="workspace"):
            sandbox.run(["pwd"], workspace, cwd=folder)


def test_nothing_runs_where_commands_cannot_be_confined(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace'; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(module, "bwrap_path", lambda: broken)
    sandbox = Sandbox()
    assert not sandbox.probe().works
    assert "No permissions" in sandbox.probe().detail
    with pytest.raises(SandboxUnavailableError):
        sandbox.run(["touch", "ran"], workspace)
    assert list(workspace.files.iterdir()) == []


def test_a_sandbox_that_would_leave_privileges_is_not_used(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bwrap"
    bare.write_text(
        f"#!{sys.executable}\nimport os, sys\nprint('Uid:\\t0 0 0 0\\nCapEff:\\tff')\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try: fd > 2 and os.write(fd, b'{\"exit-code\": 0}\\n')\n"
        "    except OSError: pass\n"
    )
    bare.chmod(0o755)
    monkeypatch.setattr(module, "bwrap_path", lambda: bare)
    assert Sandbox().probe().detail == "commands would keep privileges inside the sandbox"
