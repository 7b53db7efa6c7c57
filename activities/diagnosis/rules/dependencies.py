"""What package managers print."""

from typing import Final

from activities.diagnosis.rule import Certainty, Rule
from workflows.models import FailureClass

DEPENDENCIES: Final[tuple[Rule, ...]] = (
    Rule(
        name="npm-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="package-lock.json does not match package.json.",
        pattern=r"`npm ci` can only install packages when your package\.json and package-lock\.json"
        r"|The `npm ci` command can only install with an existing package-lock\.json",
    ),
    Rule(
        name="npm-resolve",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="npm cannot resolve the dependencies: {message}",
        pattern=r"^npm (?:ERR!|error) (?P<message>(?:code (?:ERESOLVE|ETARGET|E404|ENOTFOUND_PACKAGE)"
        r"|notarget|404)[^\n]{0,150})",
    ),
    Rule(
        name="yarn-pnpm-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The lock file does not match package.json.",
        pattern=r"Your lockfile needs to be updated|The lockfile would have been modified by this install"
        r"|ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"
        r"|lockfile had changes, but lockfile is frozen",
    ),
    Rule(
        name="npm-script",
        failure_class=FailureClass.CONFIGURATION,
        root_cause="package.json has no script {name}.",
        pattern=r"^npm (?:ERR!|error) Missing script: \"?(?P<name>[\w:.-]{1,100})",
    ),
    Rule(
        name="uv-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="uv.lock does not match pyproject.toml or cannot be read.",
        pattern=r"The lockfile at `uv\.lock` needs to be updated|Failed to parse `uv\.lock`"
        r"|Unable to find lockfile at `uv\.lock`",
    ),
    Rule(
        name="poetry-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="poetry.lock does not match pyproject.toml.",
        pattern=r"poetry\.lock is not up to date|pyproject\.toml changed significantly since poetry\.lock",
    ),
    Rule(
        name="pip-resolve",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Python packages cannot be resolved: {message}",
        pattern=r"(?P<message>No matching distribution found for [^\n]{1,120}"
        r"|ResolutionImpossible[^\n]{0,100}"
        r"|Could not find a version that satisfies the requirement [^\n]{1,120}"
        r"|No solution found when resolving dependencies)",
    ),
    Rule(
        name="cargo-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Cargo.lock does not match Cargo.toml.",
        pattern=r"^error: the lock file [^\n]{1,200} needs to be updated but --(?:locked|frozen)"
        r"|^error: cannot (?:update|create) the lock file [^\n]{1,200} because --(?:locked|frozen)",
    ),
    Rule(
        name="cargo-dependency",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Cargo cannot get a dependency: {message}",
        pattern=r"^error: (?P<message>failed to (?:get|select a version for) [^\n]{1,150}"
        r"|no matching package (?:named )?[^\n]{1,150})",
    ),
    Rule(
        name="bundler",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Bundler cannot resolve the gems: {message}",
        pattern=r"(?P<message>Could not find gem [^\n]{1,120}"
        r"|Bundler could not find compatible versions[^\n]{0,100}"
        r"|Could not find \S{1,80} in (?:any of the sources|locally installed gems)"
        r"|The gemspecs for path gems changed)",
    ),
    Rule(
        name="composer",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Composer cannot resolve the packages.",
        pattern=r"Your requirements could not be resolved to an installable set of packages"
        r"|The lock file is not up to date with the latest changes in composer\.json",
    ),
    Rule(
        name="maven-dependency",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Maven or Gradle cannot resolve a dependency: {message}",
        pattern=r"(?P<message>Could not resolve dependencies for project [^\n]{1,120}"
        r"|Could not find artifact [^\n]{1,120}|> Could not (?:find"
        r"|resolve) [\w.-]{1,80}:[^\n]{1,100})",
    ),
    Rule(
        name="nuget",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="NuGet cannot restore a package: {message}",
        pattern=r"error (?P<message>NU1\d{3}: [^\n]{1,150})",
    ),
    Rule(
        name="python-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The Python module {module} is not installed.",
        pattern=r"^ModuleNotFoundError: No module named '(?P<module>[\w.]{1,100})'",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="node-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The JavaScript module {module} cannot be found.",
        pattern=r"^(?:\w*Error(?: \[\w+\])?: )?Cannot find (?:module|package) '(?P<module>[^'\n]{1,150})'",
        certainty=Certainty.FAMILY,
    ),
)
