"""What networks, shells and missing inputs make tools print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import Action, Blame, FailureClass

_RUNNER: Final = "GitHub Actions runner messages"

ENVIRONMENT: Final[tuple[Rule, ...]] = (
    Rule(
        name="network",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="The network or a remote service failed: {message}",
        pattern=r"(?P<message>Could not resolve host:? ?\S{0,100}|Temporary failure in name resolution"
        r"|Temporary failure resolving [^\n]{1,80}"
        r"|unable to resolve host address[^\n]{0,80}|Name or service not known|getaddrinfo failed"
        r"|NewConnectionError\([^\n]{1,150}|Max retries exceeded with url: [^\n]{1,100}"
        r"|dial tcp[^\n]{0,80}: (?:lookup|connect: connection refused|i/o timeout)[^\n]{0,80}"
        r"|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) [^\n]{1,80}|connect (?:ETIMEDOUT|ECONNREFUSED) [^\n]{1,60}"
        r"|Connection timed out|Operation timed out|curl: \((?:5|7|18|28|35|52|55|56)\) [^\n]{1,100}"
        r"|ERR_PNPM_(?:META_)?FETCH_FAIL[^\n]{0,80}|Could not transfer artifact [^\n]{1,150}"
        r"|502 Bad Gateway|503 Service (?:Temporarily )?Unavailable|504 Gateway Time-?out"
        r"|NU1301: [^\n]{1,120}|error: failed to sync[^\n]{0,60}"
        r"|npm (?:ERR!|error) code (?:ETIMEDOUT|ECONNRESET|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E5\d\d|E429)"
        r"|npm (?:ERR!|error) network [^\n]{1,100}|ReadTimeoutError\([^\n]{1,100}"
        r"|net/http: TLS handshake timeout"
        r"|toomanyrequests: [^\n]{1,100}|error: RPC failed; [^\n]{1,100}"
        r"|fatal: unable to access '[^'\n]{1,150}': [^\n]{1,100}"
        r"|The remote end hung up unexpectedly|i/o timeout"
        r"|server misbehaving"
        r"|Failed to connect to \S{1,100} port \d{1,5}|Connection reset by peer"
        r"|SSL_ERROR_SYSCALL|Network is unreachable"
        r"|HTTP(?: error| code|)(?::|:? )(?:429|500|502|503|504)\b[^\n]{0,80}"
        r"|status(?: error| code|)(?::|:? )(?:429|500|502|503|504)\b[^\n]{0,80}"
        r"|The requested URL returned error: (?:429|50[0234])"
        r"|received unexpected HTTP status: 5\d\d[^\n]{0,60}|Hash Sum mismatch"
        r"|Couldn't establish HTTP connection)",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="pip-index-unreachable",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="pip cannot reach the package index.",
        pattern=r"^(?:WARNING: )?Retrying \(Retry\([^)\n]{1,150}\)\) after connection broken by",
        also=r"Could not find a version that satisfies|No matching distribution found",
        source="pip output: what follows an unreachable index reads like a missing package",
    ),
    Rule(
        name="cargo-network",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="Cargo cannot reach the registry: {message}",
        pattern=r"^warning: (?P<message>spurious network error[^\n]{0,200})",
        source="Cargo output: what follows reads like a missing crate",
    ),
    Rule(
        name="http-missing",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A download is not there: {message}",
        pattern=r"(?P<message>The requested URL returned error: 40[134]|ERROR 40[34]: [^\n]{1,80}"
        r"|\b404 +Not Found\b)",
        certainty=Certainty.FAMILY,
        blame=Blame.UNKNOWN,
    ),
    Rule(
        name="action-input",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="An action lacks an input or a secret: {message}",
        pattern=r"##\[error\](?P<message>Input required and not supplied: [^\n]{1,100}"
        r"|Username and password required|(?:Parameter"
        r"|Input) '?\w{1,60}'? is required[^\n]{0,60})",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
        source=_RUNNER,
    ),
    Rule(
        name="artifact-missing",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="An artifact is missing or has expired: {message}",
        pattern=r"(?P<message>Artifact not found for name: [^\n]{1,100}"
        r"|Unable to find any artifacts[^\n]{0,100}|Artifact has expired[^\n]{0,60}"
        r"|No files were found with the provided path: [^\n]{1,100})",
        source=_RUNNER,
    ),
    Rule(
        name="time-limit-command",
        failure_class=FailureClass.TIMEOUT,
        root_cause="The command ran into its time limit (exit code 124).",
        exit_code=124,
        certainty=Certainty.FAMILY,
        source="GNU coreutils manual, timeout",
    ),
    Rule(
        name="job-cancelled-by-matrix",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="The job was cancelled because another one of the matrix failed.",
        pattern=r"The strategy configuration was cancell?ed because",
        certainty=Certainty.FAMILY,
        blame=Blame.UNKNOWN,
        source=_RUNNER,
    ),
    Rule(
        name="run-cancelled",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="The job was cancelled.",
        pattern=r"##\[error\]The operation was cancell?ed\.|##\[error\]The run was cancell?ed",
        certainty=Certainty.FAMILY,
        blame=Blame.UNKNOWN,
        source=_RUNNER,
    ),
    Rule(
        name="command-not-found",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The command {name} is not installed where the job runs.",
        pattern=r"^(?:[\w./-]{1,100}: )?(?:line \d{1,6}: |\d{1,6}: )?"
        r"(?P<name>[\w./+-]{1,100}): (?:command )?not found$",
        certainty=Certainty.FAMILY,
        source="POSIX shell, exit status 127",
    ),
    Rule(
        name="command-missing",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="A command of the step does not exist (exit code 127).",
        exit_code=127,
        certainty=Certainty.GUESS,
        source="POSIX shell, exit status 127",
    ),
    Rule(
        name="file-missing",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="{file} does not exist.",
        pattern=r"^(?:[\w./+-]{1,150}: ){1,2}(?:line \d{1,6}: )?(?:can't open file )?'?"
        r"(?P<file>[\w./@+-]{1,200})'?: (?:\[Errno 2\] )?No such file or directory$",
        certainty=Certainty.FAMILY,
    ),
)
