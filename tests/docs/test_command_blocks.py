"""Every block of shell commands in the README and in docs/install.md is run here, or says why not.

The mark of a block is a comment right before it: `<!-- checked: NAME -->` where a test below takes it by that
name, `<!-- not run: REASON -->` where nothing here can run it, or both, with a semicolon between, where
only a part is run.
"""

import asyncio
import gzip
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from ruamel.yaml import YAML
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from scripted import FIX_HEADS, ScriptedActivities, proposal, serving
from starter.temporal_setup import set_up
from temporal_server import dev_server
from tls_front import Papers, make_papers, tls_front
from workflows import models
from workflows.codec import KeyRing
from workflows.connection import connect, search_attributes_command
from workflows.naming import SEARCH_ATTRIBUTES
from workflows.remediation import RemediationWorkflow

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = ("README.md", "docs/install.md")
BLOCK: Final = re.compile(
    r"^(?: *<!-- (?P<mark>[^\n]*) -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
MARK: Final = re.compile(
    r"checked: (?P<name>[a-z-]+)(?:; not run: (?P<part>.{10,}))?|not run: (?P<reason>.{10,})"
)
BESIDE: Final = Path(sys.executable).parent
ORDERS: Final = ("approve", "reject", "retry", "stop", "pause", "resume")


class Block(NamedTuple):
    document: str
    mark: str
    body: str

    @property
    def name(self) -> str | None:
        found = MARK.fullmatch(self.mark)
        return found["name"] if found else None


def blocks() -> Iterator[Block]:
    for document in DOCUMENTS:
        for found in BLOCK.finditer((ROOT / document).read_text(encoding="utf-8")):
            if found["language"] in {"sh", "bash", "shell", "console"}:
                body = re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
                yield Block(document, found["mark"] or "", body)


BLOCKS: Final = tuple(blocks())


def block(name: str) -> str:
    [found] = [each for each in BLOCKS if each.name == name]
    return found.body


def run(script: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env={"PATH": f"{BESIDE}:{os.environ['PATH']}", "HOME": str(folder), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def succeed(script: str, folder: Path, **variables: str) -> str:
    done = run(script, folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def succeeds(script: str, folder: Path, **variables: str) -> str:
    return await asyncio.to_thread(succeed, script, folder, **variables)


# ── the convention ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("each", BLOCKS, ids=lambda each: f"{each.document}: {each.body.splitlines()[0]}")
def test_every_block_is_checked_or_says_why_not(each: Block) -> None:
    assert MARK.fullmatch(each.mark), each.body


def test_every_block_that_is_said_to_be_checked_is_taken_by_a_test_and_the_other_way_round() -> None:
    taken = re.findall(r'\bblock\("([a-z-]+)"\)', Path(__file__).read_text(encoding="utf-8"))
    assert sorted(each.name for each in BLOCKS if each.name) == sorted(set(taken))


# ── files and tools ─────────────────────────────────────────────────────────────────────────────────────────


def test_make_knows_the_targets(tmp_path: Path) -> None:
    commands = [line.split("#")[0].split() for line in block("make").splitlines()]
    assert commands == [["make", "demo"], ["make", "test"]]
    for words in commands:
        succeed(shlex.join([*words, "--dry-run", "--directory", str(ROOT)]), tmp_path)


def pem(path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def test_the_secrets_for_compose_are_all_that_its_file_names(tmp_path: Path) -> None:
    for name in ("publisher.pem", "reader.pem"):
        pem(tmp_path / name)
    succeed(block("compose-secrets"), tmp_path)

    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert made == compose["secrets"].keys()
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert KeyRing.parse((tmp_path / "secrets" / "regreen_payload_keys").read_text(encoding="utf-8"))
    required = re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert set(required) <= {line.split("=")[0] for line in (tmp_path / ".env").read_text().splitlines()}


def mentioned(manifests: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """Namespace and name of each Secret that pods mount, with the keys they take of it."""
    found: dict[tuple[str, str], set[str]] = {}
    for each in manifests:
        if each["kind"] == "Deployment":
            for volume in each["spec"]["template"]["spec"]["volumes"]:
                if "secret" in volume:
                    name = (each["metadata"]["namespace"], volume["secret"]["secretName"])
                    found.setdefault(name, set()).update(item["key"] for item in volume["secret"]["items"])
    return found


def test_the_secrets_for_kubernetes_are_all_that_its_manifests_mount(tmp_path: Path) -> None:
    for name in ("publisher.pem", "reader.pem"):
        pem(tmp_path / name)
    create = "kubectl create secret generic"
    script = block("kubernetes-secrets").replace(create, f"{create} --dry-run=client --output=json")
    printed, decoder = succeed(script, tmp_path), json.JSONDecoder()
    made: dict[tuple[str, str], set[str]] = {}
    while printed.strip():
        secret, end = decoder.raw_decode(printed.lstrip())
        printed = printed.lstrip()[end:]
        made[secret["metadata"]["namespace"], secret["metadata"]["name"]] = set(secret["data"])

    overlay = ROOT / "deploy" / "kubernetes" / "overlays" / "production"
    built = succeed(f"kubectl kustomize {shlex.quote(str(overlay))}", tmp_path)
    assert made == mentioned([each for each in YAML(typ="safe").load_all(built) if each])


def test_the_manifests_are_built(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy" / "kubernetes", tmp_path / "deploy" / "kubernetes")
    succeed(block("kubernetes-build"), tmp_path)
    assert "kind: Deployment" in (tmp_path / "regreen.yaml").read_text(encoding="utf-8")


def test_logs_are_explained(tmp_path: Path) -> None:
    text = "ruff check .\nprices.py:3:8: F401 [*] `os` imported but unused\nFound 1 error.\n"
    (tmp_path / "build.log").write_text(text, encoding="utf-8")
    (tmp_path / "other.log.gz").write_bytes(gzip.compress(text.encode()))
    lines = block("logs").splitlines()
    assert [line for line in lines if "https://github.com/" in line] == lines[1:2]
    for line in (lines[0], lines[2]):
        assert "F401" in succeed(line, tmp_path)


# ── one machine by hand ─────────────────────────────────────────────────────────────────────────────────────


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 — of this machine
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_one_machine_is_started_by_hand(tmp_path: Path) -> None:
    """The block as it is written, but on free ports of this machine."""
    for name in ("publisher.pem", "reader.pem"):
        pem(tmp_path / name)
    (tmp_path / ".venv").symlink_to(BESIDE.parent)
    port = free_port()
    ports = f"--temporal-port {free_port()} --ui-port {free_port()}"
    script = at(block("by-hand"), "=0.0.0.0 REGREEN_PORT=8080", f"=127.0.0.1 REGREEN_PORT={port}")
    script = at(script, "regreen up", f"regreen up {ports}")
    log = tmp_path / "up.log"
    with log.open("wb") as output:
        started = subprocess.Popen(
            ["sh", "-eu", "-c", script],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 80
        while not answers(f"http://127.0.0.1:{port}/readyz"):
            assert started.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.2)
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
    assert (tmp_path / ".local" / "share" / "regreen" / "temporal.db").exists()


# ── Temporal ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with dev_server(SEARCH_ATTRIBUTES) as found:
        yield found


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


def at(text: str, written: str, instead: str) -> str:
    assert text.count(written) == 1, written
    return text.replace(written, instead)


def test_a_server_of_one_s_own_is_set_up(address: str, tmp_path: Path) -> None:
    script = at(block("setup"), "temporal.example.com:7233", address)
    assert "regreen was created, and keeps ended remediations for 30 days" in succeed(script, tmp_path)
    assert "regreen exists, and keeps ended remediations for 30 days" in succeed(script, tmp_path)


async def test_a_server_behind_mutual_tls_is_set_up(address: str, papers: Papers, tmp_path: Path) -> None:
    async with tls_front(address, papers, mutual=True) as front:
        script = at(block("mutual-tls"), "temporal.example.com:7233", front)
        for written, file in (
            ("/etc/temporal/tls.crt", papers.client),
            ("/etc/temporal/tls.key", papers.client_key),
            ("/etc/temporal/ca.crt", papers.authority),
        ):
            script = at(script, written, str(file))
        script = script.replace("NAMESPACE=regreen", "NAMESPACE=behind-tls")
        assert "behind-tls was created" in await succeeds(script, tmp_path)


async def test_a_server_that_wants_an_api_key_is_set_up(address: str, papers: Papers, tmp_path: Path) -> None:
    (tmp_path / "temporal_api_key").write_text("a-key", encoding="utf-8")
    async with tls_front(address, papers, mutual=False) as front:
        script = at(block("api-key"), "regreen.a1b2c.tmprl.cloud:7233", front)
        trust = {"TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(papers.authority)}
        assert "regreen.a1b2c was created" in await succeeds(script, tmp_path, **trust)


async def test_the_commands_for_temporal_cloud_are_those_that_setup_prints() -> None:
    creation, attributes = block("tcld").splitlines()
    cloud = "regreen.a1b2c.tmprl.cloud:7233"
    assert attributes == search_attributes_command(cloud, "regreen.a1b2c", SEARCH_ATTRIBUTES)
    assert creation.startswith("tcld namespace create --namespace regreen ")


# ── remediations ────────────────────────────────────────────────────────────────────────────────────────────

Handle = WorkflowHandle[RemediationWorkflow, models.RemediationResult]


def asks() -> ScriptedActivities:
    """What leads to a patch that waits for a human, and after that to a fix."""
    verdict = models.GateVerdict(decision=models.GateDecision.NEEDS_APPROVAL, reasons=("a workflow file",))
    return ScriptedActivities(
        judge_patch=[verdict],
        propose_patch=[proposal()],
        read_pull_request=[models.PullRequest(number=5, url="https://github.example/5", state="closed")],
        write_commit=[models.WrittenCommit(sha=FIX_HEADS[0], tree="e" * 40)],
        advance_fix_branch=[models.BranchResult(state=models.BranchState.ADVANCED, tip=FIX_HEADS[0])],
    )


async def waiting(handle: Handle) -> models.Status:
    for _ in range(600):
        status = await handle.query(RemediationWorkflow.status)
        if status.question is not None:
            return status
        await asyncio.sleep(0.05)
    raise TimeoutError


async def named(client: Client) -> Handle:
    """A remediation under an id of its own, as the webhook service gives them."""
    return await client.start_workflow(
        RemediationWorkflow.run,
        models.RemediationRequest(repository="acme/widgets", run_id=12),
        id=f"ci-remediation/acme/widgets/{uuid.uuid4().int % 10**9}",
        task_queue="ci-remediation",
    )


async def test_orders_by_command(address: str, tmp_path: Path) -> None:
    client = await connect(target_host=address)
    lines = [line.split("#")[0].strip() for line in block("orders").splitlines()]
    assert {line.split()[1] for line in lines} == {"list", "monitor", "show", "start", *ORDERS}
    assert lines[-1] == "regreen start RUN"
    async with serving(client, asks()):
        for line in lines[:-1]:
            verb = line.split()[1]
            handle = await named(client)
            await waiting(handle)
            script = line.replace("RUN", handle.id)
            if verb in {"approve", "reject"}:
                script += " --yes"  # without it, it asks, and only at a terminal
            if verb == "monitor":  # it goes on until it is stopped
                script = f"timeout --signal INT 6 {script} || true"
            said = await succeeds(script, tmp_path, TEMPORAL_ADDRESS=address)
            if verb in {"list", "monitor", "show"}:
                assert "acme/widgets" in said
            if verb == "approve":
                assert await closed(handle) is models.Outcome.FIXED
            elif verb in {"reject", "stop"}:
                assert (await handle.result()).outcome is models.Outcome.STOPPED
            else:
                await handle.terminate()


async def closed(handle: Handle) -> models.Outcome:
    """Close the fix pull request once it is green; how the remediation ends."""
    told = False
    for _ in range(600):
        state = (await handle.query(RemediationWorkflow.status)).state
        if state in {models.State.WATCHING_MERGE, models.State.DONE}:
            break
        if state is models.State.AWAITING_CI and not told:
            told = True
            news = models.ChecksCompleted(head_sha=FIX_HEADS[0])
            await handle.signal(RemediationWorkflow.checks_completed, news)
        await asyncio.sleep(0.05)
    event = models.PullRequestClosed(number=5)
    await handle.signal(RemediationWorkflow.pull_request_closed, event)
    return (await handle.result()).outcome


async def test_orders_by_temporal_s_own_command(address: str, tmp_path: Path) -> None:
    client = await connect(target_host=address)
    lines = block("signals").replace("\\\n", " ").splitlines()
    assert len(lines) == 2
    async with serving(client, asks()):
        for line in lines:
            handle = await named(client)
            question = (await waiting(handle)).question or ""
            script = at(line, "ci-remediation/acme/widgets/123", handle.id)
            await succeeds(script.replace("0123456789abcdef", question), tmp_path, TEMPORAL_ADDRESS=address)
            approved = "approve" in line
            outcome = await closed(handle) if approved else (await handle.result()).outcome
            assert outcome is (models.Outcome.FIXED if approved else models.Outcome.STOPPED)


def versioned(build: str) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion("regreen", build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


@asynccontextmanager
async def two_builds(address: str) -> AsyncIterator[None]:
    async with (
        serving(await connect(target_host=address), asks(), deployment_config=versioned("0.1.0")),
        serving(await connect(target_host=address), asks(), deployment_config=versioned("0.2.0")),
    ):
        yield


async def build_of(handle: Handle) -> str:
    description = (await handle.describe()).raw_description
    return description.workflow_execution_info.versioning_info.deployment_version.build_id


@pytest.fixture
def fresh_address() -> Iterator[str]:
    """Of a server whose workers are this test's own."""
    with dev_server(SEARCH_ATTRIBUTES) as found:
        yield found


async def test_an_upgrade_by_the_commands_of_the_page(fresh_address: str, tmp_path: Path) -> None:
    """A new build is made current, the old one's remediations are listed, moved, and end on the new one."""
    client = await connect(target_host=fresh_address)
    there = {"TEMPORAL_ADDRESS": fresh_address}
    async with two_builds(fresh_address):
        await set_up(client, current=("regreen", "0.1.0"))
        before = await named(client)
        await waiting(before)

        said = await succeeds(block("upgrade"), tmp_path, **there)
        after = await named(client)
        await waiting(after)
        assert "0.2.0 of regreen starts new remediations now; those that 0.1.0 started stay with it" in said
        assert re.search(r"DrainageStatus\s+draining", said), said
        assert (await build_of(before), await build_of(after)) == ("0.1.0", "0.2.0")

        for _ in range(100):  # visibility follows a little later
            listed = await succeeds(block("left"), tmp_path, **there)
            if before.id in listed:
                break
        assert before.id in listed
        assert after.id not in listed

        await succeeds(block("move"), tmp_path, **there)
        for handle in (before, after):
            question = (await waiting(handle)).question
            await handle.signal(RemediationWorkflow.approve, models.Order(by="dev", question=question))
            assert await closed(handle) is models.Outcome.FIXED
            assert await build_of(handle) == "0.2.0"


async def test_what_was_started_without_versions_goes_on_with_the_first_current_build(
    fresh_address: str,
) -> None:
    client = await connect(target_host=fresh_address)
    async with serving(client, asks()):
        handle = await named(client)
        await waiting(handle)
    async with serving(client, asks(), deployment_config=versioned("0.1.0")):
        await set_up(client, current=("regreen", "0.1.0"))
        question = (await waiting(handle)).question
        await handle.signal(RemediationWorkflow.approve, models.Order(by="dev", question=question))
        assert await closed(handle) is models.Outcome.FIXED
        assert await build_of(handle) == "0.1.0"
