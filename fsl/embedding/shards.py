"""Embeddings of many pictures as a folder of Parquet files, the shards.

Each shard has the columns ``image``, ``label`` and ``embedding`` (float32, a list of fixed length) and covers
consecutive pictures of the data. It is written whole or not at all, and its metadata says which pictures and
which network it belongs to. So work that broke off goes on with the shards that are missing, or whose
pictures have changed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fsl.base.errors import DataError
from fsl.base.files import write_atomically
from fsl.base.text import count
from fsl.base.types import Float32Array
from fsl.data.intake.listing import Problem
from fsl.data.loading import share_of

METADATA_KEY = b"few_shot_lab"
SHARD_SIZE = 2_048
_ANOTHER_FOLDER = "Name a new folder with --out, or remove this one."


@dataclass(frozen=True)
class StorePlan:
    """What a folder of shards holds: it is the same for every shard, and for work that goes on later.

    Attributes:
        network: name of the checkpoint.
        digest: sha256 of the checkpoint.
        dimension: D, length of an embedding.
        n_pictures: number of pictures, readable or not.
        pictures: sha256 of their names and classes, in order.
        shard_size: most pictures of a shard.
    """

    network: str
    digest: str
    dimension: int
    n_pictures: int
    pictures: str
    shard_size: int = SHARD_SIZE

    @property
    def n_shards(self) -> int:
        """Return the number of shards."""
        return -(-self.n_pictures // self.shard_size)

    def rows(self, number: int) -> slice:
        """Return which pictures a shard covers; shards differ in length by one at most."""
        return share_of(self.n_pictures, (number, self.n_shards))


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The content of a shard.

    Attributes:
        names: n names of pictures.
        labels: n names of classes.
        embeddings: float32 ``(n, D)``.
        unread: the pictures of the shard that could not be read.
        version: changes when a picture of the shard does; "" if that is not known.
    """

    names: Sequence[str]
    labels: Sequence[str]
    embeddings: Float32Array
    unread: Sequence[Problem] = ()
    version: str = ""


@dataclass(frozen=True)
class ShardInfo:
    """What the file of a shard says about it.

    Attributes:
        plan: of the folder that it belongs to.
        n_rows: number of embeddings.
        unread, version: see :class:`ShardRows`.
    """

    plan: StorePlan
    n_rows: int
    unread: tuple[Problem, ...]
    version: str


def pictures_digest(names: Sequence[str], labels: Sequence[str]) -> str:
    """Return a sha256 in hexadecimal of the names and classes of pictures, in order."""
    digest = hashlib.sha256()
    for name, label in zip(names, labels, strict=True):
        digest.update(f"{name}\0{label}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


def shard_path(folder: Path, number: int) -> Path:
    """Return the file of a shard."""
    return folder / f"part-{number:06d}.parquet"


def write_shard(folder: Path, plan: StorePlan, number: int, rows: ShardRows) -> None:
    """Write a shard, whole or not at all.

    Raises:
        WriteError: the disk is full or the folder cannot be written.
    """
    values = pa.array(np.ascontiguousarray(rows.embeddings, np.float32).reshape(-1))
    columns = {
        "image": pa.array(list(map(_valid, rows.names)), pa.string()),
        "label": pa.array(list(map(_valid, rows.labels)), pa.string()),
        "embedding": pa.FixedSizeListArray.from_arrays(values, plan.dimension),
    }
    unread = [[_valid(one.name), one.reason] for one in rows.unread]
    about = {"plan": asdict(plan), "shard": number, "unread": unread, "version": rows.version}
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(about).encode()})
    out = io.BytesIO()
    # Embeddings look random: compressing them takes time and saves nothing.
    pq.write_table(table, out, compression="none", use_dictionary=["label"], write_statistics=["label"])
    write_atomically(shard_path(folder, number), out.getvalue())


def standing_shards(folder: Path, plan: StorePlan, is_current: Callable[[int, ShardInfo], bool]) -> set[int]:
    """Return the numbers of the shards that are written already.

    Args:
        is_current: says of a shard that is there whether its pictures are still the same.

    Raises:
        DataError: the folder holds something else, or shards of another network, of other pictures or of
            another size; the message says which.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file. Name a folder with --out.")
    found = {file: _info(file) for file in _shard_files(folder)}
    if not found and folder.is_dir() and any(not one.name.startswith(".") for one in folder.iterdir()):
        raise DataError(f"{folder} holds other files, and no embeddings. Name a new folder with --out.")
    for file, info in found.items():
        _refuse_other(file, info.plan, plan)
    there = {number: found.get(shard_path(folder, number)) for number in range(plan.n_shards)}
    return {number for number, info in there.items() if info is not None and is_current(number, info)}


def _refuse_other(file: Path, found: StorePlan, plan: StorePlan) -> None:
    if found.digest != plan.digest:
        what = f"embeddings of another network ({found.network})"
    elif found.shard_size != plan.shard_size:
        what = f"shards of {found.shard_size:,} pictures, not of {plan.shard_size:,}"
    elif found != plan:
        what = (
            f"embeddings of other pictures ({found.n_pictures:,} instead of {plan.n_pictures:,}, or other "
            "names): the data, --part or --classes has changed"
        )
    else:
        return
    raise DataError(f"{file} holds {what}. {_ANOTHER_FOLDER}")


@dataclass(frozen=True)
class EmbeddingStore:
    """A complete folder of shards.

    Attributes:
        folder: where they lie.
        plan: what they hold.
        n_rows: number of embeddings.
        unread: the pictures that could not be read.
    """

    folder: Path
    plan: StorePlan
    n_rows: int
    unread: tuple[Problem, ...]

    def __iter__(self) -> Iterator[ShardRows]:
        """Yield the shards in order, one in memory at a time.

        Raises:
            DataError: a file is damaged.
        """
        for number in range(self.plan.n_shards):
            yield _read_rows(shard_path(self.folder, number), self.plan.dimension)


def is_store(path: Path) -> bool:
    """Return whether a path is a folder of shards."""
    return path.is_dir() and bool(_shard_files(path))


def open_store(folder: Path) -> EmbeddingStore:
    """Open a folder of shards; only their metadata is read.

    Raises:
        DataError: shards are missing, damaged or do not belong together.
    """
    files = _shard_files(folder)
    if not files:
        raise DataError(f"{folder} holds no embeddings. `fsl embed --out {folder}` writes some.")
    infos = [_info(file) for file in files]
    plan = infos[0].plan
    for file, info in zip(files, infos, strict=True):
        _refuse_other(file, info.plan, plan)
    missing = {shard_path(folder, number) for number in range(plan.n_shards)}.difference(files)
    if missing:
        raise DataError(
            f"{folder} is not complete: {count(len(missing), 'shard')} of {plan.n_shards:,} missing. "
            "Repeat the command that wrote it; it goes on where it stopped."
        )
    unread = tuple(problem for info in infos for problem in info.unread)
    return EmbeddingStore(folder, plan, sum(info.n_rows for info in infos), unread)


def _shard_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _info(file: Path) -> ShardInfo:
    """Return what the footer of a shard's file says; early versions of the program wrote no version there."""
    try:
        footer = pq.read_metadata(file)
        about: dict[str, Any] = json.loads(footer.metadata[METADATA_KEY])
        plan = StorePlan(**about["plan"])
        unread = tuple(Problem(str(name), str(reason)) for name, reason in about["unread"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(_damaged(file)) from error
    return ShardInfo(plan, int(footer.num_rows), unread, str(about.get("version", "")))


def _read_rows(file: Path, dimension: int) -> ShardRows:
    try:
        table = pq.read_table(file, columns=["image", "label", "embedding"], memory_map=True)
        flat = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        embeddings = flat.astype(np.float32, copy=False).reshape(-1, dimension)
        return ShardRows(table["image"].to_pylist(), table["label"].to_pylist(), embeddings)
    except (OSError, pa.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise DataError(_damaged(file)) from error


def _damaged(file: Path) -> str:
    return f"{file} is damaged, or no file of embeddings. Remove it and repeat `fsl embed` to replace it."


def _valid(text: str) -> str:
    """Return text that UTF-8 can hold; names of files need not be."""
    return text.encode(errors="backslashreplace").decode()
