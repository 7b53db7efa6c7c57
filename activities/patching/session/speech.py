"""Text that passes between a model and what strangers wrote."""

from typing import Final

from activities.evidence.redaction import redact

_SENTENCE_CHARACTERS: Final = 500


def quoted(tag: str, text: str, *, most: int) -> str:
    """What a stranger wrote, for the model: without secrets, within `most` characters, in the session's tag.

    Of a longer text the end is left out, and that is said.
    """
    clean = redact(text)
    if len(clean) > most:
        clean = f"{clean[:most]}\n… {len(clean) - most:,} more characters are left out …"
    return f"<untrusted-{tag}>\n{clean}\n</untrusted-{tag}>"


def sentence(text: str) -> str:
    """What a model said, for people: one line without secrets, unseen characters or any great length."""
    line = " ".join(redact(text[: 4 * _SENTENCE_CHARACTERS]).split())
    return "".join(character for character in line if character.isprintable())[:_SENTENCE_CHARACTERS]
