"""What GitHub Actions, its actions and services say when the workflow, not the code, is at fault."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import Action, Blame, FailureClass

_RUNNER: Final = "GitHub Actions runner messages"
_TOOLKIT: Final = "messages of GitHub's own setup, cache and artifact actions"

GITHUB: Final[tuple[Rule, ...]] = (
    Rule(
        name="github-no-runner",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="No runner fits the job: {message}",
        pattern=r"(?P<message>No runner matching the specified labels was found[^\n]{0,120}"
        r"|there were no enabled runners online to process the request[^\n]{0,60}"
        r"|Can't find any online and idle self-hosted runner[^\n]{0,100}"
        r"|The requested runner[^\n]{0,80} is not available[^\n]{0,60}"
        r"|This is a scheduled [\w.-]{1,40} brownout[^\n]{0,60})",
        certainty=Certainty.FACT,
        action=Action.EXPLAIN,
        source=_RUNNER,
    ),
    Rule(
        name="github-billing",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The account's payment or spending limit keeps the job from starting.",
        pattern=r"recent account payments have failed or your spending limit needs to be increased"
        r"|The job was not started because your account is locked",
        certainty=Certainty.FACT,
        action=Action.EXPLAIN,
        blame=Blame.ENVIRONMENT,
        source=_RUNNER,
    ),
    Rule(
        name="github-expression",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="An expression in the workflow file is not valid: {message}",
        pattern=r"(?P<message>Unrecognized (?:named-value|function): '[^'\n]{1,80}'[^\n]{0,100}"
        r"|The template is not valid\.[^\n]{0,200}|Unexpected symbol: '[^'\n]{1,80}'[^\n]{0,100})",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-action-download",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="GitHub could not hand out an action: {message}",
        pattern=r"(?P<message>Failed to download action '[^'\n]{1,200}'[^\n]{0,150}"
        r"|Missing download info for [^\n]{1,100}|Failed to resolve action download info[^\n]{0,100}"
        r"|Failed to download archive '[^'\n]{1,200}'[^\n]{0,100})",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-rate-limit",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="GitHub's rate limit was reached.",
        pattern=r"API rate limit exceeded for|You have exceeded a secondary rate limit",
        source="GitHub documentation, rate limits",
    ),
    Rule(
        name="github-service-container",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="A service container did not start: {message}",
        pattern=r"(?P<message>Failed to initialize(?:,| container) [^\n]{0,150}"
        r"|One or more containers failed to start[^\n]{0,60})",
        source=_RUNNER,
    ),
    Rule(
        name="github-file-command",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The step writes to the runner's files in a form it cannot read: {message}",
        pattern=r"(?P<message>Unable to process file command '\w{1,20}' successfully[^\n]{0,60}"
        r"|The `(?:set-env|add-path|save-state|set-output)` command is (?:disabled|deprecated)[^\n]{0,60})",
        source="GitHub documentation, workflow commands",
    ),
    Rule(
        name="setup-version",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The version that the workflow asks for does not exist: {message}",
        pattern=r"(?P<message>The version '[^'\n]{1,60}' with architecture '[^'\n]{1,20}"
        r"' was not found[^\n]{0,80}"
        r"|Version \S{1,30} with arch \w{1,10} not found[^\n]{0,60}"
        r"|Unable to find Node version [^\n]{1,100}"
        r"|Unable to find Go version [^\n]{1,80}|Unknown version \S{1,30} for (?:ruby|\w{1,20})[^\n]{0,80}"
        r"|Could not find satisfied version for [^\n]{1,80}|Unable to find version \S{1,40} of [^\n]{1,60}"
        r"|Could not find a .{1,20}JDK[^\n]{1,80})",
        source=_TOOLKIT,
    ),
    Rule(
        name="setup-cache-input",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The setup action finds no file to make its cache key of: {message}",
        pattern=r"##\[error\](?P<message>(?:Dependencies lock file is not found in [^\n]{1,150}"
        r"|No file in [^\n]{1,150} matched to [^\n]{1,100}"
        r"|Some specified paths were not resolved, unable to cache dependencies))",
        source=_TOOLKIT,
    ),
    Rule(
        name="setup-executable",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="An action needs a program that the runner does not have: {name}.",
        pattern=r"Unable to locate executable file: (?P<name>[^\s.]{1,80})",
        source=_TOOLKIT,
    ),
    Rule(
        name="artifact-name-taken",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="Two jobs upload an artifact of the same name.",
        pattern=r"an artifact with this name already exists on the workflow run",
        source=_TOOLKIT,
    ),
    Rule(
        name="repository-not-readable",
        failure_class=FailureClass.PERMISSION,
        root_cause="A repository cannot be read with the job's credential: {message}",
        pattern=r"(?P<message>fatal: could not read Username for '[^'\n]{1,100}'[^\n]{0,60}"
        r"|fatal: Authentication failed for '[^'\n]{1,150}'"
        r"|remote: Repository not found\.|git@[\w.-]{1,80}: Permission denied \(publickey\)"
        r"|Host key verification failed\.)",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
        source="git and OpenSSH output",
    ),
    Rule(
        name="credential-refused",
        failure_class=FailureClass.PERMISSION,
        root_cause="A credential is missing or was refused: {message}",
        pattern=r"(?P<message>HttpError: Bad credentials|\"message\": ?\"Bad credentials\""
        r"|npm (?:ERR!|error) code (?:E401|E403|ENEEDAUTH)"
        r"|unauthorized: (?:authentication required|incorrect username or password)"
        r"|denied: requested access to the resource is denied"
        r"|InvalidClientTokenId|ExpiredToken(?:Exception)?|SignatureDoesNotMatch"
        r"|(?:HTTPError: )?403 (?:Client Error: )?Forbidden[^\n]{0,30} upload\S{0,60}"
        r"|Error: Unable to locate credentials|NoCredentialsError|AADSTS\d{5,7}"
        r"|The security token included in the request is (?:invalid|expired))",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
        source="messages of npm, Docker, AWS, Azure and GitHub",
    ),
    Rule(
        name="file-permission",
        failure_class=FailureClass.PERMISSION,
        root_cause="The step may not touch a file: {message}",
        pattern=r"(?P<message>PermissionError: \[Errno 13\] [^\n]{1,150}"
        r"|EACCES: permission denied, [^\n]{1,150}"
        r"|mkdir: cannot create directory [^\n]{1,100}: Permission denied"
        r"|E: Could not open lock file [^\n]{1,100} \(13: Permission denied\))",
        certainty=Certainty.FAMILY,
        source="errno(3), EACCES",
    ),
)
