"""Export the embedding network as ONNX, for programs without torch, and compare it with torch.

The file's metadata has the key ``few_shot_lab``: a JSON object with everything that turns embeddings into
answers. ``examples/classify_onnx.py`` uses nothing else.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fsl.base.errors import FslError, SettingsError
from fsl.config import CENTRE_PRIOR, FEW_SHOTS, MOST_DEVIATIONS, WITHIN_PRIOR, WITHIN_WEIGHT
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.checkpoint_files import METADATA_KEY
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise
from fsl.twin.test_time_augmentation import MIDDLE, TURN_POWER

# Embeddings of the shipped networks have length 1, or values of about 1.
TOLERANCE = 1e-3
_OPSET = 17


class EmbeddingNetwork(nn.Module):
    """The network with its normalisation: images in [0, 1], ``(B, 3, S, S)``, to embeddings ``(B, D)``."""

    def __init__(self, twin: TwinNetwork) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, images: Tensor) -> Tensor:
        """Embed images ``(B, 3, S, S)`` as ``(B, D)``."""
        return self.twin.embed(normalise(images, self.twin.config))


@dataclass(frozen=True)
class ExportedFile:
    """A network as ONNX or TFLite.

    Attributes:
        data: the file's content.
        difference: the largest one between its and torch's embeddings of the same noise.
    """

    data: bytes
    difference: float


def export_onnx(checkpoint: Checkpoint) -> ExportedFile:
    """Export a checkpoint as an ONNX file, and check it against torch.

    Raises:
        SettingsError: onnx or onnxruntime is not installed.
        FslError: ONNX lacks an operation of the network, or the outputs differ.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401 - imported early, before the slow part
    except ImportError:
        raise SettingsError("Exporting needs onnx and onnxruntime: pip install onnx onnxruntime.") from None
    twin = checkpoint.twin.copy().cpu().eval()
    model = onnx.load_from_string(_traced(twin))
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(describe(checkpoint))
    data = model.SerializeToString()
    difference = difference_from_torch(twin, data)
    if not difference <= TOLERANCE:
        raise FslError(
            f"The exported network's embeddings differ from torch's by {difference:.2g}; not written."
        )
    return ExportedFile(data, difference)


def _traced(twin: TwinNetwork) -> bytes:
    """Return the network as an ONNX file.

    Raises:
        FslError: ONNX lacks an operation of the network.
    """
    side = twin.config.image_size
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The tracing exporter needs no other package, and is enough for networks without branches.
        warnings.simplefilter("ignore")
        traced = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                EmbeddingNetwork(twin).eval(),  # the exporter sets the whole network to this module's mode
                (torch.zeros(2, 3, side, side),),
                str(traced),
                input_names=["images"],
                output_names=["embeddings"],
                dynamic_axes={"images": {0: "batch"}, "embeddings": {0: "batch"}},
                opset_version=_OPSET,
                dynamo=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error).partition("\n")[0]
            raise FslError(f"A network of this kind cannot be written as ONNX: {reason}.") from error
        return traced.read_bytes()


def difference_from_torch(twin: TwinNetwork, data: bytes) -> float:
    """Return the largest difference between the embeddings of onnxruntime and torch.

    Args:
        twin: on the CPU, in ``eval`` mode.
        data: the ONNX file.
    """
    import onnxruntime

    side = twin.config.image_size
    images = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        expected = EmbeddingNetwork(twin)(images).numpy()
    return float(np.abs(np.asarray(found) - expected).max())


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a program needs besides the network: input, head, centring, calibrated rule."""
    info, head = checkpoint.info, checkpoint.twin.head
    calibration = info.calibration(info.rule)
    return {
        "name": info.name,
        "image_size": info.model.image_size,
        "fit": info.model.fit,
        "head": {"kind": info.model.head, "weight": head.weight.tolist(), "bias": float(head.bias)},
        "centre_on_support": info.model.centre_on_support,
        "centre_prior": CENTRE_PRIOR,
        "damp_on_support": info.model.damp_on_support,
        "within_weight": WITHIN_WEIGHT,
        "within_prior": WITHIN_PRIOR,
        "most_deviations": MOST_DEVIATIONS,
        "support_views": info.model.support_views,
        "few_shots": FEW_SHOTS,
        "middle": MIDDLE,
        "turn_power": TURN_POWER,
        "rule": info.rule,
        "temperature": calibration.temperature,
        "unknown_threshold": calibration.unknown_threshold,
        "licence": info.licence,
    }
