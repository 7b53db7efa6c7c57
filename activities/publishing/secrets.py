"""The last look at a text before it leaves for GitHub."""

from activities.errors import PermanentError
from activities.evidence.redaction import contains_secret


def refuse_secrets(*texts: str) -> None:
    """Let the texts pass, or none of them.

    Raises:
        PermanentError: `forbidden`: one holds what looks like a secret. The error does not say what.
    """
    if any(contains_secret(text) for text in texts):
        raise PermanentError(
            "the text holds what looks like a secret; it was not published", kind="forbidden"
        )
