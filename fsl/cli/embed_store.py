"""``embed --out DIR``: write a folder of Parquet shards, with any engine, and go on where it stopped."""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fsl.base.errors import DataError, SettingsError, WriteError
from fsl.base.settings import check_range
from fsl.base.text import count
from fsl.cli.common import progress_bar, report, report_notes
from fsl.cli.output import print_json
from fsl.data.catalogue import absolute_key
from fsl.data.intake.splits import read_class_list
from fsl.embedding.embed_shards import EmbedRequest, ShardEmbedder, require_embeddings
from fsl.embedding.ray_engine import embed_with_ray
from fsl.embedding.shards import SHARD_SIZE, EmbeddingStore, open_store, standing_shards
from fsl.training.distributed import ProcessGroup, join_process_group

# A process may have one shard more than another, and a shard may take long on a processor.
_LONGEST_WAIT = timedelta(days=1)


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only a folder of shards has."""
    parser.add_argument(
        "--shard-size",
        type=int,
        default=SHARD_SIZE,
        help="most pictures of a Parquet file, for --out DIR (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="who embeds, for --out DIR: this process and those of torchrun, or a pool of Ray's actors "
        "(default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="actors of Ray (default: %(default)s)")
    parser.add_argument(
        "--ray-address", default="", metavar="ADDRESS", help="a running Ray cluster (default: this machine)"
    )


def embed_into_store(options: argparse.Namespace) -> None:
    """Embed all pictures that are not in the folder yet, or changed since, and print what it holds then."""
    check_range("--shard-size", options.shard_size, 1, 2**20)
    check_range("--workers", options.workers, 1, 4096)
    began = time.perf_counter()
    pool = RayPool(options.workers, options.ray_address) if options.engine == "ray" else None
    request = request_of(options, options.out.absolute(), options.shard_size)
    store, n_before = write_store(request, pool)
    report(store.unread)
    require_embeddings(store.n_rows, store.unread)
    seconds, plan = time.perf_counter() - began, store.plan
    if options.json:
        about = {"images": store.n_rows, "dimension": plan.dimension, "seconds": round(seconds, 2)}
        print_json({**about, "shards": plan.n_shards, "shards_before": n_before})
    else:
        kept = f" ({n_before:,} were there)" if n_before else ""
        print(
            f"{store.n_rows:,} embeddings of {plan.dimension} values in {seconds:.1f} s: "
            f"{options.out}, {count(plan.n_shards, 'shard')}{kept}"
        )


@dataclass(frozen=True)
class RayPool:
    """How to embed with Ray: the number of actors, and the address of a cluster, "" for this machine."""

    workers: int = 1
    address: str = ""


def write_store(
    request: EmbedRequest, pool: RayPool | None = None, *, replace: bool = False
) -> tuple[EmbeddingStore, int]:
    """Embed what is missing in a folder of shards, or has changed.

    Args:
        pool: Ray's actors; None for this process and those of torchrun.
        replace: remove what the folder holds if it does not belong to the request.

    Returns:
        the complete folder, and how many of its shards were there before. Processes of torchrun other than
        the first one end the program instead.

    Raises:
        DataError: the folder holds something else, or the data cannot be used.
        SettingsError: Ray is asked for under torchrun.
    """
    with join_process_group(request.device, timeout=_LONGEST_WAIT) as group:
        with progress_bar("finding images") as progress:
            embed = ShardEmbedder(request, progress)
        report(embed.problems)
        report_notes(embed.notes)
        standing = _standing(embed, replace)
        _make_folder(request.out)
        if pool is not None:
            if group.world_size > 1:
                raise SettingsError("--engine ray starts its own processes; run it without torchrun.")
            _with_ray(embed, standing, pool)
        else:
            _here(embed, standing, group)
        group.gather_objects([group.rank])  # the others are done
    if not group.is_main:
        raise SystemExit(0)
    return open_store(request.out), len(standing)


def _standing(embed: ShardEmbedder, replace: bool) -> set[int]:
    out = embed.request.out
    try:
        return standing_shards(out, embed.plan, embed.is_current)
    except DataError:
        if not replace:
            raise
        shutil.rmtree(out, ignore_errors=True)
        return standing_shards(out, embed.plan, embed.is_current)


def request_of(options: argparse.Namespace, out: Path, shard_size: int = SHARD_SIZE) -> EmbedRequest:
    """Return what a command line asks to embed; with absolute paths, which other machines may share.

    Args:
        options: with the options of data, checkpoint and device.
        out: the folder of shards.
        shard_size: most pictures of a shard.
    """
    file = Path(options.checkpoint)
    return EmbedRequest(
        absolute_key(options.data),
        out,
        str(file.absolute()) if file.is_file() else options.checkpoint,
        options.device,
        options.part or "",
        () if options.classes is None else read_class_list(options.classes),
        shard_size,
    )


def _here(embed: ShardEmbedder, standing: set[int], group: ProcessGroup) -> None:
    """Embed this process's shards: every n-th one, so that it does not matter who lists the folder when."""
    mine = range(group.rank, embed.plan.n_shards, group.world_size)
    missing = [number for number in mine if number not in standing]
    sizes = [embed.plan.rows(number) for number in missing]
    total, done = sum(rows.stop - rows.start for rows in sizes), 0
    with progress_bar("embedding") as progress:
        for number in missing:
            start = done

            def report_pictures(of_shard: int, _: int, start: int = start) -> None:
                progress(start + of_shard, total)

            done += embed(number, report_pictures)


def _with_ray(embed: ShardEmbedder, standing: set[int], pool: RayPool) -> None:
    missing = [number for number in range(embed.plan.n_shards) if number not in standing]
    if missing:
        with progress_bar("embedding shards") as progress:
            embed_with_ray(embed.request, missing, pool.workers, pool.address, progress)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(folder, error) from error
