"""Write a network as ONNX by watching the torch functions that it calls.

``torch.onnx`` takes about a second for the ``photos`` network, which a person would wait for whenever the
program starts; this takes about a sixth of that. It knows the functions that the shipped backbones call, and
refuses any other. Sizes that torch gives as numbers would be part of the file, so a function is refused as
well if it takes one that could be the number of images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import AnyArray
from fsl.twin.engine import onnx_format
from fsl.twin.engine.onnx_format import Attribute
from fsl.twin.layer_sizes import SIZES, SizesOnly, pair
from fsl.twin.network import TwinNetwork

INPUT, OUTPUT = "images", "embeddings"
# With two images, a network that looks at several copies of an image makes one pass over all of them.
_N_IMAGES = 2
_LUMA = (0.299, 0.587, 0.114)  # as in fsl.twin.preprocess
_TO_THE_START = -(2**62)


class CannotBeWrittenError(Exception):
    """A network calls a function that is not known here."""


def write_onnx(twin: TwinNetwork, embed: Callable[[Tensor], Tensor] | None = None) -> bytes:
    """Return a network as an ONNX file, from uint8 ``(B, S, S, 3)`` to float32 embeddings ``(B, D)``.

    Args:
        twin: on the CPU, in ``eval`` mode.
        embed: the part of it to write, from normalised images to ``(B, D)``; None for ``twin.embed``.

    Raises:
        CannotBeWrittenError: it calls a function that is not known here.
    """
    recorder = _Recorder()
    side = twin.config.image_size
    prepared = recorder.prepare_input(twin)
    try:
        with torch.no_grad(), recorder:
            found = (embed or twin.embed)(prepared)
    except (NotImplementedError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise CannotBeWrittenError(str(error)) from error
    recorder.add("Identity", [recorder.name_of(found)], output=OUTPUT)
    first = onnx_format.value_info(INPUT, onnx_format.UINT8, ("batch", side, side, 3))
    last = onnx_format.value_info(OUTPUT, onnx_format.FLOAT, ("batch", twin.embedding_dim))
    return onnx_format.model(recorder.nodes, recorder.weights, first, last)


class _Recorder(SizesOnly):
    """Notes the functions called with the input, or with what came of it, as nodes.

    Attributes:
        nodes: nodes of the ONNX file.
        weights: its tensors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[bytes] = []
        self.weights: list[bytes] = []
        self._names: dict[int, str] = {}
        self._tensors: list[Tensor] = []  # kept, so that no other tensor gets the id of one
        self._computed: set[int] = set()

    def prepare_input(self, twin: TwinNetwork) -> Tensor:
        """Note the steps of ``fsl.twin.preprocess``, from bytes to normalised images ``(B, 3, S, S)``."""
        config, side = twin.config, twin.config.image_size
        floats = self.add("Cast", [INPUT], {"to": onnx_format.FLOAT})
        images = self.add("Transpose", [floats], {"perm": (0, 3, 1, 2)})
        if config.grey:  # the same mixture of the three channels for each of them
            mixture = np.tile(np.array(_LUMA, np.float32), (3, 1))[:, :, None, None]
            images = self.add("Conv", [images, self.constant(mixture)], {"kernel_shape": (1, 1)})
        std, mean = (np.array(values)[:, None, None] for values in (config.std, config.mean))
        images = self.add("Mul", [images, self.constant((1 / (255 * std)).astype(np.float32))])
        images = self.add("Sub", [images, self.constant((mean / std).astype(np.float32))])
        return self._note(torch.empty(_N_IMAGES, 3, side, side, device="meta"), images)

    def add(
        self,
        operation: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Attribute] | None = None,
        output: str = "",
    ) -> str:
        """Add a node, and return the name of its output."""
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(onnx_format.node(operation, inputs, output, attributes))
        return output

    def constant(self, values: AnyArray) -> str:
        """Add a tensor of weights, and return its name."""
        name = f"w{len(self.weights)}"
        self.weights.append(onnx_format.tensor(name, values))
        return name

    def numbers(self, *values: int) -> str:
        """Add a list of whole numbers, and return its name."""
        return self.constant(np.array(values, np.int64))

    def name_of(self, value: Tensor | float) -> str:
        """Return the name of a computed tensor, or of a weight, which is added when it is first used."""
        if not isinstance(value, Tensor):
            return self.constant(np.array(value, np.float32))
        if id(value) not in self._names:
            if value.is_meta:
                raise NotImplementedError("a tensor without values")
            self._names[id(value)] = self.constant(value.detach().float().numpy())
            self._tensors.append(value)
        return self._names[id(value)]

    def _note(self, tensor: Tensor, name: str) -> Tensor:
        self._names[id(tensor)] = name
        self._computed.add(id(tensor))
        self._tensors.append(tensor)
        return tensor

    def _is_computed(self, value: object) -> bool:
        if isinstance(value, list | tuple):
            return any(map(self._is_computed, value))
        return isinstance(value, Tensor) and id(value) in self._computed

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Note a function, and return the empty tensor that stands for its result."""
        kwargs = kwargs or {}
        if not self._is_computed(args) or func in _ASKS:
            return func(*args, **kwargs)
        if func in _UNCHANGED:
            return args[0]
        if func not in _WRITERS:
            raise NotImplementedError(f"{getattr(func, '__name__', func)} is not known here")
        name = _WRITERS[func](self, *args, **kwargs)
        sized: Callable[..., Any] = SIZES.get(func, func)
        result = sized(*_without_values(args), **_without_values(kwargs))
        return self._note(result, name)


def _without_values(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.is_meta else torch.empty_like(value, device="meta")
    if isinstance(value, dict):
        return {key: _without_values(one) for key, one in value.items()}
    return type(value)(map(_without_values, value)) if isinstance(value, list | tuple) else value


def _convolution(
    to: _Recorder,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> str:
    attributes: dict[str, Attribute] = {
        "kernel_shape": tuple(weight.shape[2:]),
        "strides": pair(stride),
        "pads": pair(padding) * 2,
        "dilations": pair(dilation),
        "group": groups,
    }
    return to.add("Conv", [to.name_of(one) for one in (x, weight, bias) if one is not None], attributes)


def _batch_norm(
    to: _Recorder,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> str:
    if training:
        raise NotImplementedError("a batch norm that learns")
    inputs = [to.name_of(one) for one in (x, weight, bias, mean, variance)]
    return to.add("BatchNormalization", inputs, {"epsilon": float(eps)})


def _max_pool(
    to: _Recorder,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> str:
    return to.add("MaxPool", [to.name_of(x)], _pooling(kernel_size, stride, padding, ceil_mode))


def _average_pool(to: _Recorder, x: Tensor, kernel_size: Any, stride: Any = None) -> str:
    return to.add("AveragePool", [to.name_of(x)], _pooling(kernel_size, stride, 0, False))


def _pooling(kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool) -> dict[str, Attribute]:
    return {
        "kernel_shape": pair(kernel_size),
        "strides": pair(stride or kernel_size),
        "pads": pair(padding) * 2,
        "ceil_mode": int(ceil_mode),
    }


def _average_pool_to(to: _Recorder, x: Tensor, output_size: Any) -> str:
    side = pair(output_size)
    if side == (1, 1):
        return to.add("GlobalAveragePool", [to.name_of(x)])
    if x.shape[2] % side[0] or x.shape[3] % side[1]:
        raise NotImplementedError("averages of unequal parts")
    return _average_pool(to, x, (x.shape[2] // side[0], x.shape[3] // side[1]))


def _mean(to: _Recorder, x: Tensor, dim: Any) -> str:
    if tuple(np.atleast_1d(dim)) == (2, 3):
        return to.add("Flatten", [to.add("GlobalAveragePool", [to.name_of(x)])], {"axis": 1})
    return to.add("ReduceMean", [to.name_of(x)], {"axes": tuple(np.atleast_1d(dim).tolist()), "keepdims": 0})


def _linear(to: _Recorder, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    inputs = [to.name_of(one) for one in (x, weight, bias) if one is not None]
    return to.add("Gemm", inputs, {"transB": 1})


def _normalised(
    to: _Recorder, x: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None
) -> str:
    if p != 2:
        raise NotImplementedError("another norm")
    length = to.add("ReduceL2", [to.name_of(x)], {"axes": (dim,), "keepdims": 1})
    return to.add("Div", [to.name_of(x), to.add("Max", [length, to.name_of(eps)])])


def _padded(to: _Recorder, x: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> str:
    if mode != "constant" or value:
        raise NotImplementedError("another padding than zeros")
    before, after = [0] * x.ndim, [0] * x.ndim
    for i in range(len(pad) // 2):
        before[-1 - i], after[-1 - i] = pad[2 * i], pad[2 * i + 1]
    return to.add("Pad", [to.name_of(x), to.numbers(*before, *after)])


def _flipped(to: _Recorder, x: Tensor, *dims: int) -> str:
    n = len(dims)
    ends = [to.numbers(*[value] * n) for value in (-1, _TO_THE_START)]
    return to.add("Slice", [to.name_of(x), *ends, to.numbers(*dims), to.numbers(*[-1] * n)])


def _transposed(to: _Recorder, x: Tensor, first: int, second: int) -> str:
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return to.add("Transpose", [to.name_of(x)], {"perm": tuple(order)})


def _reshaped(to: _Recorder, x: Tensor, *shape: int) -> str:
    if -1 not in shape:  # else the number of images may be one of the numbers
        raise NotImplementedError("a shape without a free size")
    return to.add("Reshape", [to.name_of(x), to.numbers(*shape)])


def _clamped(to: _Recorder, x: Tensor, min: float) -> str:
    return to.add("Max", [to.name_of(x), to.name_of(min)])


def _flattened(to: _Recorder, x: Tensor, start_dim: int = 0, end_dim: int = -1) -> str:
    if (start_dim, end_dim) != (1, -1):
        raise NotImplementedError("another flattening")
    return to.add("Flatten", [to.name_of(x)], {"axis": 1})


def _joined(to: _Recorder, tensors: Sequence[Tensor], dim: int = 0) -> str:
    return to.add("Concat", [to.name_of(one) for one in tensors], {"axis": dim})


def _clipped(
    to: _Recorder, x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> str:
    return to.add("Clip", [to.name_of(value) for value in (x, min_val, max_val)])


def _relu(to: _Recorder, x: Tensor, inplace: bool = False) -> str:
    return to.add("Relu", [to.name_of(x)])


def _of_two(operation: str) -> Callable[..., str]:
    return lambda to, a, b: to.add(operation, [to.name_of(a), to.name_of(b)])


_ASKS: set[Callable[..., Any]] = {
    *(vars(torch._C.TensorBase)[name].__get__ for name in ("shape", "ndim", "is_meta")),
    Tensor.__len__,
    Tensor.dim,
    Tensor.size,
}
# Weights and embeddings are float32, and the order of values in memory is the engine's affair.
_UNCHANGED = {Tensor.float, Tensor.contiguous}
_WRITERS: dict[Callable[..., Any], Callable[..., str]] = {
    torch.conv2d: _convolution,
    F.batch_norm: _batch_norm,
    F.hardtanh: _clipped,
    F.relu: _relu,
    torch.relu: _relu,
    torch.max_pool2d: _max_pool,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: _average_pool,
    F.adaptive_avg_pool2d: _average_pool_to,
    F.linear: _linear,
    F.normalize: _normalised,
    F.pad: _padded,
    torch.cat: _joined,
    Tensor.flatten: _flattened,
    torch.flatten: _flattened,
    Tensor.mean: _mean,
    Tensor.clamp: _clamped,
    Tensor.sqrt: lambda to, x: to.add("Sqrt", [to.name_of(x)]),
    Tensor.flip: _flipped,
    Tensor.transpose: _transposed,
    Tensor.view: _reshaped,
    Tensor.add: _of_two("Add"),
    Tensor.add_: _of_two("Add"),
    Tensor.sub: _of_two("Sub"),
    Tensor.mul: _of_two("Mul"),
    Tensor.__rmul__: _of_two("Mul"),
    Tensor.matmul: _of_two("MatMul"),
}
