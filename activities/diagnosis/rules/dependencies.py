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
        name="poetry-no-lock",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="poetry.lock is missing.",
        pattern=r"^(?:Error: )?poetry\.lock (?:was not found|is missing)",
    ),
    Rule(
        name="pip-requirement",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A requirement cannot be used: {message}",
        pattern=r"^ERROR: (?P<message>Invalid requirement: [^\n]{1,150}"
        r"|Cannot install [^\n]{1,150} because these "
        r"package versions have conflicting dependencies|Failed building wheel for [^\n]{1,80}"
        r"|Could not build wheels for [^\n]{1,100}"
        r"|Package '[^'\n]{1,80}' requires a different Python: [^\n]{1,80}"
        r"|THESE PACKAGES DO NOT MATCH THE HASHES[^\n]{0,60}"
        r"|Hashes are required in --require-hashes mode[^\n]{0,60})"
        r"|^error: (?P<message_2>subprocess-exited-with-error|metadata-generation-failed)",
        source="pip documentation, dependency resolution",
    ),
    Rule(
        name="npm-integrity",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A package does not have the checksum that the lock file names.",
        pattern=r"^npm (?:ERR!|error) code EINTEGRITY|Integrity check failed|checksum mismatch"
        r"|computed checksums? did NOT match",
        certainty=Certainty.FAMILY,
    ),
    Rule(
        name="npm-engine",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A package does not support the installed Node.js: {message}",
        pattern=r"^npm (?:ERR!|error) (?P<message>code EBADENGINE)"
        r"|^error (?P<message_2>\S{1,100}: The engine \"node\" is incompatible[^\n]{0,120})"
        r"|(?P<message_3>ERR_PNPM_UNSUPPORTED_ENGINE[^\n]{0,80})",
        source="npm documentation, engines",
    ),
    Rule(
        name="pnpm-yarn-resolve",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Packages cannot be resolved: {message}",
        pattern=r"(?P<message>ERR_PNPM_(?:NO_MATCHING_VERSION|PEER_DEP_ISSUES|FETCH_404"
        r"|NO_LOCKFILE)[^\n]{0,120}"
        r"|Couldn't find (?:any versions for|package) \"[^\"\n]{1,100}\"[^\n]{0,80}"
        r"|YN00(?:28|82|16|35): [^\n]{1,120})",
        source="pnpm and Yarn error codes",
    ),
    Rule(
        name="bundle-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The bundle needs {module}, which cannot be found.",
        pattern=r"Module not found: (?:Error: )?Can't resolve '(?P<module>[^'\n]{1,150})'"
        r"|Rollup failed to resolve import \"(?P<module_2>[^\"\n]{1,150})\""
        r"|✘ \[ERROR\] Could not resolve \"(?P<module_3>[^\"\n]{1,150})\"",
        source="webpack, Vite and esbuild messages",
    ),
    Rule(
        name="cmake-package",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="CMake cannot find the package {name}.",
        pattern=r"^CMake Error at [^\n]{1,200}\((?:find_package|message"
        r"|_find_package)\):\n(?:[^\n]{0,200}\n){0,8}?"
        r" {2}Could (?:not find a package configuration file provided by \"(?P<name>[^\"\n]{1,80})\""
        r"|NOT find (?P<name_2>[\w+-]{1,80}))",
        source="CMake documentation, find_package",
    ),
    Rule(
        name="pkg-config",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A system library is missing: {message}",
        pattern=r"(?P<message>Package '?[\w.+-]{1,80}'?,? (?:was not found in the pkg-config search path"
        r"|required by '[^'\n]{1,80}', not found)|configure: error: [^\n]{0,100}(?:not found|missing"
        r"|required)[^\n]{0,80}"
        r"|The system library `[^`\n]{1,80}` required by crate `[^`\n]{1,80}` was not found)",
        certainty=Certainty.FAMILY,
        source="pkg-config manual",
    ),
    Rule(
        name="shared-library",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="A program lacks the shared library {name}.",
        pattern=r"error while loading shared libraries: (?P<name>[^\s:]{1,100}"
        r"): cannot open shared object file"
        r"|ImportError: (?P<name_2>[\w.+-]{1,100}): cannot open shared object file",
        source="ld.so(8)",
    ),
    Rule(
        name="ruby-load",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Ruby cannot load {module}.",
        pattern=r"cannot load such file -- (?P<module>[^\s(]{1,150}) \(LoadError\)",
    ),
    Rule(
        name="bundler-frozen",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Gemfile.lock does not match the Gemfile.",
        pattern=r"The dependencies in your gemfile changed|frozen mode is set, but"
        r"|in deployment mode after changing"
        r"|Your lockfile (?:does not satisfy|needs to be updated)[^\n]{0,60}Gemfile"
        r"|Your bundle only supports platforms",
        source="Bundler documentation, deployment",
    ),
    Rule(
        name="perl-module",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Perl cannot find the module {module}.",
        pattern=r"^Can't locate \S{1,150}\.pm in @INC \(you may need to install the (?P<module>[\w:]{1,100}"
        r") module",
    ),
    Rule(
        name="php-autoload",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="PHP cannot open {file}; the Composer packages are not installed.",
        pattern=r"Failed opening required '(?P<file>[^'\n]{1,200}vendor/[^'\n]{1,100})'",
    ),
    Rule(
        name="gradle-resolution",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Gradle cannot resolve a dependency: {message}",
        pattern=r"^> (?P<message>Could not resolve all (?:files|artifacts|dependencies"
        r"|task dependencies) for "
        r"configuration '[^'\n]{1,100}')",
        source="Gradle documentation, dependency resolution",
    ),
    Rule(
        name="conda",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="conda cannot solve the environment: {message}",
        pattern=r"(?P<message>(?:PackagesNotFoundError|ResolvePackageNotFound|UnsatisfiableError"
        r"|LibMambaUnsatisfiableError)[^\n]{0,120})",
        source="conda documentation, troubleshooting",
    ),
    Rule(
        name="swift-package",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The Swift packages cannot be resolved: {message}",
        pattern=r"^error: (?P<message>Dependencies could not be resolved because[^\n]{0,150}"
        r"|no such module '[^'\n]{1,80}')",
        source="Swift package manager messages",
    ),
    Rule(
        name="mix-dependency",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The Elixir dependencies do not fit: {message}",
        pattern=r"\*\* \(Mix\) (?P<message>Can't continue due to errors on dependencies"
        r"|Hex dependency resolution failed[^\n]{0,80}|Your mix\.lock is out of date[^\n]{0,80})",
        source="Mix documentation",
    ),
    Rule(
        name="pub",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The Dart packages cannot be resolved: {message}",
        pattern=r"^(?P<message>Because [^\n]{1,200}, version solving failed\.)",
        source="Dart documentation, version solving",
    ),
    Rule(
        name="terraform-provider",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Terraform's providers do not fit the lock file or cannot be found: {message}",
        pattern=r"Error: (?P<message>Inconsistent dependency lock file"
        r"|Failed to query available provider packages"
        r"|Failed to install provider|Required plugins are not installed)",
        source="Terraform documentation, dependency lock file",
    ),
    Rule(
        name="helm-dependency",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="The chart's dependencies are not there: {message}",
        pattern=r"^Error: (?P<message>(?:no repository definition for"
        r"|found in Chart\.yaml, but missing in charts/"
        r"|An error occurred while checking for chart dependencies"
        r"|the lock file \(Chart\.lock\) is out of sync"
        r"|no cached repo found)[^\n]{0,150})",
        source="Helm documentation, helm dependency",
    ),
    Rule(
        name="apt-package",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="apt cannot find the package {name}.",
        pattern=r"^E: Unable to locate package (?P<name>\S{1,100})|^E: Package '"
        r"(?P<name_2>[^'\n]{1,100})' has no installation candidate"
        r"|^E: Version '[^'\n]{1,60}' for '(?P<name_3>[^'\n]{1,100})' was not found",
        source="apt output",
    ),
    Rule(
        name="brew-package",
        failure_class=FailureClass.DEPENDENCY,
        root_cause="Homebrew has no formula of that name: {message}",
        pattern=r"^(?:Error|Warning): (?P<message>No available formula[^\n]{1,150})",
        source="Homebrew output",
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
        pattern=r"(?:^|\bError(?: \[\w+\])?: )Cannot find (?:module|package) '(?P<module>[^'\n]{1,150})'",
        certainty=Certainty.FAMILY,
    ),
)
