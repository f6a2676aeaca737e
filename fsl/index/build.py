"""Build an index from a folder of embeddings, one shard in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from fsl.base.errors import DataError, SettingsError
from fsl.base.progress import Progress
from fsl.base.types import Float32Array
from fsl.embedding.shards import EmbeddingStore
from fsl.index.engines import PACKAGES, EngineName, build_graph, engine_for, is_installed
from fsl.index.folder import EMBEDDINGS, GRAPH, NAMES, IndexHeader, fingerprint, new_folder, write_header
from fsl.index.space import SearchSpace, search_space
from fsl.twin.checkpoint import Checkpoint

EXACT_BELOW = 6_000
"""Number of pictures below which no graph is built by default.

With `photos`, batches of 64 queries are as fast without a graph up to here, and single ones are slower
(docs/scale.md; ``python -m bench index``).
"""
_COLUMNS = pa.schema([("image", pa.string()), ("label", pa.string())])


def choose_engine(checkpoint: Checkpoint, n: int, wanted: EngineName | None) -> tuple[EngineName, str]:
    """Return the engine of a new index, and what to tell the user about it, "" for nothing.

    Args:
        checkpoint: the network whose head compares.
        n: number of embeddings.
        wanted: the engine asked for; None for the fastest one.

    Raises:
        SettingsError: the engine asked for is not installed, or does not know the head's distance.
    """
    best = engine_for(search_space(checkpoint.twin.head))
    if wanted == "exact" or (wanted is None and n < EXACT_BELOW):
        return "exact", ""
    if wanted is not None and wanted != best:
        raise SettingsError(f"The head of {checkpoint.info.name} needs the engine {best}, not {wanted}.")
    if is_installed(best):
        return best, ""
    if wanted is not None:
        raise SettingsError(f"The engine {best} is not installed: pip install {PACKAGES[best]}")
    return "exact", without_engine(best, n)


def without_engine(engine: EngineName, n: int) -> str:
    """Return what to say where a library is missing, so that a search compares with everything."""
    return (
        f"{engine} is not installed, so each search compares with all {n:,} pictures. It is faster with it: "
        f"pip install {PACKAGES[engine]}"
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
        store: the embeddings.
        checkpoint: the network that made them.
        out: the new folder.
        engine: as ``choose_engine`` returns it.
        progress: called with (done, total) embeddings; a graph counts them twice.

    Raises:
        DataError: another network made the embeddings, the folder exists, or a shard is damaged.
        WriteError: the disk is full or the folder cannot be written.
    """
    plan = store.plan
    require_same_network(checkpoint, plan.network, plan.digest, str(store.folder))
    if not store.n_rows:
        raise DataError(f"{store.folder} holds no embedding, so there is nothing to search.")
    space = search_space(checkpoint.twin.head)
    has_graph = engine != "exact" and space is not None
    done, total = 0, store.n_rows * (2 if has_graph else 1)

    def advance(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total)

    with new_folder(out) as folder:
        embeddings = _write_rows(store, folder, advance)
        if has_graph and space is not None:
            build_graph(engine, folder / GRAPH, space, _vectors(embeddings, space, plan.shard_size), advance)
        files = [EMBEDDINGS, NAMES, *([GRAPH] if has_graph else [])]
        prints = {name: fingerprint(folder / name) for name in files}
        header = IndexHeader(plan.network, plan.digest, plan.dimension, store.n_rows, engine, prints)
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


def _write_rows(store: EmbeddingStore, folder: Path, advance: Callable[[int], None]) -> Float32Array:
    """Copy embeddings and names into the files of the index; return the embeddings, memory-mapped."""
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
    return embeddings


def _vectors(embeddings: Float32Array, space: SearchSpace, step: int) -> Iterator[Float32Array]:
    for start in range(0, len(embeddings), step):
        yield space.vectors(torch.from_numpy(np.array(embeddings[start : start + step])))
