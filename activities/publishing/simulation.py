"""A branch that is broken on purpose, at a real GitHub, through its API."""

from collections.abc import Mapping
from dataclasses import dataclass

from activities.adapters.github import GitHub
from activities.adapters.records import WorkflowRun
from activities.errors import PermanentError
from workflows import conclusions, naming

Files = Mapping[str, str]
"""Path to content."""


@dataclass(frozen=True)
class Broken:
    """A run that ended."""

    run_id: int
    url: str
    failed: bool


class Simulator:
    """Writes branches of the simulation's own family, and no other.

    Args:
        github: With the credential of somebody who may push.
    """

    def __init__(self, github: GitHub) -> None:
        self._github = github

    async def break_branch(
        self, repository: str, branch: str, green: Files, breaking: Files, message: str
    ) -> str:
        """Make a branch with a green commit, and push one that breaks it; the latter.

        The branch starts at the default branch's tip and holds the scenario's files alone.

        Raises:
            AdapterError: GitHub refuses, or the repository is empty.
        """
        default = await self._github.get_default_branch(repository)
        tip = await self._github.get_branch_tip(repository, default)
        if tip is None:
            raise PermanentError(f"{repository} has no commit yet; push one first", kind="invalid")
        start = await self._commit(repository, tip, None, green, f"Start {branch}")
        await self._github.create_simulation_branch(repository, branch, start.sha)
        broken = await self._commit(repository, start.sha, start.tree, breaking, message)
        await self._github.forward_simulation_branch(repository, branch, broken.sha)
        return broken.sha

    async def _commit(
        self, repository: str, parent: str, base_tree: str | None, files: Files, message: str
    ) -> "Written":
        entries = [
            {"path": path, "mode": "100644", "type": "blob", "content": content}
            for path, content in files.items()
        ]
        tree = await self._github.create_tree(repository, base_tree, entries, workflows=True)
        text = f"{message}\n\n{naming.SIMULATION_TRAILER}\n"
        commit = await self._github.create_commit(repository, tree=tree, parent=parent, message=text)
        return Written(commit.sha, tree)

    async def ended_run(self, repository: str, sha: str) -> Broken | None:
        """The run of a commit, once it has ended.

        Raises:
            AdapterError: It cannot be read.
        """
        runs: list[WorkflowRun] = await self._github.list_runs(repository, head_sha=sha)
        ended = [run for run in runs if run.status == "completed"]
        if not ended or len(ended) < len(runs):
            return None
        run = next((run for run in ended if run.conclusion in conclusions.FAILED), ended[0])
        return Broken(run.id, run.html_url, run.conclusion in conclusions.FAILED)


@dataclass(frozen=True)
class Written:
    """A commit that was written."""

    sha: str
    tree: str
