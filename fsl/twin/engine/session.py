"""A frozen network in ONNX Runtime, which takes about two thirds of torch's time on a processor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from fsl.base.types import PixelArray
from fsl.twin.engine.onnx_graph import INPUT

# A core takes as long for an image in a batch as for one alone, and a smaller batch needs less memory. Small
# images come in batches because each call has a cost of its own.
_SMALL, _BATCH_OF_SMALL = 160, 4


class Session:
    """Embeds images with one network; threads may use it at the same time.

    Several images are embedded side by side, one core each: on two cores a sixth faster than with both cores
    on each image. Fewer images than cores are embedded together by all cores.

    Args:
        network: the ONNX file, from ``write_onnx``.
        image_size: S.
        n_threads: number of cores to use.
    """

    def __init__(self, network: bytes, image_size: int, n_threads: int) -> None:
        self.n_threads = n_threads
        self._network = network
        self._batch = _BATCH_OF_SMALL if image_size < _SMALL else 1
        self._of_one_core = _open(network, 1)
        self._of_all_cores: Any = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="engine")

    def embed(self, images: PixelArray) -> Iterator[Tensor]:
        """Yield the embeddings of images, some at a time.

        Args:
            images: uint8 ``(N, S, S, 3)``, at least one.

        Yields:
            float32 ``(n, D)``, in order.
        """
        is_alone = torch.get_num_threads() == 1  # this thread may use one core, as beside a training
        if len(images) < self.n_threads and not is_alone:
            yield _run(self._on_all_cores(), images)
            return
        run: Callable[[PixelArray], Tensor] = lambda part: _run(self._of_one_core, part)  # noqa: E731
        parts = [images[start : start + self._batch] for start in range(0, len(images), self._batch)]
        yield from map(run, parts) if is_alone or len(parts) == 1 else self._pool.map(run, parts)

    def _on_all_cores(self) -> Any:
        with self._lock:
            if self._of_all_cores is None:
                self._of_all_cores = _open(self._network, self.n_threads)
            return self._of_all_cores


def _run(session: Any, images: PixelArray) -> Tensor:
    (found,) = session.run(None, {INPUT: images})
    return torch.from_numpy(found)


def _open(network: bytes, n_threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Its threads wait actively for the next piece of a pass, but not for the next pass, which would take
    # cores from whatever else computes.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
