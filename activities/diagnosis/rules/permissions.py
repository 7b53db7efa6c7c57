"""What a job's token, or the file system, refuses."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import Action, FailureClass

_GITHUB_DOCS: Final = "GitHub documentation, permissions of the GITHUB_TOKEN"

PERMISSIONS: Final[tuple[Rule, ...]] = (
    Rule(
        name="token-packages-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not write packages; `packages: write` is missing.",
        pattern=r"permission_denied: write_package"
        r"|denied: installation not allowed to \w+ (?:organization )?package"
        r"|ghcr\.io[^\n]{0,300}\b403\b|ghcr\.io[^\n]{0,300}denied: (?:permission_denied|denied)"
        r"|denied: permission_denied: The (?:token|requested installation)"
        r"|npm\.pkg\.github\.com[^\n]{0,200}\b403\b",
        missing_permission="packages: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-packages-read",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not read packages; `packages: read` is missing.",
        pattern=r"permission_denied: (?:read_package|The token provided does not match expected scopes)",
        missing_permission="packages: read",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-contents-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not push; `contents: write` is missing.",
        pattern=r"Permission to [\w./-]{1,200} denied to github-actions\[bot\]"
        r"|refusing to allow a GitHub App to (?:create|update) (?!workflow)",
        missing_permission="contents: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-id-token-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job may not ask for an identity token; `id-token: write` is missing.",
        pattern=r"Unable to get (?:the )?ACTIONS_ID_TOKEN_REQUEST_(?:URL|TOKEN)"
        r"|Credentials could not be loaded, please check your action inputs: "
        r"Could not load credentials from any providers"
        r"|did not inject \$?ACTIONS_ID_TOKEN_REQUEST_TOKEN"
        r"|requires \"write\" access to the \"id-token\" permission",
        missing_permission="id-token: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-pull-requests-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not write to pull requests; `pull-requests: write` is missing.",
        pattern=r"GitHub Actions is not permitted to (?:create|approve) (?:or approve )?pull requests"
        r"|addPullRequest\w* [^\n]{0,100}Resource not accessible|createPullRequest\)"
        r"|/pulls(?:/\d+/(?:comments|reviews|requested_reviewers))?\b",
        also=r"Resource not accessible by integration|not permitted to",
        missing_permission="pull-requests: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-issues-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not write to issues; `issues: write` is missing.",
        pattern=r"/issues(?:/\d+)?(?:/(?:comments|labels|assignees))?\b|\((?:addComment|createIssue"
        r"|addLabelsToLabelable)\)",
        also=r"Resource not accessible by integration",
        missing_permission="issues: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-releases-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not create releases, tags or commits; `contents: write` is missing.",
        pattern=r"/releases\b|/git/(?:refs|tags|commits|trees)\b|action-gh-release|create-a-release",
        also=r"Resource not accessible by integration",
        missing_permission="contents: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-checks-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not write checks; `checks: write` is missing.",
        pattern=r"/check-(?:runs|suites)\b",
        also=r"Resource not accessible by integration",
        missing_permission="checks: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-statuses-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not set commit statuses; `statuses: write` is missing.",
        pattern=r"/statuses\b",
        also=r"Resource not accessible by integration",
        missing_permission="statuses: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-security-events-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not upload scan results; `security-events: write` is missing.",
        pattern=r"/code-scanning\b|codeql-action|upload-sarif",
        also=r"Resource not accessible by integration",
        missing_permission="security-events: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-pages-write",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token may not deploy pages; `pages: write` is missing.",
        pattern=r"/pages\b|Get Pages site failed|Create Pages site failed|deploy-pages",
        also=r"Resource not accessible by integration|pages: write",
        missing_permission="pages: write",
        certainty=Certainty.FACT,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="token-not-accessible",
        failure_class=FailureClass.PERMISSION,
        root_cause="The job's token lacks a permission; the log does not say which.",
        pattern=r"Resource not accessible by integration",
        action=Action.EXPLAIN,
        source=_GITHUB_DOCS,
    ),
    Rule(
        name="file-not-executable",
        failure_class=FailureClass.PERMISSION,
        root_cause="{file} is not executable.",
        pattern=r"^(?:[\w./-]{1,100}: )?(?:line \d{1,6}: )?(?P<file>(?:\./"
        r"|/)[\w./-]{1,200}): Permission denied$",
        exit_code=126,
        source="POSIX shell, exit status 126",
    ),
)
