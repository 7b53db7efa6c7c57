import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def _read(mebibytes: int, kind: str, folder: Path) -> dict[str, Any]:
    program = ROOT / "tests" / "support" / "large_log.py"
    done = subprocess.run(
        [sys.executable, str(program), str(mebibytes), kind, str(folder)],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["lines", "line"])
def test_from_github_to_the_excerpt_a_large_log_takes_no_more_memory_than_a_small_one(
    tmp_path: Path, kind: str
) -> None:
    small, large = _read(1, kind, tmp_path / "small"), _read(48, kind, tmp_path / "large")

    assert large["cause_shown"]
    assert large["peak_mebibytes"] - small["peak_mebibytes"] < 24
    assert large["peak_mebibytes"] < 150
