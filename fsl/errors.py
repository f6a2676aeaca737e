"""The errors a user can act on.

Every message is one or two plain sentences: what was wrong, with which file or value, and what to do.
Pages and the command line show ``str(error)`` as it is and never a traceback.
"""

from __future__ import annotations


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


class DeviceMemoryError(FslError):
    """The GPU has not enough free memory."""
