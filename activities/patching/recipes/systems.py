"""Formatters and linters of compiled languages, shells and infrastructure."""

from typing import Final

from activities.patching.recipe import STYLE, Finds, FixCommand, Recipe, Rewrite, options

_GO: Final = ("*.go",)
_SHELL: Final = ("*.sh", "*.bash", "*.bats", "*.ksh", "*.zsh", "*")
"""Scripts are often named without a suffix."""
_C: Final = tuple(f"*.{suffix}" for suffix in ("c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "m", "mm"))
_CLANG: Final = (*_C, "*.cu", "*.cuh", "*.proto", "*.java", "*.js", "*.ts", "*.cs", "*.inl")
_RUBY: Final = ("*.rb", "*.rake", "*.gemspec", "*.ru", "Gemfile", "Rakefile")
_TERRAFORM: Final = ("*.tf", "*.tfvars", "*.tftest.hcl")
_JAVA: Final = ("*.java", "*.kt", "*.kts", "*.groovy", "*.scala")
_SPOTLESS: Final = (*_JAVA, "*.gradle", "*.xml", "*.json", "*.md", "*.yml", "*.yaml", "*.sql", "*.ts", "*.js")


def _formatter(
    name: str,
    touches: tuple[str, ...],
    *,
    tool: str = "",
    subcommand: str = "",
    marks: str = "",
    drops: str = "",
    adds: str = "",
    prints: str = "",
    finds: Finds = Finds.EXIT,
    exercised: bool = False,
) -> Recipe:
    """A formatter that checks when told to, and writes else."""
    return Recipe(
        name=name,
        failure_classes=STYLE,
        touches=touches,
        repair=FixCommand(
            tool=tool or name,
            subcommand=subcommand,
            marks=frozenset(options(marks)),
            finds=finds,
            names_files=True,
            prints=frozenset(options(prints)),
            repair=Rewrite(drops=options(marks) | options(drops), adds=tuple(adds.split())),
        ),
        summary=f"Formatted with {name}.",
        exercised=exercised,
    )


def _becoming(
    name: str,
    touches: tuple[str, ...],
    check: str,
    repair: str,
    *,
    drops: str = "",
    exercised: bool = False,
) -> Recipe:
    """A command that always checks, and the one that repairs."""
    tool, _, subcommand = check.partition(" ")
    return Recipe(
        name=name,
        failure_classes=STYLE,
        touches=touches,
        repair=FixCommand(
            tool=tool,
            subcommand=subcommand,
            names_files=True,
            becomes=tuple(repair.split()),
            repair=Rewrite(drops=options(drops)),
        ),
        summary=f"Applied the fixes of {tool}.",
        exercised=exercised,
    )


_BUILD_GOALS: Final = {
    "spotlessCheck": "spotlessApply",
    "spotless:check": "spotless:apply",
    "ktlintCheck": "ktlintFormat",
    "lintKotlin": "formatKotlin",
    "ktfmtCheck": "ktfmtFormat",
    "fmt:check": "fmt:format",
    "formatter:validate": "formatter:format",
    "sortpom:verify": "sortpom:sort",
    "scalafmtCheck": "scalafmt",
    "scalafmtCheckAll": "scalafmtAll",
    "scalafmtSbtCheck": "scalafmtSbt",
}
"""Goals and tasks of builds that check, and those that repair."""


def _spotless(tool: str) -> Recipe:
    return Recipe(
        name=f"spotless-{tool.removeprefix('./')}",
        failure_classes=STYLE,
        touches=_SPOTLESS,
        repair=FixCommand(
            tool=tool,
            marks=frozenset(_BUILD_GOALS),
            repair=Rewrite(swaps=_BUILD_GOALS),
        ),
        summary="Formatted with the build's own formatter.",
        exercised=False,
    )


SYSTEMS: Final[tuple[Recipe, ...]] = (
    _formatter("gofmt", _GO, marks="-l -d", adds="-w", prints="-d", finds=Finds.OUTPUT, exercised=True),
    _formatter("gofumpt", _GO, marks="-l -d", adds="-w", prints="-d", finds=Finds.OUTPUT),
    _formatter("goimports", _GO, marks="-l -d", adds="-w", prints="-d", finds=Finds.OUTPUT, exercised=True),
    Recipe(
        name="golangci-lint",
        failure_classes=STYLE,
        touches=_GO,
        repair=FixCommand(
            tool="golangci-lint",
            subcommand="run",
            forbids=frozenset({"--issues-exit-code"}),
            check=Rewrite(drops=options("--fix")),
            repair=Rewrite(drops=options("--fix --out-format=1"), adds=("--fix",)),
        ),
        summary="Applied golangci-lint's fixes.",
        exercised=False,
    ),
    _formatter(
        "golangci-lint-fmt",
        _GO,
        tool="golangci-lint",
        subcommand="fmt",
        marks="--diff -d",
        prints="--diff -d",
    ),
    _formatter(
        "terraform-fmt",
        _TERRAFORM,
        tool="terraform",
        subcommand="fmt",
        marks="-check -diff",
        drops="-write",
        prints="-diff",
        exercised=True,
    ),
    _formatter(
        "tofu-fmt",
        _TERRAFORM,
        tool="tofu",
        subcommand="fmt",
        marks="-check -diff",
        drops="-write",
        prints="-diff",
    ),
    _formatter(
        "packer-fmt",
        ("*.pkr.hcl", "*.pkrvars.hcl"),
        tool="packer",
        subcommand="fmt",
        marks="-check -diff",
        prints="-diff",
    ),
    _formatter(
        "shfmt",
        _SHELL,
        marks="-d --diff -l --list",
        adds="-w",
        prints="-d --diff",
        finds=Finds.OUTPUT,
        exercised=True,
    ),
    Recipe(
        name="shellcheck",
        failure_classes=STYLE,
        touches=_SHELL,
        repair=FixCommand(
            tool="shellcheck",
            repair=Rewrite(drops=options("--format=1 -f=1 --color=1 -C=1"), adds=("--format=diff",)),
            gives_patch=True,
        ),
        summary="Applied shellcheck's own suggestions.",
    ),
    _formatter(
        "clang-format", _CLANG, marks="--dry-run -n", drops="--Werror -Werror", adds="-i", exercised=True
    ),
    _formatter(
        "gersemi",
        ("CMakeLists.txt", "*.cmake"),
        marks="--check -c",
        drops="--diff",
        adds="-i",
        prints="--diff",
        exercised=True,
    ),
    Recipe(
        name="rubocop",
        failure_classes=STYLE,
        touches=_RUBY,
        repair=FixCommand(
            tool="rubocop",
            forbids=frozenset({"--auto-gen-config"}),
            check=Rewrite(drops=options("-a -A --autocorrect --autocorrect-all --auto-correct")),
            repair=Rewrite(
                drops=options("-a -A --autocorrect --autocorrect-all --format=1 -f=1 --out=1 -o=1"),
                adds=("--autocorrect",),
            ),
        ),
        summary="Applied RuboCop's safe corrections.",
    ),
    _becoming("standardrb", _RUBY, "standardrb", "standardrb --fix", drops="--fix --no-fix --format=1 -f=1"),
    _becoming("erblint", ("*.erb",), "erblint", "erblint --autocorrect", drops="--format=1"),
    _becoming("erb_lint", ("*.erb",), "erb_lint", "erb_lint --autocorrect", drops="--format=1"),
    _formatter("rufo", _RUBY, marks="--check -c"),
    _formatter(
        "php-cs-fixer",
        ("*.php",),
        subcommand="fix",
        marks="--dry-run",
        drops="--diff --format=1",
        exercised=True,
    ),
    _becoming(
        "php-cs-fixer-check",
        ("*.php",),
        "php-cs-fixer check",
        "php-cs-fixer fix",
        drops="--diff --format=1",
        exercised=True,
    ),
    _becoming("ecs", ("*.php",), "ecs check", "ecs check --fix", drops="--fix"),
    _formatter("rector", ("*.php",), subcommand="process", marks="--dry-run -n", drops="--output-format=1"),
    Recipe(
        name="phpcs",
        failure_classes=STYLE,
        touches=("*.php",),
        repair=FixCommand(tool="phpcs", becomes=("phpcbf",), repair=Rewrite(drops=options("--report=1 -s"))),
        summary="Applied phpcbf's fixes.",
    ),
    Recipe(
        name="ktlint",
        failure_classes=STYLE,
        touches=("*.kt", "*.kts"),
        repair=FixCommand(
            tool="ktlint",
            check=Rewrite(drops=options("-F --format")),
            repair=Rewrite(drops=options("-F --format --reporter=1"), adds=("--format",)),
        ),
        summary="Formatted with ktlint.",
    ),
    _formatter(
        "google-java-format",
        ("*.java",),
        marks="--dry-run -n --set-exit-if-changed",
        adds="--replace",
        exercised=True,
    ),
    *(_spotless(tool) for tool in ("./gradlew", "gradle", "./mvnw", "mvn", "sbt")),
    _becoming("csharpier", ("*.cs", "*.csx", "*.xml", "*.csproj"), "csharpier check", "csharpier format"),
    _formatter(
        "dotnet-format",
        ("*.cs", "*.vb", "*.fs"),
        tool="dotnet",
        subcommand="format",
        marks="--verify-no-changes",
    ),
    _formatter(
        "buf-format",
        ("*.proto",),
        tool="buf",
        subcommand="format",
        marks="--exit-code -d --diff",
        adds="-w",
        prints="-d --diff",
        exercised=True,
    ),
    Recipe(
        name="buildifier",
        failure_classes=STYLE,
        touches=("BUILD", "BUILD.bazel", "WORKSPACE", "WORKSPACE.bazel", "MODULE.bazel", "*.bzl", "*.BUILD"),
        repair=FixCommand(
            tool="buildifier",
            marks=frozenset({"-mode", "--mode", "-lint", "--lint", "-d"}),
            names_files=True,
            repair=Rewrite(
                drops=options("-mode --mode -lint --lint -d -v -format --format"),
                adds=("-mode=fix", "-lint=fix"),
            ),
        ),
        summary="Formatted with buildifier.",
    ),
    _becoming(
        "swift-format",
        ("*.swift",),
        "swift format lint",
        "swift format format --in-place",
        drops="--strict -s",
    ),
    _formatter("swiftformat", ("*.swift",), marks="--lint"),
    Recipe(
        name="swiftlint",
        failure_classes=STYLE,
        touches=("*.swift",),
        repair=FixCommand(
            tool="swiftlint",
            check=Rewrite(drops=options("--fix --autocorrect")),
            repair=Rewrite(only=options("--config=1 --path=1 --strict"), adds=("--fix",)),
        ),
        summary="Applied SwiftLint's corrections.",
        exercised=False,
    ),
    _formatter("pint", ("*.php",), marks="--test", drops="-v"),
    _formatter("nixpkgs-fmt", ("*.nix",), marks="--check"),
    _formatter("nixfmt", ("*.nix",), marks="--check -c"),
    _formatter("alejandra", ("*.nix",), marks="--check -c"),
    _formatter("scalafmt", ("*.scala", "*.sbt"), marks="--check --test"),
    _formatter("elm-format", ("*.elm",), marks="--validate", adds="--yes", exercised=True),
    _becoming("dune-fmt", ("*.ml", "*.mli", "dune", "dune-project"), "dune build @fmt", "dune fmt"),
    _formatter("ocamlformat", ("*.ml", "*.mli"), marks="--check", adds="--inplace"),
    _formatter("ormolu", ("*.hs",), marks="--mode=1 -m=1", adds="--mode=inplace", exercised=True),
    _formatter("fourmolu", ("*.hs",), marks="--mode=1 -m=1", adds="--mode=inplace"),
    _formatter("stylua", ("*.lua",), marks="--check -c", exercised=True),
    _formatter(
        "mix-format",
        ("*.ex", "*.exs"),
        tool="mix",
        subcommand="format",
        marks="--check-formatted",
        exercised=True,
    ),
    _formatter(
        "dart-format",
        ("*.dart",),
        tool="dart",
        subcommand="format",
        marks="--set-exit-if-changed",
        drops="-o=1 --output=1",
    ),
    _formatter("gleam-format", ("*.gleam",), tool="gleam", subcommand="format", marks="--check"),
    _formatter("zig-fmt", ("*.zig",), tool="zig", subcommand="fmt", marks="--check", exercised=True),
)
