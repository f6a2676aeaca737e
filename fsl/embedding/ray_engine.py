"""Embed shards with Ray Data: a pool of actors on this machine or on a cluster.

Each actor makes a :class:`~fsl.embedding.embed_shards.ShardEmbedder` once and writes the shards that it is
given. So the data, the checkpoint and the output folder must have the same paths on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from fsl.base.errors import FslError, SettingsError
from fsl.base.progress import Progress
from fsl.embedding.embed_shards import EmbedRequest, ShardEmbedder


class _Actor:
    """What Ray keeps in each of its processes."""

    def __init__(self, request: EmbedRequest) -> None:
        self._embed = ShardEmbedder(request)

    def __call__(self, row: dict[str, int]) -> dict[str, int]:
        return {"pictures": self._embed(row["shard"])}


def embed_with_ray(
    request: EmbedRequest,
    shards: Sequence[int],
    workers: int,
    address: str = "",
    progress: Progress | None = None,
) -> None:
    """Embed shards with an actor pool.

    Args:
        request: what to embed, with absolute paths.
        shards: numbers of the shards to write.
        workers: number of actors, 1 or more; each takes a GPU if the request's device is "cuda".
        address: of a running cluster ("auto", "ray://HOST:10001"); "" starts Ray on this machine.
        progress: called with (done, total) shards.

    Raises:
        SettingsError: Ray is not installed.
        FslError: an actor failed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise SettingsError('--engine ray needs Ray: pip install "ray[data]".') from None
    here = {"address": address} if address else {"include_dashboard": False}
    ray.init(log_to_driver=False, logging_level="error", ignore_reinit_error=True, **here)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        work = ray.data.from_items([{"shard": n} for n in shards], override_num_blocks=len(shards)).map(
            _Actor,
            fn_constructor_args=(request,),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=max(1, (os.cpu_count() or 1) // workers) if not address else 1,
            num_gpus=1 if request.device == "cuda" else 0,
        )
        for done, _ in enumerate(work.iter_rows(), 1):
            if progress is not None:
                progress(done, len(shards))
    except ray.exceptions.RayError as error:
        raise _in_words(error) from error
    finally:
        ray.shutdown()


def _in_words(error: Exception) -> FslError:
    cause = getattr(error, "cause", None)
    if isinstance(cause, FslError):
        return cause
    reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
    return FslError(f"A worker of Ray failed ({reason}). Repeat the command; it goes on where it stopped.")
