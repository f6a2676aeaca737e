"""What a command prints and writes: JSON, and result files."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fsl.base.errors import DataError, WriteError
from fsl.base.files import write_atomically
from fsl.base.json_values import in_ascii, json_text


def add_json_option(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help=text)


def print_json(value: object) -> None:
    """Print one JSON document on stdout, escaping names only if stdout's encoding cannot show them.

    Numbers that JSON does not know (infinite, or not a number) become null.
    """
    text = json_text(value, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = in_ascii(text)
    print(text)


def write_result(path: Path, content: str | bytes) -> None:
    """Write a result file as a whole or not at all; text as UTF-8.

    Devices, pipes and the file that stdout goes to (/dev/stdout) are written to directly: a new file in the
    place of the last one would miss what is printed later.

    Raises:
        WriteError: the file cannot be written.
    """
    # The text may hold file names that are not valid Unicode.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        if _is_stdout(path):
            sys.stdout.flush()
            with open(1, "wb", closefd=False) as stdout:
                stdout.write(data)
        elif _is_special(path):
            path.write_bytes(data)
        else:
            write_atomically(path.resolve(), data)  # a link stays, and its target is replaced
    except OSError as error:
        raise WriteError(path, error) from error


def require_writable(file: Path, option: str) -> None:
    """Check that the result file which ``option`` names can be written, before the work on the result.

    Raises:
        DataError: it is a folder, its folder does not exist, or this user may not write there.
    """
    if file.is_dir():
        raise DataError(f"{option} is {file}, which is a folder. Name a file in it.")
    if not file.parent.is_dir():
        raise DataError(f"{option} is {file}, but there is no folder {file.parent}. Make it first.")
    if not os.access(file if _is_special(file) else file.parent, os.W_OK):
        raise DataError(f"{option} is {file}, which may not be written there. Name another folder.")


def _is_stdout(file: Path) -> bool:
    return file.exists() and os.path.samestat(file.stat(), os.fstat(1))


def _is_special(file: Path) -> bool:
    """Return whether the path is a device or a pipe: it exists and is not a regular file."""
    return file.exists() and not file.is_file()
