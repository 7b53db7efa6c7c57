"""A repository as a whole: its own settings, and what has been spent on it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity

from activities.adapters.github import GitHub, PullRequestRecord
from activities.errors import translating
from activities.publishing.markdown import Block, Fence, code, document
from activities.publishing.secrets import refuse_secrets
from activities.publishing.switch import WriteSwitch
from workflows import naming
from workflows.models import PostedReport, RunSnapshot
from workflows.repository_settings import PATH, SettingsProblem, Standing

_DAY: Final = timedelta(days=1)
_LOOKED_THROUGH: Final = 100
"""Newest pull requests of a repository among which ours are counted."""
_COUNTED: Final = 10
"""Newest pull requests of ours whose commits are counted; each costs a request."""


class RepositoryActivities:
    """Says so where a repository's own settings are broken.

    Args:
        github: Where the repositories are.
        switch: May forbid to write.
    """

    def __init__(self, github: GitHub, switch: WriteSwitch) -> None:
        self._github = github
        self._switch = switch

    @activity.defn
    @translating
    async def report_broken_settings(self, request: SettingsProblem) -> PostedReport:
        """Say what is wrong with the settings, on the commit that made them so.

        Safe to repeat: each version of the file has one such commit, and one comment is left there.
        """
        self._switch.require_running()
        repository = request.repository
        commit = await self._github.find_last_commit(repository, PATH)
        if commit is None:  # removed in this very moment
            return PostedReport(changed=False)
        login = await self._github.own_login(repository)
        for comment in await self._github.list_commit_comments(repository, commit):
            if comment.author_login == login and comment.body.startswith(naming.SETTINGS_MARKER):
                return PostedReport(url=comment.html_url, changed=False)
        text = _complaint(request.problem)
        refuse_secrets(text)
        posted = await self._github.create_commit_comment(repository, commit, text)
        return PostedReport(url=posted.html_url)


async def read_standing(github: GitHub, switch: WriteSwitch, run: RunSnapshot) -> Standing:
    """What the run's repository says now, and what other runs' fixes have taken of its budgets."""
    settings, listed = await asyncio.gather(
        switch.settings(run.repository),
        github.list_newest_pull_requests(run.repository, limit=_LOOKED_THROUGH),
    )
    ours = [each for each in listed if _is_fix(each, run)]
    since = datetime.now(UTC) - _DAY
    rivals = [each for each in ours if not each.merged and each.base_branch == run.target_branch]
    messages = await asyncio.gather(
        *(github.list_commit_messages(run.repository, each.number) for each in rivals[:_COUNTED])
    )
    fingerprints = (naming.parse_fingerprint_trailer(message) for each in messages for message in each)
    return Standing(
        settings=settings,
        opened_today=sum(each.created_at is not None and each.created_at > since for each in ours),
        attempts=tuple(filter(None, fingerprints)),
    )


def _is_fix(pull_request: PullRequestRecord, run: RunSnapshot) -> bool:
    """Whether it is another run's fix; a fork's branch may have any name."""
    run_id = naming.parse_fix_branch(pull_request.head_branch)
    home = (pull_request.head_repository or "").casefold() == run.repository.casefold()
    return home and run_id is not None and run_id != run.run_id


def _complaint(problem: str) -> str:
    return document(
        [
            Block(naming.SETTINGS_MARKER),
            Block(f"**Regreen does nothing here**: {code(PATH)} cannot be used."),
            Fence(problem, "text"),
            Block("It goes on with the next failed run once the file is repaired on the default branch."),
        ]
    )
