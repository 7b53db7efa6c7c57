from dataclasses import dataclass, field

import pytest

from activities.publishing.gate.files import Base
from activities.publishing.gate.judging import judge
from activities.publishing.gate.lines import CODE_RULES, COMMENT_RULES
from activities.publishing.gate.paths import PATH_RULES, glob
from activities.publishing.gate.places import FILE_RULES
from activities.publishing.patch import BaseFile
from workflows.models import Diagnosis, FailureClass, GateDecision, GateVerdict, Limits, TriagePolicy

ALLOWED, APPROVAL, REFUSED = GateDecision.ALLOWED, GateDecision.NEEDS_APPROVAL, GateDecision.REFUSED


def change(path: str, removed: list[str], added: list[str], mode: str = "") -> str:
    index = f"diff --git a/{path} b/{path}\nindex 1111111..2222222 {mode}\n" if mode else ""
    body = "".join(f"-{line}\n" for line in removed) + "".join(f"+{line}\n" for line in added)
    return f"{index}--- a/{path}\n+++ b/{path}\n@@ -1,{len(removed)} +1,{len(added)} @@\n{body}"


def creation(path: str, added: list[str], mode: str = "100644") -> str:
    body = "".join(f"+{line}\n" for line in added)
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(added)} @@\n{body}"
    )


def base(files: dict[str, str], **more: str) -> Base:
    modes = dict.fromkeys(files, "100644")
    for path in files:
        for depth in range(1, path.count("/") + 1):
            modes["/".join(path.split("/")[:depth])] = "040000"
    contents = {path: BaseFile("100644", content.encode()) for path, content in files.items()}
    return Base(modes={**modes, **more}, files=contents)


def verdict_of(
    diff: str,
    on: Base,
    failure: FailureClass = FailureClass.LINT,
    limits: Limits | None = None,
    protected: tuple[str, ...] = (),
) -> GateVerdict:
    diagnosis = Diagnosis(failure_class=failure, root_cause="x")
    return judge(diff, on, diagnosis, limits or Limits(), TriagePolicy(protected_paths=protected))


def changed(
    path: str, failure: FailureClass = FailureClass.LINT, protected: tuple[str, ...] = ()
) -> GateDecision:
    old, new = CONTENTS.get(path, ("a", "b"))
    return verdict_of(
        change(path, [old], [new]), base({path: f"{old}\n"}), failure, protected=protected
    ).decision


CONTENTS = {
    "package.json": ('{"dependencies": {"left-pad": "1"}}', '{"dependencies": {"left-pad": "2"}}'),
    "uv.lock": ("version = 1", "version = 2"),
}


@pytest.mark.parametrize(
    ("path", "decision"),
    [
        ("src/app.py", ALLOWED),
        ("README.md", ALLOWED),
        ("a b/ü.py", ALLOWED),
        ("src/git/x.py", ALLOWED),
        ("docs/.gitkeep", ALLOWED),
        ("../x", REFUSED),
        ("a/../../x", REFUSED),
        ("a//x", REFUSED),
        ("./x", REFUSED),
        ("/etc/passwd", REFUSED),
        ("C:/x", REFUSED),
        ("a\\..\\x", REFUSED),
        (".git/config", REFUSED),
        ("a/.GIT/hooks/pre-commit", REFUSED),
        ("git~1/config", REFUSED),
        ("GIT~12/config", REFUSED),
        (".git /config", REFUSED),
        (".git./config", REFUSED),
        (".git::$INDEX_ALLOCATION/config", REFUSED),
        (".g\u200cit/config", REFUSED),
        ("\uff0egit/config", REFUSED),
        ("a\u202eyp.exe", REFUSED),
        ("a\x07b", REFUSED),
        ("a\x7fb", REFUSED),
        ("trailing /x", REFUSED),
        ("dot./x", REFUSED),
        ("x" * 1_001, REFUSED),
        ("node_modules/left-pad/index.js", REFUSED),
        ("pkg/vendor/x.go", REFUSED),
        ("static/app.min.js", REFUSED),
        ("api_pb2.py", REFUSED),
        (".gitmodules", REFUSED),
        (".github/workflows/ci.yml", APPROVAL),
        (".GitHub/Workflows/ci.yml", APPROVAL),
        (".circleci/config.yml", APPROVAL),
        (".cargo/config.toml", APPROVAL),
        ("CODEOWNERS", APPROVAL),
        ("docs/codeowners", APPROVAL),
        ("AGENTS.md", APPROVAL),
        ("pkg/CLAUDE.md", APPROVAL),
        (".cursorrules", APPROVAL),
        ("docs/copilot-instructions.md", APPROVAL),
        ("pkg/.cursor/rules/x.mdc", APPROVAL),
        ("pyproject.toml", APPROVAL),
        ("web/package-lock.json", APPROVAL),
        ("requirements-dev.txt", APPROVAL),
        ("crates/x/Cargo.toml", APPROVAL),
        ("Dockerfile", APPROVAL),
        ("deploy/Dockerfile.web", APPROVAL),
        ("Makefile", APPROVAL),
        (".eslintrc.json", APPROVAL),
        (".gitattributes", APPROVAL),
        ("tsconfig.build.json", APPROVAL),
    ],
)
def test_a_changed_file_is_judged_by_its_path(path: str, decision: GateDecision) -> None:
    assert changed(path) is decision


@pytest.mark.parametrize(
    ("path", "failure", "decision"),
    [
        ("package.json", FailureClass.DEPENDENCY, ALLOWED),
        ("uv.lock", FailureClass.DEPENDENCY, ALLOWED),
        ("uv.lock", FailureClass.DOCKER_BUILD, APPROVAL),
        ("Dockerfile", FailureClass.DOCKER_BUILD, ALLOWED),
        ("Dockerfile", FailureClass.DEPENDENCY, APPROVAL),
        (".github/workflows/ci.yml", FailureClass.PERMISSION, APPROVAL),
        (".github/workflows/ci.yml", FailureClass.CONFIGURATION, APPROVAL),
    ],
)
def test_some_files_may_change_where_the_failure_is_theirs(
    path: str, failure: FailureClass, decision: GateDecision
) -> None:
    assert changed(path, failure) is decision


@pytest.mark.parametrize(
    ("pattern", "decision"),
    [("src/secret/**", APPROVAL), ("*.py", APPROVAL), ("SRC/**/app.py", APPROVAL), ("lib/**", ALLOWED)],
)
def test_an_operator_protects_further_paths(pattern: str, decision: GateDecision) -> None:
    assert changed("src/secret/app.py", protected=(pattern,)) is decision


@pytest.mark.parametrize(
    ("pattern", "path", "decision"),
    [
        ("billing", "billing/tax/vat.py", APPROVAL),
        ("billing/", "billing/tax/vat.py", APPROVAL),
        ("billing/*", "billing/tax/vat.py", APPROVAL),
        ("/billing/**", "billing/vat.py", APPROVAL),
        ("./billing/*.py", "billing/tax/vat.py", APPROVAL),
        ("**/vat.py", "vat.py", APPROVAL),
        ("billing/**/vat.py", "billing/vat.py", APPROVAL),
        ("tax", "billing/tax/vat.py", APPROVAL),
        ("app/[id]/page.py", "app/[id]/page.py", APPROVAL),
        ("*/page.py", "app/[id]/page.py", APPROVAL),
        ("/", "app.py", APPROVAL),
        ("billing/tax", "src/billing/tax/vat.py", ALLOWED),
        ("bill", "billing/vat.py", ALLOWED),
        ("app/[id]/page.py", "app/i/page.py", ALLOWED),
        ("*a" * 100 + "b", "a" * 200, ALLOWED),
    ],
)
def test_a_pattern_out_of_settings_covers_too_much_rather_than_too_little(
    pattern: str, path: str, decision: GateDecision
) -> None:
    assert changed(path, protected=(pattern,)) is decision


@dataclass
class Kind:
    says: str
    diff: str
    decision: GateDecision
    on: Base = field(default_factory=lambda: base({"x": "a\n"}))


HEADER = "diff --git a/x b/x\n"

KINDS = [
    Kind("a new file", creation("new.py", ["x"]), ALLOWED),
    Kind("an empty new file", "diff --git a/n b/n\nnew file mode 100644\nindex 0000000..e69de29\n", ALLOWED),
    Kind("a new executable", creation("run.sh", ["x"], "100755"), APPROVAL),
    Kind("a new symbolic link", creation("link", ["/etc/passwd"], "120000"), REFUSED),
    Kind("a new submodule", creation("sub", ["Subproject commit 1"], "160000"), REFUSED),
    Kind("a new directory", creation("dir", ["x"], "040000"), REFUSED),
    Kind(
        "a deletion",
        HEADER + "deleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        REFUSED,
    ),
    Kind("a rename", "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", REFUSED),
    Kind("a copy", "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n", REFUSED),
    Kind("a mode change", HEADER + "old mode 100644\nnew mode 100755\n", REFUSED),
    Kind(
        "a binary change",
        HEADER + "index 1111111..2222222 100644\nBinary files a/x and b/x differ\n",
        REFUSED,
    ),
    Kind("an unchanged mode that is named", change("x", ["a"], ["b"], "100644"), ALLOWED),
    Kind("a mode that is not the file's", change("x", ["a"], ["b"], "100755"), REFUSED),
    Kind("a change to a symbolic link", change("x", ["a"], ["b"]), REFUSED, Base(modes={"x": "120000"})),
    Kind("a change to a submodule", change("x", ["a"], ["b"]), REFUSED, Base(modes={"x": "160000"})),
    Kind("a file below a symbolic link", creation("l/x", ["a"]), REFUSED, Base(modes={"l": "120000"})),
    Kind("a file below a submodule", creation("s/x", ["a"]), REFUSED, Base(modes={"s": "160000"})),
    Kind("a file below a file", creation("x/y", ["a"]), REFUSED),
    Kind("a new file where a directory is", creation("d", ["a"]), REFUSED, base({"d/x": "a\n"})),
    Kind(
        "a new file that differs in case", creation("README.MD", ["a"]), REFUSED, base({"README.md": "a\n"})
    ),
    Kind("a new directory that differs in case", creation("SRC/y", ["a"]), REFUSED, base({"src/x": "a\n"})),
    Kind("a file too large to judge", change("x", ["a"], ["b"]), REFUSED, Base(modes={"x": "100644"})),
    Kind("a file with a null byte", change("x", ["a"], ["b"]), REFUSED, base({"x": "a\n\0"})),
    Kind("an added null byte", change("x", ["a"], ["b\0"]), REFUSED),
    Kind(
        "a generated file",
        change("x", ["a"], ["b"]),
        REFUSED,
        base({"x": "a\n// Code generated. DO NOT EDIT.\n"}),
    ),
    Kind("a very long line", change("x", ["a"], ["b " * 3_000]), REFUSED),
    Kind("nothing", "", REFUSED),
    Kind("not a diff", "hello\n", REFUSED),
    Kind("half a diff", "--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-a\n+b\n", REFUSED),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.says)
def test_a_patch_is_judged_by_what_it_does(kind: Kind) -> None:
    verdict = verdict_of(kind.diff, kind.on)
    assert (verdict.decision, verdict.conflict) == (kind.decision, False)
    assert (kind.decision is ALLOWED) == (not verdict.reasons)


DENIED = ("./x: Permission denied",)


@pytest.mark.parametrize(
    ("diff", "lines", "mode", "decision"),
    [
        (HEADER + "old mode 100644\nnew mode 100755\n", DENIED, "100644", APPROVAL),
        (HEADER + "old mode 100644\nnew mode 100755\n", ("tools/run: Permission denied",), "100644", REFUSED),
        (HEADER + "old mode 100644\nnew mode 100755\n", ("x is fine",), "100644", REFUSED),
        (HEADER + "old mode 100755\nnew mode 100644\n", DENIED, "100755", REFUSED),
        (HEADER + "old mode 100644\nnew mode 120000\n", DENIED, "100644", REFUSED),
        (
            HEADER + "old mode 100644\nnew mode 100755\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
            DENIED,
            "100644",
            REFUSED,
        ),
    ],
)
def test_only_a_file_that_could_not_be_started_becomes_executable_and_a_human_agrees(
    diff: str, lines: tuple[str, ...], mode: str, decision: GateDecision
) -> None:
    on = Base(modes={"x": mode}, files={"x": BaseFile(mode=mode, content=b"a\n")})
    diagnosis = Diagnosis(failure_class=FailureClass.PERMISSION, root_cause="x", evidence_lines=lines)
    assert judge(diff, on, diagnosis, Limits(), TriagePolicy()).decision is decision


CHEATS = {
    "import os  # noqa": "noqa",
    "import os  # NOQA: F401": "noqa",
    "# ruff: noqa": "noqa",
    "x = 1  # type: ignore[assignment]": "python-comment",
    "# pylint: disable=all": "python-comment",
    "# mypy: ignore-errors": "python-comment",
    "x()  # pragma: no cover": "python-comment",
    "# fmt: off": "python-comment",
    "// eslint-disable-next-line no-console": "javascript-comment",
    "/* eslint-disable */": "javascript-comment",
    "// @ts-ignore": "javascript-comment",
    "// prettier-ignore": "javascript-comment",
    "#[allow(dead_code)]": "rust-attribute",
    "#![allow(warnings)]": "rust-attribute",
    "#[cfg_attr(test, allow(unused))]": "rust-attribute",
    "#[expect(unused)]": "rust-attribute",
    "x := 1 //nolint:errcheck": "go-comment",
    '@SuppressWarnings("all")': "java-annotation",
    "# shellcheck disable=SC2086": "other-comment",
    "@pytest.mark.skip": "skipped-python-test",
    "@pytest.mark.skipif(True, reason='')": "skipped-python-test",
    "@pytest.mark.xfail": "skipped-python-test",
    "    pytest.skip('later')": "skipped-python-test",
    "@unittest.skip('later')": "skipped-python-test",
    "it.only('works', () => {})": "skipped-javascript-test",
    "describe.skip('x', () => {})": "skipped-javascript-test",
    "test.each.skip([1])": "skipped-javascript-test",
    "  xit('works', () => {})": "skipped-javascript-test",
    "#[ignore]": "skipped-rust-test",
    "    t.Skip()": "skipped-go-test",
    "@Disabled": "skipped-java-test",
    '[Fact(Skip = "later")]': "skipped-other-test",
    "int x; // NOSONAR": "java-comment",
    'if [ -n "$CI" ]; then': "special-case",
    "    continue-on-error: true": "continue-on-error",
    "run: pytest || true": "muffled-command",
    "run: pytest ||:": "muffled-command",
    "pytest || exit 0": "muffled-command",
    "set +e": "muffled-command",
    "flake8 --exit-zero": "muffling-option",
    "eslint --max-warnings 999": "muffling-option",
    "<skipTests>true</skipTests>": "muffling-property",
    "    if: false": "never-run",
    "    if: ${{ false }}": "never-run",
    f"blob = '{'QUJD' * 120}'": "blob",
}


@pytest.mark.parametrize("line", CHEATS)
def test_a_line_that_cheats_is_refused(line: str) -> None:
    assert verdict_of(change("x", ["a"], [line]), base({"x": "a\n"})).decision is REFUSED


def test_every_line_rule_has_a_cheat_it_catches() -> None:
    caught = {
        rule.name
        for rule in (*COMMENT_RULES, *CODE_RULES)
        for line, name in CHEATS.items()
        if rule.name == name and rule.pattern.search(line)
    }
    assert caught == {rule.name for rule in (*COMMENT_RULES, *CODE_RULES)}


@pytest.mark.parametrize(
    "line",
    [
        "items.skip(1)",
        "queryset.only('id')",
        "let _unused = 1;",
        "a || b",
        "if (a || true_value) {",
        "x = submit(context.only)",
        "type Ignored = string",
        "allow(read)",
        "print('if: false alarm')",
        "# notable",
        "exit(code)",
        "é = 'ü ❤️ 日本'",
        "\tindented\twith\ttabs",
        "password = load_password()",
        "https://example.com/a/b",
    ],
)
def test_an_ordinary_line_is_allowed(line: str) -> None:
    assert verdict_of(change("x", ["a"], [line]), base({"x": "a\n"})).decision is ALLOWED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x=1  # noqa", "x = 1  # noqa"),
        ("x=1  #noqa:E501", "x = 1  # noqa: E501"),
        ("@pytest.mark.skip( )", "@pytest.mark.skip()"),
        ("#[allow( dead_code )]", "#[allow(dead_code)]"),
        ("x='\u200b'", 'x = "\u200b"'),
        ("\ufeffimport a", "\ufeffimport b"),
    ],
)
def test_a_formatter_may_write_again_what_was_there(old: str, new: str) -> None:
    assert verdict_of(change("x", [old], [new]), base({"x": f"{old}\n"})).decision is ALLOWED


def test_a_suppression_that_was_there_once_may_not_be_there_twice() -> None:
    diff = change("x", ["a  # noqa"], ["a  # noqa", "b  # noqa"])
    assert verdict_of(diff, base({"x": "a  # noqa\n"})).decision is REFUSED


def test_a_narrow_suppression_may_not_become_a_broad_one() -> None:
    diff = change("x", ["a  # noqa: E501"], ["a  # noqa"])
    assert verdict_of(diff, base({"x": "a  # noqa: E501\n"})).decision is REFUSED


@pytest.mark.parametrize(
    "hidden",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\u3164",
        "\U000e0041",
        "\U000e0101",
        "\x1b",
        "\x08",
        "\u2028",
    ],
)
def test_a_character_nobody_sees_is_refused_and_named(hidden: str) -> None:
    verdict = verdict_of(change("x", ["a"], [f"b{hidden}c"]), base({"x": "a\n"}))
    assert verdict.decision is REFUSED
    assert f"U+{ord(hidden):04X}" in " ".join(verdict.reasons)


@pytest.mark.parametrize(
    "secret",
    [
        "token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'",
        "AWS = 'AKIAIOSFODNN7EXAMPLE'",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_an_added_secret_is_refused_and_not_quoted(secret: str) -> None:
    verdict = verdict_of(change("x", ["a"], [secret]), base({"x": "a\n"}))
    assert verdict.decision is REFUSED
    assert secret not in " ".join(verdict.reasons)


def test_a_secret_the_file_holds_already_does_not_block_its_repair() -> None:
    held = "token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'"
    diff = change("x", [f"  {held}"], [held])
    assert verdict_of(diff, base({"x": f"  {held}\n"})).decision is ALLOWED


@pytest.mark.parametrize("limits", [Limits(patch_files=1), Limits(patch_bytes=60)], ids=["files", "bytes"])
def test_a_patch_beyond_a_limit_is_refused(limits: Limits) -> None:
    diff = change("x", ["a"], ["b"]) + change("y", ["a"], ["b"])
    on = base({"x": "a\n", "y": "a\n"})
    assert verdict_of(diff, on).decision is ALLOWED
    assert verdict_of(diff, on, limits=limits).decision is REFUSED


def test_a_lock_file_that_calls_itself_generated_may_change_where_the_failure_is_its_own() -> None:
    old = '# This file is @generated by Cargo.\nversion = 4\n\n[[package]]\nname = "a"\nversion = "{}"\n'
    before, after = old.format("0.1.0"), old.format("0.2.0")
    diff = change("Cargo.lock", before.splitlines(), after.splitlines())
    assert verdict_of(diff, base({"Cargo.lock": before}), FailureClass.DEPENDENCY).decision is ALLOWED
    assert verdict_of(diff, base({"Cargo.lock": before}), FailureClass.LINT).decision is APPROVAL


def test_a_stale_generated_file_may_change_if_a_human_agrees() -> None:
    diff = change(
        "api.go", ["// Code generated. DO NOT EDIT.", "a"], ["// Code generated. DO NOT EDIT.", "b"]
    )
    on = base({"api.go": "// Code generated. DO NOT EDIT.\na\n"})
    stale = Diagnosis(failure_class=FailureClass.FORMAT, root_cause="x", rule="generated-files-stale")
    assert judge(diff, on, stale, Limits(), TriagePolicy()).decision is APPROVAL
    assert (
        judge(diff, on, stale.model_copy(update={"rule": "x"}), Limits(), TriagePolicy()).decision is REFUSED
    )


@pytest.mark.parametrize(
    ("old", "new", "decision"),
    [
        ("echo '::set-output name=v::1'", 'echo "v=1" >> "$GITHUB_OUTPUT"', APPROVAL),
        ("pytest", "echo skipped", REFUSED),
    ],
)
def test_an_echo_may_be_written_otherwise_and_nothing_may_become_one(
    old: str, new: str, decision: GateDecision
) -> None:
    path = ".github/workflows/ci.yml"
    head = ["on: push", "jobs:", "  a:", "    runs-on: x", "    steps:", "      - run: |"]
    before, after = ([*head, f"          {line}"] for line in (old, new))
    assert (
        verdict_of(change(path, before, after), base({path: "\n".join([*before, ""])})).decision is decision
    )


def test_more_lines_than_a_person_can_look_through_are_refused() -> None:
    diff = change("x", ["a"], ["b"] * 4_000)
    assert verdict_of(diff, base({"x": "a\n"})).decision is REFUSED


def test_a_base_that_moved_on_is_a_conflict() -> None:
    verdict = verdict_of(change("x", ["a"], ["b"]), base({"x": "other\n"}))
    assert (verdict.decision, verdict.conflict) == (REFUSED, True)


def test_a_missing_base_file_is_a_conflict() -> None:
    verdict = verdict_of(change("x", ["a"], ["b"]), base({}))
    assert (verdict.decision, verdict.conflict) == (REFUSED, True)


def test_a_forbidden_patch_is_refused_as_such_even_when_it_would_conflict() -> None:
    verdict = verdict_of(change("x", ["a"], ["b\u202e"]), base({"x": "other\n"}))
    assert (verdict.decision, verdict.conflict) == (REFUSED, False)


def test_a_refusal_wins_over_a_need_for_approval_and_over_everything_allowed() -> None:
    diff = (
        change("Makefile", ["a"], ["b"])
        + change("src/x.py", ["a"], ["b  # noqa"])
        + change("y", ["a"], ["b"])
    )
    verdict = verdict_of(diff, base({"Makefile": "a\n", "src/x.py": "a\n", "y": "a\n"}))
    assert verdict.decision is REFUSED
    assert verdict.reasons == ("src/x.py: silences a check instead of meeting it",)


def test_a_need_for_approval_names_every_file_and_why() -> None:
    diff = change("Makefile", ["a"], ["b"]) + change("CODEOWNERS", ["a"], ["b"])
    verdict = verdict_of(diff, base({"Makefile": "a\n", "CODEOWNERS": "a\n"}))
    assert verdict.reasons == ("Makefile: runs as part of the build", "CODEOWNERS: says who must review")


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in (*PATH_RULES, *FILE_RULES, *COMMENT_RULES, *CODE_RULES)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.py", "a/b.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/**", "a/b/c.py", True),
        ("a/**", "b/a/c.py", False),
        ("**/a/**", "a/x", True),
        ("?.py", "ab.py", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
    ],
)
def test_a_path_pattern_means(pattern: str, path: str, *, fits: bool) -> None:
    assert bool(glob(pattern).fullmatch(path)) is fits
