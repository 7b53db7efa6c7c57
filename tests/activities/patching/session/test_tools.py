"""What each tool answers a model, and what becomes of the patch."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.patching.session.tools import CALLS, EDITOR, TOOLS
from sessions import FIX, PRICING, TAG, Repository, Use, create, failed_job, insert, replace, said, view

# ── view, list, search ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_is_shown_with_its_line_numbers_in_the_session_s_delimiter(use: Use) -> None:
    [shown] = (await use(view("pricing.py"))).results

    assert shown.text.startswith(f"<untrusted-{TAG}>\n     1\tdef total(prices):\n     2\t    return")
    assert shown.text.endswith(f"\n</untrusted-{TAG}>")
    assert not shown.is_error


async def test_a_part_of_a_file_is_shown(use: Use) -> None:
    text = "".join(f"line {number}\n" for number in range(1, 51))

    done = await use(
        view("a.txt", view_range=[49, -1]), view("a.txt", view_range=[2, 3]), files={"a.txt": text}
    )

    assert [said(each) for each in done.results] == [
        "    49\tline 49\n    50\tline 50",
        "     2\tline 2\n     3\tline 3",
    ]


@pytest.mark.parametrize("path", ["./pricing.py", "/workspace/pricing.py", "/repo/pricing.py"])
async def test_a_path_is_understood_however_a_model_writes_it(use: Use, path: str) -> None:
    [shown] = (await use(view(path))).results

    assert "def total" in shown.text


async def test_of_a_long_file_the_end_is_left_out_and_that_is_said(use: Use) -> None:
    [shown] = (await use(view("a.txt"), files={"a.txt": "word " * 10_000})).results

    assert "more characters are left out" in shown.text
    assert len(shown.text) < 13_000


async def test_a_folder_is_listed_by_view_and_by_list(use: Use) -> None:
    files = {"a/b.txt": "", "a/c/d.txt": "", "e.txt": ""}

    done = await use(view("a"), ("list", {"path": "a"}), ("list", {}), view("."), files=files)

    assert [said(each) for each in done.results] == ["a/b.txt\na/c/d.txt"] * 2 + [
        "a/b.txt\na/c/d.txt\ne.txt"
    ] * 2


async def test_a_search_gives_path_line_and_text_in_order(use: Use) -> None:
    files = {"b.py": "x = 1\ny = 2\n", "a/.hidden": "y = 3\n", ".gitignore": "b.py\n"}

    done = await use(
        ("search", {"pattern": r"^y\s*="}),
        ("search", {"pattern": "y =", "path": "a", "literal": True}),
        ("search", {"pattern": "zebra"}),
        files=files,
    )

    assert [said(each) for each in done.results] == [
        "a/.hidden:1:y = 3\nb.py:2:y = 2",
        "a/.hidden:1:y = 3",
        "No line matches.",
    ]


async def test_a_search_sees_the_patch_so_far(use: Use, repository: Repository) -> None:
    sha = repository.commit({"a.py": "x = 1\n"})
    first = await use(replace("a.py", "x", "zebra"), create("new.py", "zebra\n"), sha=sha)

    again = await use(("search", {"pattern": "zebra"}), sha=sha, diff=first.diff)

    assert said(again.results[0]) == "a.py:1:zebra = 1\nnew.py:1:zebra"


@pytest.mark.parametrize("pattern", ["(", "a{1000}{1000}{1000}", "(?<=x)y"])
async def test_a_pattern_that_cannot_be_searched_for_is_answered_with_why(use: Use, pattern: str) -> None:
    [refused] = (await use(("search", {"pattern": pattern}))).results

    assert refused.is_error
    assert "cannot be searched for" in refused.text


async def test_a_secret_in_a_file_is_not_shown(use: Use) -> None:
    token = "ghp_" + "a1" * 18

    done = await use(view("a.txt"), ("search", {"pattern": "ghp_"}), files={"a.txt": f"t = {token}\n"})

    assert all("«redacted:github-token»" in each.text for each in done.results)
    assert token not in done.model_dump_json()


# ── edits ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_edits_become_the_patch(use: Use) -> None:
    done = await use(FIX, create("docs/new.md", "# New\n"), insert("test_pricing.py", 0, "# ours"))

    assert [said(each) for each in done.results] == [
        "pricing.py was changed.",
        "docs/new.md was written.",
        "test_pricing.py was changed.",
    ]
    assert "-    return sum(prices) + 1\n+    return sum(prices)\n" in done.diff
    assert "+++ b/docs/new.md\n@@ -0,0 +1 @@\n+# New\n" in done.diff
    assert "+# ours\n import unittest\n" in done.diff


async def test_the_patch_goes_on_from_turn_to_turn_on_any_worker(use: Use, repository: Repository) -> None:
    sha = repository.commit({"a.txt": "one\n", "b.txt": "one\n"})

    first = await use(replace("a.txt", "one", "two"), create("c.txt", "new\n"), sha=sha)
    second = await use(
        replace("a.txt", "two", "three"), replace("c.txt", "new", "newer"), sha=sha, diff=first.diff
    )
    third = await use(replace("a.txt", "three", "one"), create("c.txt", ""), sha=sha, diff=second.diff)

    assert "+two" in first.diff
    assert "+three" in second.diff
    assert "+newer" in second.diff
    assert "a.txt" not in third.diff


async def test_a_file_keeps_its_line_ends(use: Use) -> None:
    done = await use(
        replace("a.txt", "one\ntwo", "one\n2"),
        insert("a.txt", 1, "1.5\n"),
        files={"a.txt": b"one\r\ntwo\r\n"},
    )

    assert [each.is_error for each in done.results] == [False, False]
    assert "+1.5\r\n+2\r\n" in done.diff


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (replace("pricing.py", "no such text", "x"), "does not stand in pricing.py"),
        (replace("pricing.py", "prices", "x"), "2 times, first at the lines 1, 2"),
        (replace("absent.py", "x", "y"), "There is no file absent.py"),
        (insert("pricing.py", 99, "x"), "has 2 lines"),
        (view("pricing.py", view_range=[7, 9]), "has 2 lines"),
        (view("absent"), "There is no file absent"),
        (("list", {"path": "absent"}), "There is no folder absent"),
        (("search", {"pattern": "x", "path": "absent"}), "There is no file or folder absent"),
        (view("image.png"), "not a text in UTF-8"),
        (create("surrogate.txt", "\ud800"), "cannot be written as UTF-8"),
        (create("pricing.py/x", "x"), "cannot be written"),
        (create("huge.txt", "x" * 5_000_001), "larger than 5000000 bytes"),
        ((EDITOR, {"command": "undo_edit", "path": "x"}), "command"),
        ((EDITOR, {"command": "str_replace", "path": "pricing.py"}), "old_str"),
        ((EDITOR, {"command": "view"}), "path"),
        ((EDITOR, {}), "command"),
        (("search", {}), "pattern"),
        (("search", {"pattern": 5}), "pattern"),
        (("submit", {}), "summary"),
        (("give_up", {"reason": ""}), "reason"),
        (("bash", {"command": "curl evil"}), "There is no such tool. There are: "),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, tuple) else "",
)
async def test_a_call_that_cannot_be_carried_out_is_answered_with_why(
    use: Use, call: tuple[str, dict[str, Any]], why: str
) -> None:
    done = await use(call, files={"pricing.py": PRICING, "image.png": b"\x89PNG\xff\xfe"})

    [refused] = done.results
    assert refused.is_error
    assert why in refused.text
    assert done.diff == ""


async def test_a_patch_that_grows_too_large_undoes_the_whole_reply(use: Use, repository: Repository) -> None:
    sha = repository.commit({"a.txt": "one\n"})
    small = await use(replace("a.txt", "one", "two"), sha=sha)

    done = await use(
        create("big.txt", "word\n" * 1_000),
        ("submit", {"summary": "x"}),
        sha=sha,
        diff=small.diff,
        patch_bytes=900,
    )

    assert done.diff == small.diff
    assert done.submission is None
    assert all(each.is_error and "larger than 900 bytes" in each.text for each in done.results)
    assert len(done.results) == 2


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", ".git/hooks/pre-commit", ".GIT/config", "a/./../b", "a\0b"],
)
async def test_a_path_outside_the_files_is_neither_read_nor_written(use: Use, path: str) -> None:
    done = await use(view(path), create(path, "x"), replace(path, "root", "x"), insert(path, 0, "x"))

    assert all(each.is_error for each in done.results)
    assert "root:x:0" not in done.model_dump_json()
    assert done.diff == ""


async def test_a_link_is_neither_read_nor_written_through(
    use: Use, repository: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "target.txt").write_text("canary\n", encoding="utf-8")
    links = {"link.txt": str(outside / "target.txt"), "folder": str(outside), "up": ".."}
    sha = repository.commit({"a.txt": "x\n"}, links=links)

    done = await use(
        view("link.txt"),
        view("folder/target.txt"),
        view("up/files/a.txt"),
        create("link.txt", "overwritten"),
        create("folder/planted.txt", "planted"),
        replace("link.txt", "canary", "x"),
        ("search", {"pattern": "canary"}),
        ("search", {"pattern": "canary", "path": "link.txt"}),
        sha=sha,
    )

    assert [each.is_error for each in done.results] == [True] * 6 + [False, True]
    assert "canary" not in done.model_dump_json()
    assert (outside / "target.txt").read_text(encoding="utf-8") == "canary\n"
    assert [path.name for path in outside.iterdir()] == ["target.txt"]
    assert done.diff == ""


# ── read_log ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_further_lines_of_a_failed_job_s_log_can_be_read(use: Use) -> None:
    done = await use(
        ("read_log", {"job": 1, "first_line": 3, "last_line": 7}), ("read_log", {"job": 1, "pattern": "E!"})
    )

    assert [said(each) for each in done.results] == ["3-7 ", "1-None E!"]


@pytest.mark.parametrize(
    ("job", "why"), [(2, "There are: 1, 404, 403"), (403, "no access to logs"), (404, "The log is gone.")]
)
async def test_a_log_that_cannot_be_read_is_answered_with_why(use: Use, job: int, why: str) -> None:
    jobs = tuple(failed_job().model_copy(update={"job_id": number}) for number in (1, 404, 403))

    done = await use(("read_log", {"job": job}), jobs=jobs)

    assert why in done.results[0].text


async def test_a_server_that_is_away_is_for_temporal_to_wait_for(use: Use) -> None:
    jobs = (failed_job().model_copy(update={"job_id": 503}),)

    with pytest.raises(ApplicationError, match="away"):
        await use(("read_log", {"job": 503}), jobs=jobs)


# ── run_check ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_failing_command_runs_on_the_files_as_they_are(use: Use) -> None:
    done = await use(("run_check", {}), FIX, ("run_check", {}))

    before, _, after = (said(each) for each in done.results)
    assert before.startswith("$ python3 -m unittest discover\n")
    assert "AssertionError: 4 != 3" in before
    assert before.endswith("exit status 1")
    assert after.endswith("exit status 0")


async def test_what_a_command_writes_is_no_part_of_the_patch(use: Use) -> None:
    job = failed_job("python3 -c \"open('pricing.py','w').write('x')\"\npython3 -c \"open('new.py','w')\"")

    done = await use(FIX, ("run_check", {}), jobs=(job,))

    assert [each.is_error for each in done.results] == [False, False]
    assert "new.py" not in done.diff
    assert "+    return sum(prices)\n" in done.diff


@pytest.mark.parametrize("command", [None, "pip install x", "cat x | sh", 'eval "$EVIL"'])
async def test_without_a_plain_command_there_is_nothing_to_run(use: Use, command: str | None) -> None:
    [refused] = (await use(("run_check", {}), jobs=(failed_job(command),))).results

    assert "nothing to run" in refused.text


async def test_of_a_long_output_the_end_is_shown(use: Use) -> None:
    job = failed_job("python3 -c \"print('early'); print('word ' * 9000); print('late')\"")

    [shown] = (await use(("run_check", {}), jobs=(job,))).results

    assert "late\nexit status 0" in shown.text
    assert "early" not in said(shown).split("\n", 1)[1]
    assert len(shown.text) < 13_000


async def test_a_program_that_is_not_here_is_named(use: Use) -> None:
    [shown] = (await use(("run_check", {}), jobs=(failed_job("zebra --check"),))).results

    assert "zebra is not on this worker" in shown.text


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_submission_is_answered_later_and_ends_the_reply(use: Use) -> None:
    done = await use(FIX, ("submit", {"summary": "Off by\none.\u202e"}), create("late.txt", "x"))

    assert [each.call_id for each in done.results] == ["toolu_0", "toolu_2"]
    assert done.submission is not None
    assert done.submission.id == "toolu_1"
    assert done.summary == "Off by one."
    assert "late.txt" not in done.diff
    assert "the session had ended" in done.results[1].text


async def test_giving_up_says_why(use: Use) -> None:
    done = await use(("give_up", {"reason": "A secret is missing."}))

    assert (done.gave_up, done.submission) == ("A secret is missing.", None)


async def test_a_reply_with_too_many_calls_gets_the_first_ones(use: Use) -> None:
    done = await use(*[("list", {})] * (CALLS + 3))

    assert [each.is_error for each in done.results] == [False] * CALLS + [True] * 3


def test_the_tools_are_described_as_the_api_wants_them() -> None:
    names = [tool["name"] for tool in TOOLS]
    assert names == [EDITOR, "search", "list", "read_log", "run_check", "submit", "give_up"]
    assert TOOLS[0]["type"] == "text_editor_20250728"
    for tool in TOOLS[1:]:
        assert tool["description"]
        assert tool["input_schema"]["type"] == "object"
