"""Export the embedding network as TFLite (LiteRT), for phones and small boards, and compare it with torch."""

from __future__ import annotations

import io
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fsl.base.errors import FslError, SettingsError
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.export import TOLERANCE, EmbeddingNetwork, ExportedFile
from fsl.twin.network import TwinNetwork


def export_tflite(checkpoint: Checkpoint) -> ExportedFile:
    """Export a checkpoint as a TFLite file, and check it against torch.

    The file turns one picture in [0, 1], float32 ``(1, 3, S, S)``, into its embedding ``(1, D)``. What turns
    embeddings into answers is not in it, unlike in an ONNX file: ``describe`` returns that.

    Raises:
        SettingsError: litert-torch is not installed.
        FslError: it cannot convert the network, or the outputs differ.
    """
    twin = checkpoint.twin.copy().cpu().eval()
    with redirect_stdout(io.StringIO()):  # the converter prints every step
        try:
            import litert_torch
        except ImportError:
            raise SettingsError("Exporting to TFLite needs litert-torch: pip install litert-torch.") from None
        data = _converted(litert_torch, twin)
        difference = difference_from_torch(twin, data)
    if not difference <= TOLERANCE:
        raise FslError(
            f"The converted network's embeddings differ from torch's by {difference:.2g}; not written. "
            "Use --format onnx."
        )
    return ExportedFile(data, difference)


def _converted(litert_torch: Any, twin: TwinNetwork) -> bytes:
    side = twin.config.image_size
    network = EmbeddingNetwork(twin).eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.tflite"
        try:
            litert_torch.convert(network, (torch.zeros(1, 3, side, side),)).export(str(file))
        except Exception as error:
            raise _not_possible(error) from error
        return file.read_bytes()


def _not_possible(error: Exception) -> FslError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return FslError(f"A network of this kind cannot be written as TFLite: {reason} Use --format onnx.")


def difference_from_torch(twin: TwinNetwork, data: bytes) -> float:
    """Return the largest difference between the embeddings of LiteRT and torch.

    Args:
        twin: on the CPU, in ``eval`` mode.
        data: the TFLite file.

    Raises:
        FslError: LiteRT cannot run it.
    """
    from ai_edge_litert.interpreter import Interpreter

    side = twin.config.image_size
    images = torch.rand(3, 1, 3, side, side, generator=torch.Generator().manual_seed(0))
    try:
        interpreter = Interpreter(model_content=data)
        run = interpreter.get_signature_runner()
        (name,) = run.get_input_details()
        found = [next(iter(run(**{name: image.numpy()}).values())) for image in images]
    except (RuntimeError, ValueError) as error:
        raise _not_possible(error) from error
    with torch.inference_mode():
        expected = EmbeddingNetwork(twin)(images[:, 0]).numpy()
    return float(np.abs(np.concatenate(found) - expected).max())
