"""Renews the pinned, hashed requirements files. They name versions and hashes, never where to download."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
UV = Path(sys.executable).parent / "uv"
FILES = {
    "run.txt": ("--extra", "demo", "--group", "build"),
    "dev.txt": (
        "--extra",
        "demo",
        "--group",
        "build",
        "--group",
        "test",
        "--group",
        "lint",
        "--group",
        "pin",
    ),
}


def renew(name: str, selection: tuple[str, ...]) -> None:
    """Resolve `selection` of pyproject.toml into the file `name`."""
    subprocess.run(
        [
            *(str(UV), "pip", "compile", "pyproject.toml", *selection),
            *("--upgrade", "--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"),
            *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"),
            *("--output-file", f"requirements/{name}"),
        ],
        cwd=HERE.parent,
        check=True,
    )


if __name__ == "__main__":
    for file, chosen in FILES.items():
        renew(file, chosen)
