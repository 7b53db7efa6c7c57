"""The gate on text that nobody wrote in earnest: it answers in bounded time, and allows nothing unread."""

from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.publishing.gate.files import Base
from activities.publishing.gate.judging import judge
from activities.publishing.patch import BaseFile
from workflows.models import Diagnosis, FailureClass, GateDecision, GateVerdict, Limits, TriagePolicy

NAMES = (
    *(
        "tests/test_a.py",
        "a.js",
        "a.test.ts",
        "a.tsx",
        "a_test.go",
        "src/a.rs",
        "ATest.java",
        "spec/a_spec.rb",
    ),
    *(
        "pyproject.toml",
        "package.json",
        "package-lock.json",
        "setup.cfg",
        ".github/workflows/ci.yml",
        "Makefile",
    ),
    *("requirements.txt", "go.sum", "Dockerfile", "a.sh", "README.md", "conf.yaml"),
)
PIECES = (
    *(
        "def test_a():",
        "    assert x == 1",
        "    return",
        "class TestA:",
        "it('a', () => {",
        "expect(a).toBe(1);",
        "})",
    ),
    *(
        "#[test]",
        "fn a() {",
        "assert_eq!(a, b);",
        "}",
        "func TestA(t *testing.T) {",
        "t.Fatal(1)",
        "@Test",
        "void a() {",
    ),
    *(
        "[tool.ruff]",
        'ignore = ["E"]',
        '{"a": [1, 2]}',
        "jobs:",
        "  a: &b {c: *b}",
        "on: [push]",
        "- x",
        "'''",
        '"""',
        "/*",
    ),
    *(
        "'",
        '"',
        "`",
        "\\",
        "\t",
        "\r",
        "\x00",
        "\u202e",
        "é",
        "((((",
        "]]]]",
        "<<<<",
        "{{{{",
        "${{ x }}",
        "#",
        "//",
        "",
    ),
)
LINES = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=12)


def verdict_on(path: str, before: str | None, after: str) -> GateVerdict:
    old = before.split("\n")[:-1] if before else []
    new = after.split("\n")[:-1]
    head = (
        f"--- a/{path}"
        if before is not None
        else f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null"
    )
    lines = [f"-{line}\n" for line in old] + [f"+{line}\n" for line in new]
    start = (1 if old else 0, 1 if new else 0)
    diff = f"{head}\n+++ b/{path}\n@@ -{start[0]},{len(old)} +{start[1]},{len(new)} @@\n{''.join(lines)}"
    files = {path: BaseFile("100644", before.encode(errors="replace"))} if before is not None else {}
    base = Base(modes=dict.fromkeys(files, "100644"), files=files)
    diagnosis = Diagnosis(failure_class=FailureClass.DEPENDENCY, root_cause="x")
    return judge(diff, base, diagnosis, Limits(), TriagePolicy())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.none() | LINES, LINES)
def test_the_gate_answers_whatever_the_files_hold(
    path: str, before: list[str] | None, after: list[str]
) -> None:
    old = None if before is None else "".join(f"{line}\n" for line in before)
    verdict = verdict_on(path, old, "".join(f"{line}\n" for line in after))
    assert (verdict.decision is GateDecision.ALLOWED) == (not verdict.reasons)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.builds(lambda lines: "--- a/x.py\n+++ b/x.py\n" + "\n".join(lines), LINES))
def test_the_gate_answers_whatever_the_diff_is(diff: str) -> None:
    base = Base(modes={"x.py": "100644"}, files={"x.py": BaseFile("100644", b"a\n")})
    diagnosis = Diagnosis(failure_class=FailureClass.LINT, root_cause="x")
    assert judge(diff, base, diagnosis, Limits(), TriagePolicy()).decision in GateDecision


TOWERS = [
    ("test_a.py", "[("),
    ("test_a.py", "not -"),
    ("a.test.ts", "{"),
    ("a.test.ts", "a."),
    ("a.test.ts", "return;"),
    ("a_test.go", '"'),
    ("a_test.go", "a("),
    ("src/a.rs", "\\"),
    ("src/a.rs", '"'),
    ("ATest.java", "a<"),
    ("ATest.java", "return;"),
    ("ci.yml", "{a: "),
    ("a.json", "["),
    ("Makefile", " \t"),
]


@pytest.mark.parametrize(("path", "piece"), TOWERS)
def test_a_patch_as_large_as_may_be_is_judged_in_bounded_time(path: str, piece: str) -> None:
    line = (piece * 80)[:80]
    started = process_time()
    verdict = verdict_on(path, "a\n", f"{line}\n" * 2_000)
    assert process_time() - started < 12
    assert verdict.decision in GateDecision
