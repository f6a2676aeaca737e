"""Build an index from a folder of embeddings, one shard in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from fsl.base.errors import DataError, SettingsError
from fsl.base.progress import Progress
from fsl.base.types import IntArray
from fsl.embedding.shards import EmbeddingStore
from fsl.index.engines import PACKAGE, SAMPLE, EngineName, build_engine, is_installed, write_engine
from fsl.index.folder import (
    AXES,
    EMBEDDINGS,
    ENGINE,
    NAMES,
    IndexHeader,
    fingerprint,
    new_folder,
    write_header,
)
from fsl.index.space import SearchSpace, search_space, shortened
from fsl.twin.checkpoint import Checkpoint

EXACT_BELOW = 6_000
"""Number of pictures below which a search compares with all by default (docs/scale.md)."""
_BLOCK = 4_096
_COLUMNS = pa.schema([("image", pa.string()), ("label", pa.string())])


def choose_engine(checkpoint: Checkpoint, n: int, wanted: EngineName | None) -> tuple[EngineName, str]:
    """Return the engine of a new index, and what to tell the user about it, "" for nothing.

    Args:
        checkpoint: the network whose head compares.
        wanted: the engine asked for; None for the fastest one.

    Raises:
        SettingsError: the engine asked for is not installed, or does not know the head's distance.
    """
    if wanted == "exact" or (wanted is None and n < EXACT_BELOW):
        return "exact", ""
    if search_space(checkpoint.twin.head) is None:
        if wanted is not None:
            raise SettingsError(f"faiss does not know the distance of {checkpoint.info.name}: use exact.")
        return "exact", ""
    if is_installed():
        return "faiss", ""
    if wanted is not None:
        raise SettingsError(f"The engine faiss is not installed: pip install {PACKAGE}")
    return "exact", without_engine(n)


def without_engine(n: int) -> str:
    """Return what to say where a library is missing, so that a search compares with everything."""
    return (
        f"faiss is not installed, so each search compares with all {n:,} pictures. It is faster with it: "
        f"pip install {PACKAGE}"
    )


def build_index(
    store: EmbeddingStore,
    checkpoint: Checkpoint,
    out: Path,
    engine: EngineName,
    progress: Progress | None = None,
) -> IndexHeader:
    """Build an index, whole or not at all.

    Args:
        checkpoint: the network that made them.
        out: the new folder.
        engine: as ``choose_engine`` returns it.
        progress: called with (done, total) embeddings; with an engine they count twice.

    Raises:
        DataError: another network made the embeddings, the folder exists, or a shard is damaged.
        WriteError: the disk is full or the folder cannot be written.
    """
    plan = store.plan
    require_same_network(checkpoint, plan.network, plan.digest, str(store.folder))
    if not store.n_rows:
        raise DataError(f"{store.folder} holds no embedding, so there is nothing to search.")
    space = search_space(checkpoint.twin.head)
    has_engine = engine != "exact" and space is not None
    done, total = 0, store.n_rows * (2 if has_engine else 1)

    def advance(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total)

    with new_folder(out) as folder:
        _write_rows(store, folder, advance)
        if has_engine and space is not None:
            add_engine(folder, store.n_rows, space, plan.shard_size, advance)
        prints = {path.name: fingerprint(path) for path in sorted(folder.iterdir())}
        distance = space.distance if has_engine and space is not None else None
        header = IndexHeader(
            plan.network, plan.digest, plan.dimension, store.n_rows, engine, distance, prints
        )
        write_header(folder, header)
    return header


def require_same_network(checkpoint: Checkpoint, network: str, digest: str, what: str) -> None:
    """Check that a checkpoint is the one that made some embeddings.

    Args:
        checkpoint: the one to use now.
        network: name of the one that made them.
        digest: sha256 of the one that made them.
        what: the folder that holds them, for the message.

    Raises:
        DataError: it is another one.
    """
    if checkpoint.digest != digest:
        raise DataError(
            f"{what} was made with the network {network} ({digest[:12]}), which is not "
            f"{checkpoint.info.name} ({checkpoint.digest[:12]}). Name that network with --checkpoint, or "
            "embed the pictures again."
        )


def _write_rows(store: EmbeddingStore, folder: Path, advance: Callable[[int], None]) -> None:
    """Copy embeddings and names into the files of the index."""
    shape = (store.n_rows, store.plan.dimension)
    embeddings = np.lib.format.open_memmap(folder / EMBEDDINGS, mode="w+", dtype=np.float32, shape=shape)
    done = 0
    with pa.OSFile(str(folder / NAMES), "wb") as file, pa.ipc.new_file(file, _COLUMNS) as names:
        for rows in store:
            embeddings[done : done + len(rows.names)] = rows.embeddings
            columns = [pa.array(rows.names, pa.string()), pa.array(rows.labels, pa.string())]
            names.write_batch(pa.record_batch(columns, schema=_COLUMNS))
            done += len(rows.names)
            advance(len(rows.names))
    embeddings.flush()


def add_engine(folder: Path, n: int, space: SearchSpace, step: int, advance: Callable[[int], None]) -> None:
    """Write what proposes candidates into the folder of an index.

    Args:
        folder: of the index, with its embeddings.
        n: number of them.
        space: of the network's head.
        step: number of embeddings to read at a time.
        advance: called with the number of vectors that were added.
    """
    # Read once for the axes and once for the lists, where there are any: the whole sample is 400 MB and more.
    space = shortened(space, _sample(folder, n))
    sample = map(space.vectors, _sample(folder, n))
    blocks = (space.vectors(_rows(folder, slice(at, at + step))) for at in range(0, n, step))
    write_engine(build_engine(space, n, sample, blocks, advance), folder / ENGINE)
    if space.axes is not None:
        np.save(folder / AXES, space.axes.numpy())


def _sample(folder: Path, n: int) -> Iterator[Tensor]:
    rows = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64)
    for start in range(0, len(rows), _BLOCK):
        yield _rows(folder, rows[start : start + _BLOCK])


def _rows(folder: Path, rows: IntArray | slice) -> Tensor:
    # Mapped anew each time: pages of one mapping would count as memory of this process until its end.
    return torch.from_numpy(np.array(np.load(folder / EMBEDDINGS, mmap_mode="r")[rows]))
