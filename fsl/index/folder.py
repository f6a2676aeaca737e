"""An index as a folder: a header, the embeddings, the names, and what faiss needs to propose candidates.

The folder is written under another name and then renamed, so it is whole or not there. The header holds a
fingerprint of each file and the digest of the checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from fsl.base.errors import DataError, WriteError
from fsl.index.engines import EngineName
from fsl.index.space import Distance

HEADER, EMBEDDINGS, NAMES = "header.json", "embeddings.npy", "names.arrow"
ENGINE, AXES = "candidates.faiss", "axes.npy"
_FORMAT = 2
_SAMPLE, _N_SAMPLES = 2**16, 256


@dataclass(frozen=True)
class IndexHeader:
    """What an index holds.

    Attributes:
        network: name of the checkpoint.
        digest: sha256 of the checkpoint.
        dimension: D, length of an embedding.
        n: number of pictures.
        engine: library that proposes candidates; "exact" for none.
        distance: by which it proposes them; None without an engine.
        fingerprints: of the files, by their names.
        format: of the folder.
    """

    network: str
    digest: str
    dimension: int
    n: int
    engine: EngineName
    distance: Distance | None
    fingerprints: dict[str, str]
    format: int = _FORMAT


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder to write into, which gets its name at the end of the block.

    Args:
        out: the name; what a build of that name left behind when it was killed is removed.

    Raises:
        DataError: there is such a file or folder already.
        WriteError: it cannot be written.
    """
    refuse_existing(out)
    place = out.resolve()  # "." and ".." are no names
    temporary = place.with_name(f".{place.name}.building")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        _put_in_place(temporary, place)
    except OSError as error:
        raise WriteError(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(built: Path, out: Path) -> None:
    """Rename a folder; or move its files into an empty one, which may be the folder that the user is in."""
    if not out.is_dir():
        built.rename(out)
        return
    for file in sorted(built.iterdir(), key=lambda file: file.name == HEADER):  # without it there is no index
        file.rename(out / file.name)


def refuse_existing(out: Path) -> None:
    """Refuse to write where something is already.

    Raises:
        DataError: there is such a file or folder, and it is not empty.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out} exists already. Name a new folder with --out, or remove this one.")


def write_header(folder: Path, header: IndexHeader) -> None:
    """Write the header of an index."""
    text = json.dumps(asdict(header), indent=1)
    (folder / HEADER).write_text(f"{text}\n", encoding="utf-8")


def read_header(folder: Path) -> IndexHeader:
    """Read the header of an index, and compare its files with their fingerprints.

    Raises:
        DataError: it is no index, of a newer format, or damaged; the message names the file.
    """
    file = folder / HEADER
    if not file.is_file():
        raise DataError(f"{folder} is no index. `fsl index build --out {folder}` makes one.")
    try:
        header = IndexHeader(**json.loads(file.read_text(encoding="utf-8")))
        is_known = header.format == _FORMAT and header.engine in get_args(EngineName)
        fingerprints = dict(header.fingerprints)
    except (OSError, TypeError, ValueError) as error:
        raise DataError(damaged(file)) from error
    if not is_known:
        raise DataError(f"{folder} was made by another version of this program. Build the index again.")
    for name, expected in fingerprints.items():
        try:
            is_same = fingerprint(folder / name) == expected
        except OSError:
            is_same = False
        if not is_same:
            raise DataError(damaged(folder / name))
    return header


def damaged(file: Path) -> str:
    """Return what to say of a file of an index that cannot be used."""
    return f"{file} is missing or damaged. Build the index again."


def fingerprint(file: Path) -> str:
    """Return a sha256 in hexadecimal of a file's size and content; of large files, of 256 samples of it.

    Raises:
        OSError: the file cannot be read.
    """
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as content:
        if size <= _SAMPLE * _N_SAMPLES:
            digest.update(content.read())
        else:
            for number in range(_N_SAMPLES):
                content.seek((size - _SAMPLE) * number // (_N_SAMPLES - 1))
                digest.update(content.read(_SAMPLE))
    return digest.hexdigest()
