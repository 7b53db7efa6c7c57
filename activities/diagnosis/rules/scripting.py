"""What shells, make, git and the command lines of tools print about themselves, not about the code."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import Action, Blame, FailureClass

_REST: Final = r"[^\n]{1,200}"


def _configuration(
    name: str,
    root_cause: str,
    pattern: str,
    source: str = "",
    *,
    also: str = "",
    command: str = "",
    certainty: Certainty = Certainty.SIGNATURE,
    action: Action | None = None,
    blame: Blame | None = None,
) -> Rule:
    return Rule(
        name=name,
        failure_class=FailureClass.CONFIGURATION,
        root_cause=root_cause,
        pattern=pattern,
        also=also,
        command=command,
        certainty=certainty,
        action=action,
        blame=blame,
        source=source or "the tool's own output",
    )


SCRIPTING: Final[tuple[Rule, ...]] = (
    Rule(
        name="shell-syntax",
        failure_class=FailureClass.COMPILE,
        root_cause="The shell cannot parse {file}: {message}",
        pattern=r"^(?P<file>[\w./-]{1,150}): (?:line )?\d{1,7}: (?:Syntax error|syntax error)"
        r"(?P<message>[^\n]{1,150})",
        source="Bash manual",
    ),
    _configuration(
        "unset-variable",
        "The script uses {name}, which is not set where the job runs.",
        r"^[\w./-]{1,150}: (?:line )?\d{1,7}: (?P<name>\w{1,80}): (?:unbound variable|parameter not set)",
        "Bash manual, set -u",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
    ),
    _configuration(
        "make-target",
        "The makefile does not fit: {message}",
        r"^g?make(?:\[\d{1,3}\])?: \*\*\* (?P<message>No rule to make target [^\n]{1,150}"
        r"|No targets specified and no makefile found[^\n]{0,50})",
        "GNU make manual, errors",
    ),
    _configuration(
        "makefile-syntax",
        "{file} does not parse: {message}",
        r"^(?P<file>[\w./-]{1,150}):\d{1,7}: \*\*\* (?P<message>(?:missing separator|missing 'endif'"
        r"|recipe commences|unterminated|invalid syntax|extraneous)[^\n]{0,100})",
        "GNU make manual, errors",
    ),
    _configuration(
        "git-ref-missing",
        "git does not find what the step asks for: {message}",
        r"^(?:error|fatal): (?P<message>pathspec '[^'\n]{1,150}' did not match any[^\n]{0,60}"
        r"|couldn't find remote ref [^\n]{1,100}|ambiguous argument '[^'\n]{1,150}': unknown revision"
        r"|Remote branch [^\n]{1,100} not found|not a valid object name[^\n]{0,100}"
        r"|Needed a single revision|no merge base[^\n]{0,60})",
    ),
    _configuration(
        "git-not-a-repository",
        "The step uses git where nothing was checked out.",
        r"^fatal: not a git repository",
        certainty=Certainty.FAMILY,
    ),
    _configuration(
        "git-conflict",
        "The branches do not merge: {message}",
        r"^(?P<message>CONFLICT \([^)\n]{1,40}\): [^\n]{1,150})$",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
    ),
    _configuration(
        "git-identity",
        "The step commits, and no git user is configured.",
        r"^Author identity unknown|^\*\*\* Please tell me who you are|empty ident name",
    ),
    _configuration(
        "git-dubious-ownership",
        "git refuses the folder, which another user owns; `safe.directory` is not set.",
        r"^fatal: detected dubious ownership in repository",
        "git documentation, safe.directory",
    ),
    _configuration(
        "git-push-rejected",
        "A push was rejected: {message}",
        r"^ ! \[(?:remote )?rejected\] +(?P<message>[^\n]{1,150})",
        action=Action.EXPLAIN,
        blame=Blame.UNKNOWN,
    ),
    _configuration(
        "python-script-missing",
        "Python cannot open {file}: it does not exist.",
        r"can't open file '(?P<file>[^'\n]{1,250})': \[Errno 2\] No such file or directory",
    ),
    _configuration(
        "pip-requirements-missing",
        "pip cannot open {file}: it does not exist.",
        r"Could not open requirements file: \[Errno 2\] No such file or directory: '(?P<file>[^'\n]{1,200})'",
    ),
    _configuration(
        "pip-managed",
        "pip may not install into the system's Python; the step needs a virtual environment.",
        r"^error: externally-managed-environment",
        "Python packaging guide, externally managed environments",
    ),
    _configuration(
        "pytest-usage",
        "pytest was called wrongly: {message}",
        r"^(?:ERROR: |pytest: error: |__main__\.py: error: )(?P<message>unrecognized arguments: [^\n]{1,150}"
        r"|file or directory not found: [^\n]{1,150}|not found: [^\n]{1,150}"
        r"|ambiguous option: [^\n]{1,100})$",
        "pytest documentation, exit code 4",
    ),
    _configuration(
        "no-tests-found",
        "The test command found no tests.",
        r"^=+ (?:\d{1,6} deselected, )?no tests ran in |^No tests found, exiting with code 1"
        r"|^No test files found, exiting with code 1|^Error: No test files found|^NO TESTS RAN$",
        "pytest documentation, exit code 5; jest documentation, --passWithNoTests",
    ),
    _configuration(
        "eslint-no-configuration",
        "eslint finds no configuration it can use.",
        r"^ESLint couldn't find (?:an eslint\.config|a configuration file"
        r"|the (?:config|plugin) \"[^\"\n]{1,100}\")"
        r"|^Error: Failed to load (?:config|plugin) \"?[^\n]{1,100}",
        "ESLint documentation, configuration migration guide",
    ),
    _configuration(
        "tsconfig",
        "The TypeScript configuration is not usable: {message}",
        r"^(?:[\w./-]{1,150}\(\d{1,6},\d{1,6}\): )?error "
        r"(?P<message>TS(?:5\d{3}|6053|18003): [^\n]{1,200})",
        "TypeScript diagnostic messages, 5000 and on",
    ),
    _configuration(
        "npm-package-json",
        "package.json is missing or cannot be read.",
        r"^npm (?:ERR!|error) (?:enoent Could not read package\.json|code EJSONPARSE"
        r"|JSON\.parse Failed to parse)",
        "npm documentation, common errors",
    ),
    _configuration(
        "cargo-manifest",
        "Cargo cannot use the manifest: {message}",
        r"^error: (?P<message>could not find `Cargo\.toml` in [^\n]{1,200}"
        r"|failed to parse manifest at [^\n]{1,200}|no (?:bin|example|test|bench) target named [^\n]{1,100}"
        r"|package ID specification [^\n]{1,100} did not match any packages"
        rf"|{_REST}\n +--> Cargo\.toml:\d)",
    ),
    _configuration(
        "go-no-module",
        "The Go command runs where no module is: {message}",
        r"^(?:go: |pattern [^\n:]{1,80}: )(?P<message>go\.mod file not found in current directory[^\n]{0,80}"
        r"|directory prefix [^\n]{1,60} does not contain (?:main module|modules)[^\n]{0,80}"
        r"|cannot find main module[^\n]{0,80})",
        "Go modules reference",
    ),
    _configuration(
        "maven-project",
        "Maven cannot use the project: {message}",
        r"^\[(?:ERROR|FATAL)\] +(?P<message>No goals have been specified for this build"
        r"|Non-(?:readable|parseable) POM [^\n]{1,200}|Unknown lifecycle phase [^\n]{1,100}"
        r"|The goal you specified requires a project to execute[^\n]{0,80}"
        r"|No plugin found for prefix [^\n]{1,80}|Malformed POM [^\n]{1,150})",
        "Maven error pages",
    ),
    _configuration(
        "gradle-project",
        "Gradle cannot use the build: {message}",
        r"^(?P<message>(?:Task|Project|Configuration) '[^'\n]{1,100}' (?:with path '[^'\n]{1,100}' )?"
        r"not found in [^\n]{1,100}"
        r"|Could not compile (?:build|settings) file [^\n]{1,150}"
        r"|Directory [^\n]{1,150} does not contain a Gradle build|> Could not (?:set unknown property"
        r"|get unknown property|find method) [^\n]{1,150})",
        "Gradle documentation, troubleshooting builds",
    ),
    _configuration(
        "cmake-configuration",
        "CMake stops at {file}: {message}",
        r"^CMake Error at (?P<file>[\w./-]{1,200}):\d{1,6} \((?!message)\w{1,60}\):\n {2}"
        r"(?P<message>[^\n]{1,200})",
        "CMake documentation",
    ),
    _configuration(
        "rake-task",
        "Rake does not know the task: {message}",
        r"^Don't know how to build task '(?P<message>[^'\n]{1,100})'"
        r"|^(?P<message_2>No Rakefile found[^\n]{0,80})",
    ),
    _configuration(
        "gulp-task",
        "The task runner does not know the task: {message}",
        r"(?P<message>Task (?:never defined: |'[^'\n]{1,80}' is not in your gulpfile"
        r"|\"[^\"\n]{1,80}\" not found)"
        r"[^\n]{0,80})",
        "gulp and Grunt output",
    ),
    _configuration(
        "schema-invalid",
        "A file does not fit its schema: {message}",
        r"^Schema validation errors were encountered\.\n +(?P<message>[^\n]{1,250})",
    ),
    _configuration(
        "kubernetes-invalid",
        "A Kubernetes manifest is not valid: {message}",
        r"^error: (?P<message>error (?:parsing|validating) \"?[^\n]{1,250}|unable to recognize [^\n]{1,200})"
        r"|^(?P<message_2>[\w./-]{1,150} - \w{1,60} \S{1,100} is invalid: [^\n]{1,200})"
        r"|^[Ee]rror: (?P<message_3>unable to build kubernetes objects[^\n]{1,200}"
        r"|accumulating resources: [^\n]{1,250}|no matches for kind [^\n]{1,150})",
        "kubectl, kubeconform and kustomize output",
    ),
    _configuration(
        "terraform-plain",
        "Terraform reports in {file}: {message}",
        r"^Error: (?P<message>[^\n]{1,200})\n\s*\n {2}on (?P<file>[\w./-]{1,150}\.tf) line \d",
        "Terraform documentation, validate -no-color",
    ),
    _configuration(
        "mkdocs-strict",
        "MkDocs finds a problem and is set to be strict: {message}",
        r"^WARNING +-  (?P<message>[^\n]{1,250})",
        "MkDocs documentation, --strict",
        also=r"Aborted with \d{1,6} warnings in strict mode",
    ),
    _configuration(
        "tool-usage",
        "A tool does not know an option it is given: {message}",
        r"^(?:[\w.-]{1,60}: )?(?:error: )?(?P<message>(?:unrecognized arguments: "
        r"|unknown (?:shorthand )?flag: "
        r"|[Uu]nknown option:? |unrecognized option |invalid option -- |No such option: "
        r"|unexpected argument )[^\n]{1,120})",
        certainty=Certainty.GUESS,
    ),
)
