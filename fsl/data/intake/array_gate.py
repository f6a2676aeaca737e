"""Check a file of NumPy arrays before NumPy reads it: it takes the memory that the file's headers ask for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO

import numpy as np

from fsl.base.errors import DataError
from fsl.base.files import open_plain
from fsl.data.intake.zip_gate import ImportLimits, check_room, objection, open_zip

_ZIP_START = b"PK"
_MOST_ARRAYS = 64
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def check_arrays(path: Path, most_bytes: int) -> None:
    """Refuse a file of arrays that would take more memory than it may, or than it holds.

    Args:
        path: a ``.npy`` or ``.npz`` file.
        most_bytes: size of all arrays together.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is damaged, or its arrays are too large.
    """
    with open_plain(path) as file:
        if file.read(2) != _ZIP_START:
            file.seek(0)
            _check_array(file, min(most_bytes, path.stat().st_size))
            return
    limits = ImportLimits(
        max_entries=_MOST_ARRAYS, max_unpacked_bytes=most_bytes, max_ratio=math.inf, max_file_bytes=most_bytes
    )
    try:
        with open_zip(path, path.name, limits) as archive:
            check_room(archive.infolist(), path.stat().st_size, path.name, limits)
            for info in archive.infolist():
                if problem := objection(info, limits):
                    raise ValueError(f"{info.filename} {problem}")
                with archive.open(info) as member:
                    _check_array(member, info.file_size)
    except DataError as error:
        raise ValueError(str(error)) from error
    except (NotImplementedError, RuntimeError) as error:  # a way of packing that zipfile does not know
        raise ValueError(f"{path.name} is damaged ({error})") from error


def _check_array(file: IO[bytes], n_bytes: int) -> None:
    """Refuse an array whose header states more values than there are bytes for."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"an array has format {version}, which is not read")
    try:
        shape, _, dtype = _HEADERS[version](file)
    except Exception as error:  # NumPy takes the header for Python, and raises what that raises
        raise ValueError("the header of an array is damaged") from error
    if math.prod(shape) * max(1, dtype.itemsize) > n_bytes:
        raise ValueError("an array states more values than the file holds")
