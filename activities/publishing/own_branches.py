"""Regreen's own branches, after their time: which there are, and their removal."""

import asyncio
from dataclasses import dataclass
from typing import Final

from activities.adapters.github import GitHub
from activities.adapters.records import PullRequestRecord
from activities.publishing.switch import WriteSwitch
from workflows import naming

_RECENT: Final = 20


@dataclass(frozen=True)
class OwnBranch:
    """A branch that has the name of one of Regreen's; whether it is one, its commit must prove."""

    name: str
    tip: str
    message: str
    """Of the commit at its tip."""
    pull_requests: tuple[PullRequestRecord, ...] = ()
    """From it, the newest first."""


class OwnBranches:
    """Finds and removes them.

    Args:
        github: Where they are.
        switch: Asked before each write.
    """

    def __init__(self, github: GitHub, switch: WriteSwitch) -> None:
        self._github = github
        self._switch = switch

    async def find(self, repository: str) -> list[OwnBranch]:
        """Every branch of a repository that is named like a fix or a simulation.

        Raises:
            AdapterError: They cannot be read.
        """
        # The name of a simulation's branch begins like that of a fix.
        found = await self._github.list_branches(repository, naming.FIX_BRANCH_FAMILY)
        return [
            await self._look_at(repository, name, tip)
            for name, tip in found
            if naming.parse_fix_branch(name) is not None or naming.is_simulation_branch(name)
        ]

    async def _look_at(self, repository: str, name: str, tip: str) -> OwnBranch:
        commit, pull_requests = await asyncio.gather(
            self._github.get_commit(repository, tip),
            self._github.list_pull_requests(repository, name, limit=_RECENT),
        )
        return OwnBranch(name, tip, commit.message, tuple(pull_requests))

    async def close(self, repository: str, number: int) -> None:
        """Close a pull request that is open.

        Raises:
            AdapterError: It cannot be closed, or writing is switched off.
        """
        await self._switch.require_open(repository)
        if (await self._github.get_pull_request(repository, number)).state == "open":
            await self._github.update_pull_request(repository, number, state="closed")

    async def delete(self, repository: str, branch: str, tip: str) -> bool:
        """Delete a branch that still stands at `tip`; whether it did.

        GitHub cannot be asked to do both at once: a commit that is pushed in that very moment goes with it,
        and can be had again from its author.

        Raises:
            AdapterError: It cannot be deleted, or writing is switched off.
        """
        await self._switch.require_open(repository)
        if await self._github.get_branch_tip(repository, branch) != tip:
            return False
        await self._github.delete_own_branch(repository, branch)
        return True
