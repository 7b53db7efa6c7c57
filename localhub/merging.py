"""What rules ask of a pull request before it is merged, and what GitHub says of it meanwhile."""

from fnmatch import fnmatchcase

from localhub.records import Json, PullRequest, Repository, Ruleset

_HEADS = "refs/heads/"


def active_rules(repository: Repository, branch: str) -> list[tuple[Ruleset, Json]]:
    """The rules for a branch, which need not exist."""
    return [
        (ruleset, rule)
        for ruleset in repository.rulesets.values()
        if _covers(repository, ruleset, _HEADS + branch)
        for rule in ruleset.rules
    ]


def _covers(repository: Repository, ruleset: Ruleset, ref: str) -> bool:
    """Whether a ruleset concerns a ref. Patterns are looser than GitHub's: `*` crosses slashes."""

    def fits(pattern: str) -> bool:
        if pattern == "~DEFAULT_BRANCH":
            return ref == _HEADS + repository.default_branch
        return pattern == "~ALL" or fnmatchcase(ref, pattern)

    return (
        ruleset.enforcement == "active"
        and any(map(fits, ruleset.include))
        and not any(map(fits, ruleset.exclude))
    )


def mergeable_state(pull: PullRequest) -> str:
    """GitHub's word for what keeps it from being merged: `unknown`, `draft`, `blocked` or `clean`."""
    if pull.state == "closed":
        return "unknown"
    if pull.draft:
        return "draft"
    rules = active_rules(pull.repository, pull.base_ref)
    return "clean" if all(_is_met(pull, rule) for _, rule in rules) else "blocked"


def _is_met(pull: PullRequest, rule: Json) -> bool:
    asked = rule.get("parameters") or {}
    if rule["type"] == "pull_request":
        return len(pull.approvals) >= int(asked.get("required_approving_review_count", 0))
    if rule["type"] == "required_status_checks":
        wanted = {check["context"] for check in asked.get("required_status_checks", ())}
        return wanted <= _passed(pull.repository, pull.head_sha)
    return True


def _passed(repository: Repository, sha: str) -> set[str]:
    """The names of what succeeded on a commit: jobs, check runs of Apps, statuses."""
    jobs = {
        job.name
        for run in repository.runs.values()
        if run.head.sha == sha
        for job in run.attempts[-1].jobs
        if job.conclusion == "success"
    }
    checks = repository.foreign_checks.values()
    foreign = {one.name for one in checks if one.head_sha == sha and one.conclusion == "success"}
    statuses = repository.statuses.get(sha, {}).values()
    return jobs | foreign | {status.context for status in statuses if status.state == "success"}
