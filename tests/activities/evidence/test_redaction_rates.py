"""How many secrets of which forms are found, in which disguises, and how much else is taken for one."""

import json
import sysconfig
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from secret_samples import SAMPLES, Sample

from activities.evidence.excerpt import examine_log
from activities.evidence.redaction import redact

_LEFT = 10
"""So many characters of a secret in a row would be a leak."""


def _plain(sample: Sample, _: Path) -> str:
    return redact(sample.line)


def _coloured(sample: Sample, _: Path) -> str:
    """Every few characters another colour, as highlighters do."""
    parts = [sample.line[start : start + 7] for start in range(0, len(sample.line), 7)]
    return redact("\x1b[0m".join(f"\x1b[1;3{index % 8}m{part}" for index, part in enumerate(parts)))


def _in_json(sample: Sample, _: Path) -> str:
    return redact(json.dumps({"level": "error", "message": sample.line}))


def _in_json_twice(sample: Sample, _: Path) -> str:
    inner = json.dumps({"message": sample.line}).replace("/", "\\/")
    return redact(json.dumps({"log": inner}))


def _coloured_in_json(sample: Sample, folder: Path) -> str:
    return redact(json.dumps({"log": f"\x1b[31m{sample.line[:20]}\x1b[1m{sample.line[20:]}\x1b[0m"}))


def _split_between_two_reads(sample: Sample, folder: Path) -> str:
    """In a log that is read in blocks, one of which ends within the secret."""
    block = 256 * 1024
    middle = sample.line.index(sample.secret.partition("\n")[0]) + len(sample.secret.partition("\n")[0]) // 2
    filler = b"compiling part of it\n" * (block // 21)
    filler += b"\n" * (block - len(filler) - middle)
    log = folder / "job.log"
    log.write_bytes(filler + sample.line.encode() + b"\n##[error]Process completed with exit code 1.\n")
    return examine_log(log, 32_768).excerpt.text


_DISGUISES: dict[str, Callable[[Sample, Path], str]] = {
    "plain": _plain,
    "coloured": _coloured,
    "in json": _in_json,
    "in json twice": _in_json_twice,
    "coloured in json": _coloured_in_json,
    "split between two reads": _split_between_two_reads,
}


def _leaks(sample: Sample, shown: str) -> bool:
    flat = shown.replace("\\", "")
    return any(
        line[start : start + _LEFT] in flat
        for line in sample.secret.split("\n")
        for start in range(max(len(line) - _LEFT + 1, 1))
    )


def test_there_are_at_least_sixty_forms() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES) >= 60


@pytest.mark.parametrize("disguise", _DISGUISES.values(), ids=_DISGUISES)
def test_every_form_is_found_in_every_disguise(
    disguise: Callable[[Sample, Path], str], tmp_path: Path
) -> None:
    missed = [sample.name for sample in SAMPLES if _leaks(sample, disguise(sample, tmp_path))]

    assert missed == []


def _clean_lines() -> Iterator[str]:
    """The standard library's own source, without its tests, which are full of made-up passwords."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        inside = path.relative_to(library).parts
        if not {"site-packages", "test", "tests", "idle_test", "distutils"} & set(inside):
            yield from path.read_text(encoding="utf-8", errors="replace").splitlines()


def test_of_a_hundred_thousand_clean_lines_none_is_taken_for_a_secret() -> None:
    lines = list(islice(_clean_lines(), 100_000))
    assert len(lines) == 100_000

    hit = [
        line
        for start in range(0, len(lines), 100)
        if "«" in redact("\n".join(lines[start : start + 100]))
        for line in lines[start : start + 100]
        if "«redacted" in redact(line)
    ]

    assert hit == []


_HEX = "a6950c61940933417c0659e2400c1b70cdd6050b" * 4
_BASE64 = "dGhpcyBpcyBub3QgYSBzZWNyZXQsIG9ubHkgYSBjaGVja3N1bSAxMjM0NTY3ODkw" * 2


@pytest.mark.parametrize(
    "line",
    [
        f"commit {_HEX[:40]}",
        f'      "integrity": "sha512-{_BASE64[:86]}==",',
        f"github.com/a/b v1.2.3 h1:{_BASE64[:43]}=",
        f"    --hash=sha256:{_HEX[:64]} \\",
        f'checksum = "{_HEX[:64]}"',
        f"Digest: sha256:{_HEX[:64]}",
        f"##[debug]cache key: Linux-pip-{_HEX[:64]}",
        f"x-request-id: {_HEX[:32]}",
        f"data:image/png;base64,{_BASE64}",
        f"ssh-rsa {_BASE64} user@host",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "  ACCESS_TOKEN: ***",
        "Authorization: Bearer <token>",
        'token = request.headers.get("Authorization")',
        "password=os.environ['DB_PASSWORD']",
        "SyntaxError: Unexpected token '}', ... is not valid JSON",
        "KeyError: 'secret_key'",
        "tokenizer.encode(text, add_special_tokens=False, max_tokens=4096)",
        "secretKeyRef: {name: db, key: password}",
        "author: token <token@example.org>",
        "fetching https://git@github.com/a/b.git",
    ],
)
def test_what_looks_like_a_secret_and_is_none_stays(line: str) -> None:
    assert redact(line) == line
