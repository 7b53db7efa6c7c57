"""What the runner and the machine under it say when they end a job."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import Action, FailureClass

_RUNNER: Final = "GitHub Actions runner messages"

FACTS: Final[tuple[Rule, ...]] = (
    Rule(
        name="github-runner-lost",
        failure_class=FailureClass.INFRASTRUCTURE,
        root_cause="The runner went away while the job ran.",
        pattern=r"The runner has received a shutdown signal|lost communication with the server"
        r"|The hosted runner encountered an error|The self-hosted runner: [^\n]{1,100} lost communication"
        r"|The job was not acquired by Runner",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-time-limit",
        failure_class=FailureClass.TIMEOUT,
        root_cause="The job ran into its time limit.",
        pattern=r"has exceeded the maximum execution time of"
        r"|##\[error\]The action [^\n]{1,200} has timed out after",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-action-not-found",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The workflow uses the action {name}, which GitHub cannot find.",
        pattern=r"Unable to resolve action `?(?P<name>[\w./@-]{1,200})`?, (?:unable to find version"
        r"|not found|repository not found)"
        r"|Can't find 'action\.yml', 'action\.yaml' or 'Dockerfile' under '(?P<folder>[^']{1,200})'",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-action-deprecated",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="The workflow uses a version of {name} that GitHub has switched off.",
        pattern=r"automatically failed because it uses a deprecated version of `?"
        r"(?P<name>[\w./@: -]{1,100})`?",
        certainty=Certainty.FACT,
        source=_RUNNER,
    ),
    Rule(
        name="github-workflow-invalid",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="GitHub cannot read the workflow file: {message}",
        pattern=r"(?:Invalid workflow file|The workflow is not valid)[.:] ?(?P<message>[^\n]{1,200})",
        certainty=Certainty.FACT,
        action=Action.EXPLAIN,
        source=_RUNNER,
    ),
    Rule(
        name="disk-full",
        failure_class=FailureClass.RESOURCE,
        root_cause="The runner's disk is full.",
        pattern=r"No space left on device|ENOSPC: no space left|You are running out of disk space",
        certainty=Certainty.FACT,
        source="errno(3), ENOSPC",
    ),
    Rule(
        name="out-of-memory",
        failure_class=FailureClass.RESOURCE,
        root_cause="The job ran out of memory.",
        pattern=r"JavaScript heap out of memory|java\.lang\.OutOfMemoryError"
        r"|^fatal error: runtime: out of memory"
        r"|Out of memory: Killed process|\(signal: 9, SIGKILL: kill\)|LLVM ERROR: out of memory"
        r"|std::bad_alloc|c\+\+: fatal error: Killed signal terminated program",
        certainty=Certainty.FACT,
    ),
    Rule(
        name="killed",
        failure_class=FailureClass.RESOURCE,
        root_cause="The command was killed (exit code 137), most often for want of memory.",
        exit_code=137,
        certainty=Certainty.FAMILY,
        source="128 + SIGKILL",
    ),
)
