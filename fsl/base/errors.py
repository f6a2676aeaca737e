"""The errors a user can act on.

Every message is one or two plain sentences: what was wrong, with which file or value, and what to do.
Pages and the command line show ``str(error)`` as it is and never a traceback.
"""

from __future__ import annotations

from pathlib import Path


class FslError(Exception):
    """Base of every error that is the user's to mend; ``str(error)`` is shown as is."""


class SettingsError(FslError, ValueError):
    """A setting is outside its range or contradicts another one."""


class DataError(FslError):
    """A folder, archive or data set cannot be used."""


class ImageReadError(DataError):
    """One image cannot be read.

    Args:
        name: the file's name as its owner knows it.
        reason: what is wrong with it, as a clause ("the file is cut off").
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class CheckpointError(FslError):
    """A checkpoint file is missing, damaged, unsafe or does not fit the network."""


class WriteError(FslError):
    """A file or folder cannot be written or removed: a full disk, a folder that is read-only or gone.

    Args:
        path: of the file or folder.
        cause: what the system said.
        advice: what to do, in sentences of its own.
        done: what could not be done, "written" or "removed".
    """

    def __init__(self, path: Path, cause: OSError, advice: str = "", done: str = "written") -> None:
        super().__init__(f"{path} could not be {done}: {cause.strerror or cause}. {advice}".strip())


class DeviceMemoryError(FslError):
    """The GPU has not enough free memory."""
