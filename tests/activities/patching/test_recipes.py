"""One failing sample per row of the table, repaired by the real tool."""

from collections.abc import Awaitable, Callable

import pytest

from activities.patching.recipe import FixCommand, Recipe
from activities.patching.recipes import RECIPES, fix_command_for
from activities.patching.sandbox import Sandbox
from recipe_samples import SAMPLES
from workflows.models import FailureClass, PatchRequest, ProofState, Proposal, Strategy, TriagePolicy


def test_every_row_has_a_sample() -> None:
    assert set(SAMPLES) == {recipe.name for recipe in RECIPES if recipe.exercised}


@pytest.mark.parametrize("row", [row for row in RECIPES if row.exercised], ids=lambda row: row.name)
async def test_the_row_repairs_its_sample(
    row: Recipe,
    sandbox: Sandbox,
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
) -> None:
    if isinstance(row.repair, FixCommand) and not all(map(sandbox.has, row.repair.programs)):
        pytest.skip(f"{' and '.join(row.repair.programs)} cannot be installed here")
    sample = SAMPLES[row.name]
    proposal = await propose(
        request_for(
            sample.files,
            sample.command,
            failure_class=sample.failure_class,
            permission=sample.permission,
            log=sample.log,
        )
    )
    assert proposal.recipe == row.name, proposal.summary
    assert proposal.strategy is Strategy.RECIPE
    assert proposal.proof.state is sample.state
    changed = [
        line for line in proposal.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    assert set(sample.lines) <= set(changed)
    assert (proposal.additions, proposal.deletions) == (
        sum(line.startswith("+") for line in changed),
        sum(line.startswith("-") for line in changed),
    )
    assert all(row.may_touch(path) for path in proposal.files)
    if sample.state is ProofState.PROVED:
        assert proposal.proof.exit_before
        assert proposal.proof.exit_after == 0


@pytest.mark.parametrize(
    ("command", "check", "repair"),
    [
        ("ruff check", "ruff check --no-fix", "ruff check --fix --no-unsafe-fixes"),
        (
            "ruff check --fix --unsafe-fixes --select I --output-format github -o out src",
            "ruff check --no-fix --unsafe-fixes --select I --output-format github src",
            "ruff check --fix --no-unsafe-fixes --select I src",
        ),
        ("ruff check --no-fix src", "ruff check --no-fix src", "ruff check --fix --no-unsafe-fixes src"),
        ("ruff format --diff a b", "ruff format --diff a b", "ruff format a b"),
        ("ruff format --exit-non-zero-on-format a", "ruff format --check a", "ruff format a"),
        ("black . --check -l 100", "black . --check -l 100", "black . -l 100"),
        ("isort -c --df .", "isort -c --df .", "isort ."),
        ("cargo fmt -- --check", "cargo fmt -- --check", "cargo fmt"),
        (
            "cargo fmt --all --check -- --config x=1",
            "cargo fmt --all --check -- --config x=1",
            "cargo fmt --all -- --config x=1",
        ),
        ("cargo +nightly fmt --check", "cargo +nightly fmt --check", "cargo +nightly fmt"),
        (
            "cargo clippy --workspace -- -D warnings",
            "cargo clippy --workspace -- -D warnings",
            "cargo clippy --fix --allow-dirty --allow-staged --allow-no-vcs --workspace -- -D warnings",
        ),
        ("prettier -c src", "prettier -c src", "prettier --write src"),
        ("gofmt -l .", "gofmt -l .", "gofmt -w ."),
        ("gofumpt -d .", "gofumpt -d .", "gofumpt -w ."),
        ("goimports -l cmd", "goimports -l cmd", "goimports -w cmd"),
        ("golangci-lint run ./...", "golangci-lint run ./...", "golangci-lint run --fix ./..."),
        ("golangci-lint fmt --diff", "golangci-lint fmt --diff", "golangci-lint fmt"),
        ("tofu fmt -check -recursive", "tofu fmt -check -recursive", "tofu fmt -recursive"),
        ("rubocop --parallel", "rubocop --parallel", "rubocop --autocorrect --parallel"),
        (
            "php-cs-fixer fix --dry-run --diff src",
            "php-cs-fixer fix --dry-run --diff src",
            "php-cs-fixer fix src",
        ),
        ("phpcs --standard=PSR12 src", "phpcs --standard=PSR12 src", "phpcbf --standard=PSR12 src"),
        ("ktlint src/**", "ktlint src/**", "ktlint --format src/**"),
        (
            "google-java-format --dry-run --set-exit-if-changed A.java",
            "google-java-format --dry-run --set-exit-if-changed A.java",
            "google-java-format --replace A.java",
        ),
        ("./gradlew spotlessCheck", "./gradlew spotlessCheck", "./gradlew spotlessApply"),
        ("mvn -B spotless:check", "mvn -B spotless:check", "mvn -B spotless:apply"),
        ("dotnet format --verify-no-changes", "dotnet format --verify-no-changes", "dotnet format"),
        ("poetry lock --check", "poetry lock --check", "poetry lock"),
        ("pdm lock --check", "pdm lock --check", "pdm lock"),
        (
            "pnpm install --frozen-lockfile",
            "pnpm install --offline --frozen-lockfile",
            "pnpm install --lockfile-only --offline",
        ),
        ("swiftlint lint --strict", "swiftlint lint --strict", "swiftlint --fix --strict"),
        ("pint --test", "pint --test", "pint"),
        ("nixpkgs-fmt --check .", "nixpkgs-fmt --check .", "nixpkgs-fmt ."),
        ("alejandra --check .", "alejandra --check .", "alejandra ."),
        ("scalafmt --check", "scalafmt --check", "scalafmt"),
        ("elm-format --validate src", "elm-format --validate src", "elm-format --yes src"),
        ("ocamlformat --check a.ml", "ocamlformat --check a.ml", "ocamlformat --inplace a.ml"),
        ("ormolu --mode check a.hs", "ormolu --mode check a.hs", "ormolu --mode=inplace a.hs"),
        ("fourmolu -m check src", "fourmolu -m check src", "fourmolu --mode=inplace src"),
        ("dprint check", "dprint check", "dprint fmt"),
        ("swiftformat --lint .", "swiftformat --lint .", "swiftformat ."),
        ("stylua --check .", "stylua --check .", "stylua ."),
        ("mix format --check-formatted", "mix format --check-formatted", "mix format"),
        (
            "dart format -o none --set-exit-if-changed .",
            "dart format -o none --set-exit-if-changed .",
            "dart format .",
        ),
        ("zig fmt --check .", "zig fmt --check .", "zig fmt ."),
        ("sbt scalafmtCheckAll scalafmtSbtCheck", None, "sbt scalafmtAll scalafmtSbt"),
        ("./gradlew lintKotlin", None, "./gradlew formatKotlin"),
        ("mvn fmt:check", None, "mvn fmt:format"),
        ("standardrb --format github lib", None, "standardrb --fix lib"),
        ("erb_lint --lint-all", None, "erb_lint --autocorrect --lint-all"),
        ("erblint app", None, "erblint --autocorrect app"),
        ("rufo --check lib", None, "rufo lib"),
        ("ecs check src", None, "ecs check --fix src"),
        ("rector process --dry-run src", None, "rector process src"),
        ("csharpier check .", None, "csharpier format ."),
        ("swift format lint -s -r .", None, "swift format format --in-place -r ."),
        ("nixfmt --check a.nix", None, "nixfmt a.nix"),
        ("dune build @fmt", None, "dune fmt"),
        ("gleam format --check src", None, "gleam format src"),
        ("packer fmt -check .", None, "packer fmt ."),
        ("just --fmt --check --unstable", "just --check --fmt --unstable", "just --fmt --unstable"),
        ("cargo sort --check", "cargo sort --check", "cargo sort"),
        ("prettier --list-different src", "prettier --list-different src", "prettier --write src"),
    ],
)
def test_paths_and_options_of_the_check_are_kept(command: str, check: str | None, repair: str) -> None:
    found = fix_command_for(command.split(), FailureClass.UNKNOWN)
    assert found is not None
    assert found[1].check_argv(command.split()) == (check or command).split()
    assert found[1].repair_argv(command.split()) == repair.split()


async def test_generated_files_that_were_not_committed_are_generated(
    request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    files = {"generate.sh": "#!/bin/sh\necho 2 > out.txt\n", "out.txt": "1\n"}
    proposal = await propose(request_for(files, "sh generate.sh && git diff --exit-code"))
    assert (proposal.recipe, proposal.proof.state) == ("regenerate", ProofState.PROVED)
    assert proposal.files == ("out.txt",)


async def test_what_is_generated_otherwise_each_time_is_dropped(
    request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    files = {"generate.sh": "#!/bin/sh\ndate +%N > out.txt\n", "out.txt": "1\n"}
    proposal = await propose(request_for(files, "sh generate.sh\ngit diff --exit-code"))
    assert not proposal.diff
    assert "each time" in proposal.summary


@pytest.mark.parametrize(
    ("files", "log"),
    [
        ({"app.py": "import os_utils\n"}, "ModuleNotFoundError: No module named 'os_utils'"),
        ({"app/yaml.py": "", "requirements.txt": "x\n"}, "ModuleNotFoundError: No module named 'yaml'"),
        ({"requirements.txt": "PyYAML\n"}, "ModuleNotFoundError: No module named 'yaml'"),
        ({"package.json": "{}\n"}, "Error: Cannot find module 'left-pad'"),
        (
            {"a/Chart.yaml": "version: 1.0.0\n", "b/Chart.yaml": "version: 1.0.0\n"},
            "tag already exists: chart",
        ),
        ({"conf.yaml": "a: [\n"}, 'mapping values are not allowed here\n  in "conf.yaml", line 1, column 2'),
        ({"data.bin": "x\n"}, "./data.bin: Permission denied"),
        ({"x": "x\n"}, "/etc/shadow: Permission denied"),
        ({"docs/a.md": "x\n"}, "cat: docs/b.md: No such file or directory"),
        (
            {"a.j2": "{% for x in y %}{% if z %}\n"},
            "a.j2: The innermost block that needs to be closed is 'if'",
        ),
        (
            {"a.hbs": "{{#if a}}\n{{#each b}}\nx\n{{/if}}\n{{/each}}\n"},
            "a.hbs\nError: each doesn't match if - 2:3",
        ),
    ],
)
async def test_what_the_log_does_not_tell_for_certain_is_not_edited(
    request_for: Callable[..., PatchRequest],
    propose: Callable[..., Awaitable[Proposal]],
    files: dict[str, str],
    log: str,
) -> None:
    assert not (await propose(request_for(files, None, failure_class=FailureClass.UNKNOWN, log=log))).diff


@pytest.mark.parametrize(
    "command",
    [
        "ruff check --exit-zero .",
        "ruff check --add-noqa .",
        "ruff format .",
        "ruff",
        "ruff rule E501",
        "black .",
        "black -c code --check",
        "isort .",
        "cargo",
        "cargo +nightly",
        "cargo test",
        "cargo fmt",
        "prettier --write .",
        "pytest",
        "pip install ruff",
    ],
)
def test_what_is_no_check_is_left_alone(command: str) -> None:
    assert fix_command_for(command.split(), FailureClass.UNKNOWN) is None


@pytest.mark.parametrize(
    "failure_class", [FailureClass.UNIT_TEST, FailureClass.INFRASTRUCTURE, FailureClass.TIMEOUT]
)
def test_a_row_keeps_to_its_diagnoses(failure_class: FailureClass) -> None:
    assert fix_command_for(["ruff", "check"], failure_class) is None


async def test_a_lock_file_that_needs_a_registry_says_so(
    request_for: Callable[..., PatchRequest], propose: Callable[..., Awaitable[Proposal]]
) -> None:
    files = {
        "pyproject.toml": (
            '[project]\nname = "app"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = ["six"]\n'
        ),
        "uv.lock": (
            'version = 1\nrequires-python = ">=3.11"\n\n'
            '[[package]]\nname = "app"\nversion = "0.1.0"\nsource = { virtual = "." }\n'
        ),
    }
    proposal = await propose(request_for(files, "uv lock --check", failure_class=FailureClass.DEPENDENCY))
    assert proposal.diff == ""
    assert "must be asked of a registry" in proposal.summary


def test_a_recipe_that_the_repository_forbids_is_not_used() -> None:
    check = ["ruff", "check", "."]
    found = fix_command_for(check, FailureClass.LINT, TriagePolicy(recipes=("ruff-*",)))
    assert found is not None
    assert fix_command_for(check, FailureClass.LINT, TriagePolicy(recipes=("isort", "cargo-*"))) is None
