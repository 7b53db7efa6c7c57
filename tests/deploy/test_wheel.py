"""What `pip install .`, `pipx install .` and `uv tool install .` install: everything there is."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("workflows", "activities", "starter", "localhub")
BESIDE: Final = ("worker.py", "pyproject.toml", "README.md", "LICENSE")


def sources(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_holds_every_file_of_every_package_and_the_command(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in BESIDE:
        shutil.copy(ROOT / file, copy / file)
    command = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
    subprocess.run(
        [sys.executable, *command, str(tmp_path), str(copy)], check=True, capture_output=True, text=True
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
        [entry] = [name for name in names if name.endswith("entry_points.txt")]
        assert "regreen = starter.cli:main" in content.read(entry).decode()
    assert (sources(ROOT) | {"worker.py"}) - names == set()
