"""Read the free weights of the face network and of the face detector in their original files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.backbones.face_resnet import EMBEDDING_DIM, FaceResNet
from fsl.twin.faces.cascade import Cascade

_TENSOR_VERSION = 2


def cascade_from(folder: Path) -> Cascade:
    """Return the detector with the weights of facenet-pytorch's files."""
    cascade = Cascade()
    for net, name in ((cascade.propose, "pnet"), (cascade.refine, "rnet"), (cascade.place, "onet")):
        net.load_state_dict(torch.load(folder / f"{name}.pt", weights_only=True))
    return cascade.eval()


def face_resnet_from(data: bytes) -> FaceResNet:
    """Return the face network with the weights of dlib's file.

    Raises:
        ValueError: the file does not hold exactly the tensors of this network.
    """
    tensors = list(dlib_tensors(data))
    network = FaceResNet(ModelConfig(backbone="face_resnet", image_size=150))
    convolutions = [network.stem]
    for block in network.blocks:
        convolutions += [block.conv1, block.conv2]  # type: ignore[list-item]
    if len(tensors) != 2 * len(convolutions) + 1:
        raise ValueError(f"The file holds {len(tensors)} tensors, not {2 * len(convolutions) + 1}.")
    for convolution, weights, affine in zip(convolutions, tensors[0::2], tensors[1::2], strict=False):
        _fill(convolution, weights, affine)
    network.project.weight.data = tensors[-1].view(-1, EMBEDDING_DIM).T.contiguous()
    return network.eval()


def _fill(convolution: nn.Conv2d, weights: Tensor, affine: Tensor) -> None:
    """Set a convolution's weights, multiplied by the affine layer that follows it."""
    n = convolution.out_channels
    scale, shift = affine[:n], affine[n:]
    kernel, bias = weights[:-n].view_as(convolution.weight), weights[-n:]
    convolution.weight.data = kernel * scale.view(-1, 1, 1, 1)
    assert convolution.bias is not None
    convolution.bias.data = bias * scale + shift


def dlib_tensors(data: bytes) -> Iterator[Tensor]:
    """Yield the tensors of a network that dlib serialised, in the order of its layers, flat.

    A tensor is a version, four sizes (each an integer: a byte that counts its bytes, then those) and
    little-endian float32 values. What lies between tensors, such as the layers' names, is skipped.
    """
    at = 0
    while at < len(data):
        found = _tensor_at(data, at)
        if found is None:
            at += 1
        else:
            values, at = found
            yield values


def _tensor_at(data: bytes, at: int) -> tuple[Tensor, int] | None:
    """Return the tensor that starts there, of at least 64 values, and where it ends."""
    version, at = _integer(data, at)
    if version != _TENSOR_VERSION:
        return None
    count = 1
    for _ in range(4):
        size, at = _integer(data, at)
        if size is None or size <= 0:
            return None
        count *= size
    if count < 64 or at + 4 * count > len(data):
        return None
    values = np.frombuffer(data, "<f4", count, at)
    if not np.isfinite(values).all() or not 1e-8 < np.abs(values).mean() < 1e4:
        return None
    return torch.from_numpy(values.copy()), at + 4 * count


def _integer(data: bytes, at: int) -> tuple[int | None, int]:
    """Return an integer as dlib packs it, or None where there is none, and where it ends."""
    if at >= len(data):
        return None, at
    n_bytes, negative = data[at] & 0x0F, data[at] & 0x80
    if n_bytes > 8 or data[at] & 0x70:
        return None, at
    value = int.from_bytes(data[at + 1 : at + 1 + n_bytes], "little")
    return (-value if negative else value), at + 1 + n_bytes
