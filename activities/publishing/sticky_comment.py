"""The one comment per failure: found again by its marker and its author, edited in place."""

from collections.abc import Sequence

from activities.adapters.github import Comment, GitHub
from activities.publishing.report import render
from activities.publishing.secrets import refuse_secrets
from activities.publishing.twins import Origin, failed_twins
from workflows import naming
from workflows.models import PostedReport, Report


async def post_report(github: GitHub, report: Report) -> PostedReport:
    """Say it where the failure was seen: on the open pull request, else on the commit."""
    text = render(report)
    refuse_secrets(text)
    number = report.run.pull_request if report.run.pull_request_open else None
    found = await _own_comment(github, report, number, (report.run.run_id,))
    if found is not None and _normal(found.body) == _normal(text):
        return PostedReport(url=found.html_url, changed=False)
    if found is None and report.question is None and await _said_of_twin(github, report, number):
        return PostedReport(changed=False)
    repository = report.repository
    if number is not None:
        posted = (
            await github.update_pull_request_comment(repository, found.id, text)
            if found
            else await github.create_pull_request_comment(repository, number, text)
        )
    else:
        posted = (
            await github.update_commit_comment(repository, found.id, text)
            if found
            else await github.create_commit_comment(repository, report.run.head_sha, text)
        )
    return PostedReport(url=posted.html_url)


async def _said_of_twin(github: GitHub, report: Report, number: int | None) -> bool:
    """Whether there is a comment already about another failed run of the same push and workflow."""
    twins = () if report.run.head_is_fork else await failed_twins(github, Origin.of(report.run))
    return bool(twins) and await _own_comment(github, report, number, twins) is not None


async def _own_comment(
    github: GitHub, report: Report, number: int | None, runs: Sequence[int]
) -> Comment | None:
    # Anyone can copy the marker; only we can write as ourselves.
    login = await github.own_login(report.repository)
    comments = (
        await github.list_pull_request_comments(report.repository, number)
        if number is not None
        else await github.list_commit_comments(report.repository, report.run.head_sha)
    )
    markers = tuple(naming.marker(run) for run in runs)
    return next(
        (each for each in comments if each.author_login == login and each.body.startswith(markers)), None
    )


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
