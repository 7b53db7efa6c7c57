"""Text that passes between a model and what strangers wrote."""

from typing import Final

from activities.evidence.redaction import redact
from workflows.session_models import Block

_SENTENCE_CHARACTERS: Final = 500


def quoted(tag: str, text: str, *, most: int) -> str:
    """What a stranger wrote, for the model: without secrets, within `most` characters, in the session's tag.

    Of a longer text the end is left out, and that is said.
    """
    clean = redact(text)
    if len(clean) > most:
        clean = f"{clean[:most]}\n… {len(clean) - most:,} more characters are left out …"
    return f"<untrusted-{tag}>\n{clean}\n</untrusted-{tag}>"


def told(block: Block, *, exact: str) -> Block:
    """A block of a model's reply as it may enter history: without secrets, where they mean nothing.

    Args:
        block: Text, thinking, or a call of a tool. Thinking is signed, so it stays as it is.
        exact: The tool whose input stays as it is: it is what files will hold, and the gate looks at those.
    """
    if block.get("type") == "text" and isinstance(block.get("text"), str):
        return {**block, "text": redact(block["text"])}
    if (
        block.get("type") == "tool_use"
        and block.get("name") != exact
        and isinstance(block.get("input"), dict)
    ):
        given = block["input"].items()
        return {
            **block,
            "input": {name: redact(value) if isinstance(value, str) else value for name, value in given},
        }
    return block


def sentence(text: str) -> str:
    """What a model said, for people: one line without secrets, unseen characters or any great length."""
    line = " ".join(redact(text[: 4 * _SENTENCE_CHARACTERS]).split())
    return "".join(character for character in line if character.isprintable())[:_SENTENCE_CHARACTERS]
