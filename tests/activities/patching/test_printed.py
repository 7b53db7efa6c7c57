"""Repairs that a log spells out: diffs that checks print, and corrections that linters name."""

from collections.abc import Awaitable, Callable

import pytest

from activities.patching.edits.diffs import hunks
from workflows.models import FailureClass, PatchRequest, ProofState, Proposal

Request = Callable[..., PatchRequest]
Propose = Callable[..., Awaitable[Proposal]]

GO = 'package main\n\nfunc main() {\n  println("x")\n}\n'
GOFMT = (
    "diff main.go.orig main.go\n--- main.go.orig\n+++ main.go\n@@ -1,5 +1,5 @@\n package main\n\n"
    " func main() {\n"
    '-  println("x")\n+\tprintln("x")\n }\nError: Process completed with exit code 1.'
)
RUST = "fn main() {\n    let a = 1;\n    let b = [ 1 ];\n    let c = 3;\n}\n"
RUSTFMT = (
    "Diff in /home/runner/work/app/app/src/main.rs:1:\n fn main() {\n     let a = 1;\n-    let b = [ 1 ];\n"
    "+    let b = [1];\n     let c = 3;\n }\n\n##[error]Process completed with exit code 1."
)


async def test_a_printed_diff_is_applied_without_the_tool(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"main.go": GO}, "gofumpt -d .", log=GOFMT))
    assert proposal.recipe == "printed-diff"
    assert '+\tprintln("x")' in proposal.diff
    assert proposal.proof.state is ProofState.NOT_PROVED_HERE


async def test_a_printed_diff_is_proved_where_the_tool_is_there(
    request_for: Request, propose: Propose, tmp_path: object
) -> None:
    files = {"app.py": "x = {  'a':1 }\n"}
    log = (
        "--- /home/runner/work/app/app/app.py\t2026-01-01 00:00:00+00:00\n"
        "+++ /home/runner/work/app/app/app.py\t2026-01-01 00:00:01+00:00\n"
        "@@ -1 +1 @@\n-x = {  'a':1 }\n+x = {\"a\": 1}\nwould reformat app.py"
    )
    proposal = await propose(request_for(files, "black --check --diff .", log=log))
    assert (proposal.recipe, proposal.proof.state) == ("printed-diff", ProofState.PROVED)
    assert (proposal.proof.exit_before, proposal.proof.exit_after) == (1, 0)


async def test_rustfmts_own_form_is_read(request_for: Request, propose: Propose) -> None:
    proposal = await propose(request_for({"src/main.rs": RUST}, "cargo fmt --all -- --check", log=RUSTFMT))
    assert proposal.files == ("src/main.rs",)
    assert "+    let b = [1];" in proposal.diff


async def test_what_hooks_changed_is_taken_from_the_log(request_for: Request, propose: Propose) -> None:
    log = (
        "some-hook....Failed\nAll changes made by hooks:\ndiff --git a/a.xyz b/a.xyz\n"
        "--- a/a.xyz\n+++ b/a.xyz\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO"
    )
    files = {"a.xyz": "one\ntwo\n", ".pre-commit-config.yaml": "repos: []\n"}
    command = "pre-commit run --all-files --show-diff-on-failure"
    proposal = await propose(request_for(files, command, log=log))
    assert "+TWO" in proposal.diff


@pytest.mark.parametrize("command", ["pytest", "echo x", "black --check .", "gofumpt -l .", None])
async def test_a_diff_is_not_believed_when_the_failing_command_prints_none(
    request_for: Request, propose: Propose, command: str | None
) -> None:
    proposal = await propose(request_for({"main.go": GO, "a.py": "x = 1\n"}, command, log=GOFMT))
    assert not proposal.diff


async def test_a_printed_diff_changes_only_the_tools_own_files(
    request_for: Request, propose: Propose
) -> None:
    log = GOFMT.replace("main.go", "main.sh")
    proposal = await propose(request_for({"main.sh": GO}, "gofumpt -d .", log=log))
    assert not proposal.diff


async def test_a_printed_diff_cannot_change_what_checks_demand(
    request_for: Request, propose: Propose
) -> None:
    log = "--- a/.golangci.yml\n+++ b/.golangci.yml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"
    proposal = await propose(
        request_for({".golangci.yml": "a: 1\n"}, "make gen && git diff --exit-code", log=log)
    )
    assert not proposal.diff
    assert "what checks demand" in proposal.summary


def test_a_hunk_that_the_log_cuts_is_left_out() -> None:
    cut = GOFMT.replace('+\tprintln("x")\n', "… 2 lines omitted …\n")
    assert list(hunks(cut)) == []
    assert list(hunks(RUSTFMT.partition("+ ")[0] + "… 9 lines omitted …")) == []
    (whole,) = hunks(GOFMT)
    assert whole.before == ["package main", "", "func main() {", '  println("x")', "}"]


def test_lines_that_an_excerpt_folds_are_unfolded() -> None:
    (hunk,) = hunks("--- a\n+++ a\n@@ -1,2 +1,4 @@\n x\n+\n… the line above stands 2 times …\n y")
    assert [sign for sign, _ in hunk.lines] == [" ", "+", "+", " "]


async def test_blanks_and_line_ends_that_stay_keep_their_bytes(
    request_for: Request, propose: Propose
) -> None:
    text = 'package main   \r\n\r\nfunc main() {\r\n  println("x")\r\n}\r\n'
    proposal = await propose(request_for({"main.go": text}, "gofumpt -d .", log=GOFMT))
    assert (proposal.additions, proposal.deletions) == (1, 1)
    assert '+\tprintln("x")\r\n' in proposal.diff


CORRECTIONS = {
    "codespell": ("we recieve it\n", "a.txt:1: recieve ==> receive", "+we receive it"),
    "typos": (
        "we recieve it\n",
        "error: `recieve` should be `receive`\n   --> ./a.txt:1:4\n    |\n  1 | x",
        "+we receive it",
    ),
    "typos, newer": (
        "we recieve it\n",
        "error: `recieve` should be `receive`\n  ╭▸ ./a.txt:1:4",
        "+we receive it",
    ),
    "misspell": ("recieve\n", 'a.txt:1:0: "recieve" is a misspelling of "receive"', "+receive"),
    "mypy": (
        "f()  # type: ignore[misc]\n",
        'a.txt:1: error: Unused "type: ignore[misc]" comment  [unused-ignore]',
        "+f()",
    ),
    "mypy, one code of two": (
        "f()  # type: ignore[misc, arg-type]\n",
        'a.txt:1: error: Unused "type: ignore[misc]" comment  [unused-ignore]',
        "+f()  # type: ignore[arg-type]",
    ),
    "eslint": (
        "let x = [\n  1\n   ]\n",
        "/home/runner/work/app/app/a.txt\n  2:4  error  Missing trailing comma  comma-dangle",
        "",
    ),
    "eslint, comma and indentation": (
        "let x = [\n  1\n   ]\n",
        (
            "/home/runner/work/app/app/a.txt\n  2:4  error  Missing trailing comma.  comma-dangle\n"
            "  3:1  error  Expected indentation of 0 spaces but found 3  indent\n"
        ),
        "+  1,",
    ),
    "tldr-lint": ("x  \n", "a.txt:1: TLDR014 Page should contain no trailing whitespace", "+x"),
}


@pytest.mark.parametrize("says", CORRECTIONS)
async def test_what_a_linter_spells_out_is_corrected(
    request_for: Request, propose: Propose, says: str
) -> None:
    text, log, line = CORRECTIONS[says]
    proposal = await propose(
        request_for({"a.txt": text}, "not-installed", failure_class=FailureClass.LINT, log=log)
    )
    assert bool(proposal.diff) is bool(line)
    assert line in proposal.diff.splitlines() or not line
    assert proposal.recipe == ("printed-correction" if line else None)


@pytest.mark.parametrize(
    "log",
    [
        "a.txt:1: recieve ==> receive, relieve",
        "a.txt:1: recieve ==> receive | disabled because of x",
        "a.txt:9: recieve ==> receive",
        "b.txt:1: recieve ==> receive",
        "../../etc/passwd:1: recieve ==> receive",
        "a.txt:1: other ==> another",
    ],
)
async def test_a_correction_that_is_doubtful_or_does_not_fit_is_not_made(
    request_for: Request, propose: Propose, log: str
) -> None:
    assert not (await propose(request_for({"a.txt": "we recieve it\n"}, "codespellx", log=log))).diff


async def test_a_correction_is_proved_by_the_check(request_for: Request, propose: Propose) -> None:
    files = {"app.py": "x = 1  # type: ignore\n"}
    log = 'app.py:1: error: Unused "type: ignore" comment  [unused-ignore]'
    command = "mypy --warn-unused-ignores app.py"
    proposal = await propose(request_for(files, command, failure_class=FailureClass.TYPE_CHECK, log=log))
    assert (proposal.recipe, proposal.proof.state) == ("printed-correction", ProofState.PROVED)
