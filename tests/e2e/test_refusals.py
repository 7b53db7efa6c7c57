"""Whatever GitHub answers, a remediation ends in words a person can act on, or gets over it."""

import asyncio
from dataclasses import dataclass

import pytest

from localhub.faults import Fault, parse_faults
from localhub.scenarios import scenario
from localhub.stage import Stage
from workflows.models import Outcome, Reason, RemediationResult
from workflows.naming import remediation_id
from workflows.remediation import RemediationWorkflow

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Case:
    """Rules for one repository, `@` standing for its address; and how its remediation ends."""

    rules: str
    reason: Reason = Reason.GREEN
    says: str = ""

    @property
    def outcome(self) -> Outcome:
        return Outcome.FIXED if self.reason is Reason.GREEN else Outcome.NEEDS_HUMAN


CASES = {
    # for good
    "credential": Case("GET @/actions/runs/*: bad-credentials", Reason.CREDENTIAL_REFUSED, "Bad credentials"),
    "permission": Case(
        "POST @/git/refs: forbidden permission=contents=write",
        Reason.PERMISSION_MISSING,
        "contents=write",
    ),
    "vanished": Case("GET @/git/ref/*: not-found; GET @: not-found", Reason.REPOSITORY_GONE, "404"),
    "conflict": Case("POST @/git/trees: conflict", Reason.GITHUB_REFUSED, "409"),
    "deleted-run": Case("GET @/actions/runs/*: gone", Reason.RUN_GONE, "410"),
    "expired-logs": Case("GET @/actions/jobs/*/logs: gone", Reason.LOGS_GONE),
    "invalid": Case("POST @/pulls: invalid", Reason.GITHUB_REFUSED, "422: Validation Failed"),
    "elsewhere": Case(
        "GET @/actions/runs/*: 301 location=http://127.0.0.2/x",
        Reason.PERMISSION_MISSING,
        "another host",
    ),
    # for a while
    "lost-race": Case("POST @/git/refs: invalid after first=1; POST @/pulls: invalid after first=1"),
    "busy": Case("GET @/*: unavailable first=1 retry-after=1"),
    "errors-after-effect": Case("writes @/*: 502 after first=1 per=address"),
    "cut": Case("writes @/*: cut first=1 per=address"),
    "secondary-limit": Case("POST @/git/commits: secondary-limit retry-after=1 first=1"),
    "primary-limit": Case("GET @/git/blobs/*: primary-limit reset-in=1 first=1"),
    "too-many": Case("POST @/issues/*: too-many-requests retry-after=1 first=1"),
    "slow": Case("GET @/commits/*: pass latency=0.5"),
    "logs-cut": Case("GET @/actions/jobs/*/logs: cut first=1"),
}


def rules_for(name: str, case: Case) -> tuple[Fault, ...]:
    return parse_faults(case.rules.replace("@", f"/repos/acme/{name}")).rules


async def remediated(stage: Stage, name: str) -> RemediationResult:
    lint, full_name, hub = scenario("lint"), f"acme/{name}", stage.hub
    assert lint is not None
    await stage.add_repository(full_name)
    await hub.commit(full_name, "main", lint.files, "Start")
    sha = await hub.commit(full_name, "main", lint.breaking, lint.message)
    run = next(one for one in hub.repository(full_name).runs.values() if one.head.sha == sha)
    handle = stage.client.get_workflow_handle_for(RemediationWorkflow.run, remediation_id(full_name, run.id))

    for _ in range(600):
        await asyncio.sleep(0.2)
        try:
            status = await handle.query(RemediationWorkflow.status)
        except Exception:  # noqa: BLE001, S112 — not started yet; the loop's bound decides
            continue
        if status.outcome is not None and status.reason is not None:
            return RemediationResult(outcome=status.outcome, reason=status.reason, detail=status.detail)
    raise AssertionError(f"{name}: no outcome")


async def test_every_answer_of_github_leads_to_its_end() -> None:
    async with Stage() as stage:
        stage.hub.faults.follow(rule for name, case in CASES.items() for rule in rules_for(name, case))
        results = await asyncio.gather(*(remediated(stage, name) for name in CASES))
    found = {name: (one.outcome, one.reason) for name, one in zip(CASES, results, strict=True)}
    assert found == {name: (case.outcome, case.reason) for name, case in CASES.items()}
    for (name, case), result in zip(CASES.items(), results, strict=True):
        assert case.says in result.detail, name
