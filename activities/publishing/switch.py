"""The switches that are read before each write to GitHub: what cannot be read is closed."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from activities.adapters.github import GitHub
from activities.errors import PermanentError, ThrottledError
from activities.publishing.settings_file import read_settings
from workflows.repository_settings import PATH, RepositorySettings, SettingsReading

LOOK_AGAIN: Final = timedelta(minutes=1)


class WriteSwitch:
    """Whether Regreen may write at this moment: everywhere, and to one repository.

    Args:
        github: Where the repositories' own settings are read.
        pause_file: While this file exists, or cannot be looked for, nothing is written anywhere.
    """

    def __init__(self, github: GitHub, pause_file: Path | None = None) -> None:
        self._github = github
        self._pause_file = pause_file

    def require_running(self) -> None:
        """Return where writing is not paused everywhere.

        Raises:
            ThrottledError: It is; look again in a minute.
        """
        if self._pause_file is None:
            return
        try:
            self._pause_file.lstat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise ThrottledError(
                f"whether Regreen is paused cannot be told, so it is: {error.strerror}", delay=LOOK_AGAIN
            ) from error
        raise ThrottledError("Regreen is paused everywhere by its operator", delay=LOOK_AGAIN)

    async def require_open(self, repository: str) -> RepositorySettings:
        """Return its settings where this repository may be written to.

        Raises:
            ThrottledError: Regreen is paused everywhere.
            PermanentError: The repository's settings switch it off, or cannot be used.
            AdapterError: The settings cannot be read now.
        """
        self.require_running()
        reading = await self.settings(repository)
        if reading.problem:
            raise PermanentError(f"{PATH}: {reading.problem}", kind="settings_invalid")
        if not reading.settings.enabled:
            raise PermanentError(f"{PATH} switches Regreen off", kind="settings_disabled")
        return reading.settings

    async def settings(self, repository: str) -> SettingsReading:
        """What the default branch's settings file says now.

        Raises:
            AdapterError: It cannot be read now.
        """
        return read_settings(await self._github.get_file(repository, PATH))
