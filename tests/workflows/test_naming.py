import pytest

from activities.publishing.wording import FAILURE_NAMES, commit_message, pull_request_title
from scripted import diagnosis, proposal
from workflows import naming
from workflows.models import CommitRequest, FailureClass, GateDecision, GateVerdict, PullRequestRequest


def commit_title(failure: FailureClass) -> str:
    request = CommitRequest(
        repository="acme/widgets",
        run_id=7,
        attempt=1,
        proposal=proposal(),
        failure_class=failure,
        fingerprint="v1:0000",
    )
    return commit_message(request).splitlines()[0]


def title_of_pull_request(failure: FailureClass) -> str:
    request = PullRequestRequest(
        repository="acme/widgets",
        run_id=7,
        run_url="https://github.example/acme/widgets/actions/runs/7",
        base_branch="main",
        workflow_name="CI",
        attempt=2,
        diagnosis=diagnosis(failure_class=failure),
        proposal=proposal(),
        verdict=GateVerdict(decision=GateDecision.ALLOWED),
    )
    return pull_request_title(request)


@pytest.mark.parametrize("failure", FAILURE_NAMES)
def test_the_revert_of_a_fix_is_known_by_the_title_that_git_and_github_give_it(failure: FailureClass) -> None:
    assert naming.reverts_fix(f'Revert "{commit_title(failure)}"\n\nThis reverts commit {"a" * 40}.')
    assert naming.reverts_fix(f'Revert "{title_of_pull_request(failure)}" (#9)')


@pytest.mark.parametrize(
    ("message", "reverts"),
    [
        ('Revert "Merge pull request #5 from acme/regreen/7"', True),
        ("Merge pull request #6 from acme/revert-5-regreen/7\n\nRevert", True),
        ('Revert "Revert "Fix lint failure in run 7""', False),
        ('Reapply "Fix lint failure in run 7"', False),
        ('Revert "Merge pull request #5 from acme/topic"', False),
        ('Revert "Fix the flux capacitor"', False),
        ('Explain why: Revert "Fix lint failure in run 7"', False),
        ("Fix lint failure in run 7", False),
    ],
)
def test_other_commits_are_not_taken_for_one(message: str, *, reverts: bool) -> None:
    assert naming.reverts_fix(message) is reverts
    assert naming.reverted_run(message) == (7 if reverts else None)


def test_the_branch_of_githubs_revert_button_names_the_run() -> None:
    assert naming.parse_revert_branch("revert-5-regreen/7") == 7
    assert naming.parse_revert_branch("revert-5-topic") is None
    assert naming.parse_revert_branch("regreen/7") is None


@pytest.mark.parametrize(
    ("branch", "number"),
    [
        (f"gh-readonly-queue/main/pr-12-{'a' * 40}", 12),
        (f"gh-readonly-queue/release/2.x/pr-3-{'0' * 40}", 3),
        (f"gh-readonly-queue/main/pr-{'9' * 30}-{'a' * 40}", None),
        ("gh-readonly-queue/main/pr-12-abc", None),
        (f"feature/gh-readonly-queue/main/pr-12-{'a' * 40}", None),
        ("main", None),
    ],
)
def test_a_merge_queue_branch_names_its_pull_request(branch: str, number: int | None) -> None:
    assert naming.parse_queue_branch(branch) == number
