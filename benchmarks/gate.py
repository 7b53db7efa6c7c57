"""How long the gate takes for the largest patch that may be published, beside reading and applying it.

Run by `make bench`. Each language's patch changes twenty files, until it is as large as a patch may be.
"""

import argparse
import difflib
import json
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Final

from activities.publishing.gate.files import Base
from activities.publishing.gate.judging import judge
from activities.publishing.patch import BaseFile, apply_all, parse
from workflows.models import Diagnosis, FailureClass, Limits, TriagePolicy

FILES: Final = 20
PATCH_BYTES: Final = 190_000
UNITS: Final = {
    "a{}.py": "def f{n}(a, b):\n    if a > b:\n        return g(a, 'x{n}')\n    return [c for c in b]\n\n\n",
    "tests/test_a{}.py": "def test_f{n}():\n    result = f{n}(1, {n})\n    assert result == {n}, 'x'\n\n\n",
    "a{}.ts": "export function f{n}(a: number) {{\n  const b = a + {n};\n  return g(b, 'x');\n}}\n\n",
    "a{}.test.ts": "it('f{n}', () => {{\n  const b = f{n}(1);\n  expect(b).toBe({n}, 'x');\n}});\n\n",
    "a{}_test.go": "func TestF{n}(t *testing.T) {{\n\tif F{n}(1) != {n} {{\n\t\tt.Error(x)\n\t}}\n}}\n\n",
    "src/a{}.rs": "#[test]\nfn f{n}() {{\n    let x = g({n});\n    assert_eq!(x, {n});\n}}\n\n",
    "A{}Test.java": "class A{n} {{\n  @Test\n  void x() {{\n    assertEquals({n}, g({n}));\n  }}\n}}\n\n",
    "a{}.yaml": "k{n}:\n  - a: {n}\n    b: [x, y]\n",
}


def patch_of(path: str, unit: str) -> tuple[str, Base]:
    """A patch that changes a line of every unit of twenty files, and what it applies to."""
    size = len(_made(path, unit, 10)[0])
    return _made(path, unit, 10 * PATCH_BYTES // size)


def _made(path: str, unit: str, count: int) -> tuple[str, Base]:
    diff, files = [], {}
    for number in range(FILES):
        name = path.format(number)
        before = "".join(unit.format(n=each) for each in range(count))
        after = before.replace("x", "y").replace("(1", "(2")
        lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True))
        diff.append(f"--- a/{name}\n+++ b/{name}\n{''.join(list(lines)[2:])}")
        files[name] = BaseFile("100644", before.encode())
    return "".join(diff), Base(modes=dict.fromkeys(files, "100644"), files=files)


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median duration of `work`."""
    taken = []
    for _ in range(rounds):
        started = perf_counter()
        work()
        taken.append(perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Print a line per language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    diagnosis = Diagnosis(failure_class=FailureClass.LINT, root_cause="x")
    rows = []
    for path, unit in UNITS.items():
        diff, base = patch_of(path, unit)
        judging = seconds(
            lambda diff=diff, base=base: judge(diff, base, diagnosis, Limits(), TriagePolicy()),  # type: ignore[misc]
            arguments.rounds,
        )
        reading = seconds(lambda diff=diff, base=base: apply_all(parse(diff), base.files), arguments.rounds)  # type: ignore[misc]
        rows.append(
            {
                "files": path.format(""),
                "patch_bytes": len(diff),
                "seconds": judging,
                "ratio": judging / reading,
            }
        )
    if arguments.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(
            f"gate, {row['files']:<16} {row['patch_bytes']:>7} bytes of patch"
            f"  {row['seconds']:6.2f} s  {row['ratio']:5.1f} x reading and applying it"
        )


if __name__ == "__main__":
    main()
