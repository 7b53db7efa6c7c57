"""How far a check's own repair reaches."""

from collections.abc import Awaitable, Callable

from workflows.models import PatchRequest, ProofState, Proposal

Request = Callable[..., PatchRequest]
Propose = Callable[..., Awaitable[Proposal]]


async def test_a_formatter_keeps_to_the_files_that_the_log_names(
    request_for: Request, propose: Propose
) -> None:
    files = {"src/named.py": "x = {  'a':1 }\n", "src/other.py": "y = {  'b':2 }\n"}
    log = "would reformat /home/runner/work/app/app/src/named.py\n\nOh no!\n1 file would be reformatted."
    proposal = await propose(request_for(files, "black --check .", log=log))
    assert proposal.files == ("src/named.py",)
    assert proposal.proof.state is ProofState.IMPROVED
    assert "did not complain of" in proposal.proof.detail


async def test_files_that_a_cut_log_does_not_show_are_repaired_too(
    request_for: Request, propose: Propose
) -> None:
    files = {"src/named.py": "x = {  'a':1 }\n", "src/other.py": "y = {  'b':2 }\n"}
    log = "would reformat src/named.py\n… 4 lines omitted …\n2 files would be reformatted."
    proposal = await propose(request_for(files, "black --check .", log=log))
    assert proposal.files == ("src/named.py", "src/other.py")
    assert proposal.proof.state is ProofState.PROVED


async def test_a_name_that_nothing_uses_goes_when_nothing_safer_helps(
    request_for: Request, propose: Propose
) -> None:
    files = {
        "app.py": "def f():\n    unused = print('x')\n    import os\n",
        "ruff.toml": 'lint.select = ["F"]\n',
    }
    proposal = await propose(request_for(files, "ruff check ."))
    assert proposal.proof.state is ProofState.PROVED
    assert "+    print('x')" in proposal.diff


async def test_what_ruff_calls_unsafe_and_changes_behaviour_is_not_applied(
    request_for: Request, propose: Propose
) -> None:
    files = {"app.py": "print('x')\n", "ruff.toml": 'lint.select = ["T20"]\n'}
    proposal = await propose(request_for(files, "ruff check ."))
    assert proposal.diff == ""
    assert "nothing it repairs by itself" in proposal.summary
