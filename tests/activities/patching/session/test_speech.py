import pytest

from activities.patching.session.speech import told

TOKEN = "ghp_" + "a1B2" * 9
EDITOR = "editor"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": f"I saw {TOKEN} in the log."},
        {
            "type": "tool_use",
            "id": "1",
            "name": "submit",
            "input": {"summary": f"Used {TOKEN}.", "number": 3},
        },
        {"type": "tool_use", "id": "1", "name": "search", "input": {"pattern": TOKEN}},
    ],
)
def test_a_secret_in_what_a_model_says_does_not_enter_history(block: dict[str, object]) -> None:
    said = told(block, exact=EDITOR)
    assert TOKEN not in str(said)
    assert "\u00abredacted:" in str(said)
    assert said.keys() == block.keys()


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "Nothing to hide."},
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "tool_use", "id": "1", "name": EDITOR, "input": {"command": "create", "file_text": TOKEN}},
        {"type": "tool_use", "id": "1", "name": "submit", "input": "not an object"},
        {"type": "text"},
    ],
)
def test_everything_else_goes_on_as_it_was_said(block: dict[str, object]) -> None:
    assert told(block, exact=EDITOR) == block
