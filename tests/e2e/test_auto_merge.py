"""Where operator and repository want it, GitHub merges a green fix itself, after the required review."""

import httpx2
import pytest
from exactly_once import assert_fixed_exactly_once, break_lint

from localhub.stage import REPOSITORY, Stage
from workflows.models import Disposition, RemediationResult
from workflows.naming import remediation_id

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

WANTED = "publication: {draft: false, auto_merge: true}\n"
RULES = {
    "name": "main",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [{"type": "pull_request", "parameters": {"required_approving_review_count": 1}}],
}


async def test_github_merges_a_green_fix_once_a_person_has_approved_it() -> None:
    settings = {"REGREEN_ALLOW_AUTO_MERGE": "true", "REGREEN_REVERT_WATCH": "0"}
    async with Stage(settings=settings) as stage:
        await stage.hub.commit(REPOSITORY, "main", {".github/regreen.yml": WANTED}, "Settings")
        await call(stage, "acme", "PATCH", "", {"allow_auto_merge": True})
        await call(stage, "acme", "POST", "/rulesets", RULES)
        broken = await break_lint(stage)
        await assert_fixed_exactly_once(stage, broken)
        repository = stage.hub.repository(REPOSITORY)
        [pull] = repository.pulls.values()
        assert (pull.state, pull.draft, pull.auto_merge is not None) == ("open", False, True)
        [comment] = [one for one in repository.comments.values() if "regreen run=" in one.body]
        assert "GitHub merges it by itself once" in comment.body
        await call(stage, "dev", "POST", f"/pulls/{pull.number}/reviews", {"event": "APPROVE"})
        assert pull.merged_at is not None
        run = next(one for one in repository.runs.values() if one.head.sha == broken)
        handle = stage.client.get_workflow_handle(
            remediation_id(REPOSITORY, run.id), result_type=RemediationResult
        )
        assert (await handle.result()).disposition is Disposition.KEPT


async def call(stage: Stage, who: str, method: str, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {stage.hub.add_token(who)}"}
    async with httpx2.AsyncClient(base_url=stage.hub.url, headers=headers, trust_env=False) as http:
        (await http.request(method, f"/repos/{REPOSITORY}{path}", json=body)).raise_for_status()
