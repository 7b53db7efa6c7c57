"""What an examination finds, in words for whoever has to act."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    WARNING = "warning"
    """It works, or part of it does not."""
    PROBLEM = "problem"
    """Remediations will fail until it is changed."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    part: str
    """publisher, reader, webhook or ci."""
    text: str
    remedy: str = ""
    """What to change; empty where nothing need be."""


def fine(part: str, text: str) -> Finding:
    """As it should be."""
    return Finding(Level.FINE, part, text)


def warning(part: str, text: str, remedy: str) -> Finding:
    """Worth a look."""
    return Finding(Level.WARNING, part, text, remedy)


def problem(part: str, text: str, remedy: str) -> Finding:
    """Has to be changed."""
    return Finding(Level.PROBLEM, part, text, remedy)
