"""Errors that a user can act on.

Each message says in one or two plain sentences what is wrong, with which file or value, and what to do.
Pages and the command line show ``str(error)`` unchanged, and never a traceback.
"""

from __future__ import annotations

from pathlib import Path


class FslError(Exception):
    """Base class of errors that the user can correct."""


class SettingsError(FslError, ValueError):
    """A setting is out of range or contradicts another one."""


class DataError(FslError):
    """A folder, archive or data set cannot be used."""


class ImageReadError(DataError):
    """One image cannot be read.

    Args:
        name: the file's name as the user knows it.
        reason: what is wrong with it, as a clause ("the file is cut off").
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class NoFaceError(DataError):
    """A picture in which a face network finds no face."""

    def __init__(self) -> None:
        super().__init__("no face was found in it")


class CheckpointError(FslError):
    """A checkpoint file is missing, damaged or unsafe, or does not fit the network."""


class WriteError(FslError):
    """A file or folder cannot be written or removed: the disk is full, or the folder is read-only or gone.

    Args:
        cause: the error of the operating system.
        advice: what the user can do, in full sentences.
        done: the action that failed, "written" or "removed".
    """

    def __init__(self, path: Path, cause: OSError, advice: str = "", done: str = "written") -> None:
        super().__init__(f"{path} could not be {done}: {cause.strerror or cause}. {advice}".strip())


class DeviceMemoryError(FslError):
    """The GPU has too little free memory."""
