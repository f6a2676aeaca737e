"""Hostile checkpoints: pickles under another name, cut and flipped files, headers that lie."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import safetensors.torch
import torch

from fsl.config import ModelConfig
from fsl.fewshot.pair_calibration import pair_rates
from fsl.twin import checkpoint, checkpoint_files
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork
from tests.helpers.embeddings import pair_scores
from tests.hostile.inputs import Hostile

MODEL = ModelConfig(widths=(2, 2), image_size=16)
ALARM = "hostile-pickle-was-run"


_RATES = asdict(pair_rates(pair_scores(), "made up"))
_LYING_RATES: dict[str, dict[str, Any]] = {
    "table of text": {"same": ["a"] * len(_RATES["same"])},
    "table that falls": {"same": list(reversed(_RATES["same"]))},
    "threshold text": {"threshold": "0.5"},
    "slope text": {"slope": "steep"},
    "slope NaN": {"slope": float("nan")},
    "slope huge": {"slope": 1e300},
    "offset a list": {"offset": [1]},
    "area none": {"auc": None},
    "interval of one": {"equal_error_interval": [0.1]},
    "interval of text": {"equal_error_interval": ["low", "high"]},
    "no class pair": {"n_class_pairs": 0},
    "half a class": {"n_classes": 2.5},
    "bins of text": {"reliability": [{"predicted": "a", "observed": 0.5, "n": 1}]},
    "bins of numbers": {"reliability": [1, 2]},
}


class _RunsOnLoading:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, (ALARM,))


def _twin() -> TwinNetwork:
    torch.manual_seed(0)
    return TwinNetwork(MODEL).eval()


def good_checkpoint() -> bytes:
    """One that is fine."""
    return checkpoint.dump(_twin(), CheckpointInfo("tiny", MODEL))


def with_header(**changes: Any) -> bytes:
    """The same weights under a header with other values."""
    header = {**CheckpointInfo("tiny", MODEL).to_json(), **changes}
    return _with_text(json.dumps(header))


def _with_text(text: str) -> bytes:
    tensors = {k: v.contiguous() for k, v in _twin().state_dict().items()}
    return safetensors.torch.save(tensors, {checkpoint_files.METADATA_KEY: text})


def raw(header: dict[str, Any] | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def checkpoints() -> Iterator[Hostile]:
    """All of them."""
    yield from _pickles()
    whole = good_checkpoint()
    for share in (0.0, 0.001, 0.01, 0.2, 0.5, 0.8, 0.95, 0.999):
        yield Hostile(
            "checkpoint cut off", f"cut at {share:.1%}.safetensors", whole[: int(len(whole) * share)], False
        )
    for seed in range(24):
        rng = random.Random(f"checkpoint {seed}")
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole) if seed % 2 else 2_000)] ^= 1 << rng.randrange(8)
        yield Hostile("checkpoint with bits flipped", f"flipped {seed}.safetensors", bytes(flipped))
    yield from _lying_tables()
    yield from _lying_headers()


def _pickles() -> Iterator[Hostile]:
    for protocol in range(6):
        data = pickle.dumps({"state_dict": _RunsOnLoading()}, protocol=protocol)
        yield Hostile("pickle named .safetensors", f"protocol {protocol}.safetensors", data, False)
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, buffer)
    yield Hostile("pickle named .safetensors", "torch.safetensors", buffer.getvalue(), False)
    old = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    yield Hostile("pickle named .safetensors", "old torch.safetensors", old.getvalue(), False)


def _lying_tables() -> Iterator[Hostile]:
    f32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    tables: dict[str, bytes] = {
        "length 2^63": raw({"a": f32}, bytes(8), 2**63),
        "length 100 MB": raw({"a": f32}, bytes(8), 100 * 2**20),
        "length 0": raw(b"", b"", 0),
        "not JSON": raw(b"{not json}" + b" " * 6),
        "deep JSON": raw(b"[" * 100_000),
        "offsets outside": raw({"a": {**f32, "data_offsets": [0, 10**12], "shape": [250 * 10**9]}}, bytes(8)),
        "offsets backwards": raw({"a": {**f32, "data_offsets": [8, 0]}}, bytes(8)),
        "overlapping": raw({"a": f32, "b": f32}, bytes(8)),
        "shape lies": raw({"a": {**f32, "shape": [2**40, 2**40]}}, bytes(8)),
        "shape negative": raw({"a": {**f32, "shape": [-2]}}, bytes(8)),
        "dtype unknown": raw({"a": {**f32, "dtype": "F1"}}, bytes(8)),
        "metadata a number": raw({"__metadata__": {"few_shot_lab": 5}, "a": f32}, bytes(8)),
        "no header of ours": raw({"a": f32}, bytes(8)),
        "header of 5 MB": raw({"__metadata__": {"few_shot_lab": "[" + "{}," * 1_700_000 + "{}]"}}),
        "80,000 tensors": raw({str(n): {**f32, "shape": [0], "data_offsets": [0, 0]} for n in range(80_000)}),
    }
    for name, data in tables.items():
        yield Hostile("safetensors whose table lies", f"{name}.safetensors", data, False)


def _lying_headers() -> Iterator[Hostile]:
    model = MODEL.to_json()
    changes: dict[str, dict[str, Any]] = {
        "another format": {"format": 99},
        "no model": {"model": None},
        "unknown backbone": {"model": {**model, "backbone": "nonsense"}},
        "thousand backbones": {"model": {**model, "backbone": "+".join(["resnet18"] * 1000)}},
        "widths of gigabytes": {"model": {**model, "widths": [30_000, 30_000]}},
        "widths of 2 GB": {"model": {**model, "widths": [8_000, 8_000]}},
        "widths beyond counting": {"model": {**model, "widths": [2**40, 2**40]}},
        "many layers": {"model": {**model, "widths": [2] * 5_000}},
        "width of text": {"model": {**model, "widths": ["a", "b"]}},
        "width of half": {"model": {**model, "widths": [2.5, 2]}},
        "other widths": {"model": {**model, "widths": [3, 2]}},
        "large pictures": {"model": {**model, "image_size": 10**9}},
        "size as text": {"model": {**model, "image_size": "16"}},
        "large embedding": {"model": {**model, "embedding_dim": 8192}},
        "mean of one": {"model": {**model, "mean": [0.5]}},
        "mean of text": {"model": {**model, "mean": ["a", "b", "c"]}},
        "std NaN": {"model": {**model, "std": [float("nan")] * 3}},
        "std zero": {"model": {**model, "std": [0, 0, 0]}},
        "std tiny": {"model": {**model, "std": [1e-300] * 3}},
        "std infinite": {"model": {**model, "std": [float("inf")] * 3}},
        "mean huge": {"model": {**model, "mean": [1e30] * 3}},
        "mean infinite": {"model": {**model, "mean": [float("-inf")] * 3}},
        "views 3": {"model": {**model, "views": 3}},
        "grey a list": {"model": {**model, "grey": [1]}},
        "calibrations of numbers": {"calibrations": [1, 2]},
        "calibrations a number": {"calibrations": 7},
        "temperature text": {"calibrations": [{"rule": "mean", "temperature": "hot"}]},
        "temperature zero": {"calibrations": [{"rule": "mean", "temperature": 0}]},
        "temperature tiny": {"calibrations": [{"rule": "mean", "temperature": 1e-300}]},
        "temperature NaN": {"calibrations": [{"rule": "mean", "temperature": float("nan")}]},
        "threshold 7": {"calibrations": [{"rule": "mean", "unknown_threshold": 7}]},
        "calibrated rule unknown": {"calibrations": [{"rule": "median"}]},
        "false reject text": {"calibrations": [{"rule": "mean", "false_reject": "few"}]},
        "rule unknown": {"rule": "median"},
        "name a list": {"name": ["tiny"]},
        "title an object": {"title": {}},
        "training a list": {"training": [1]},
        "metrics a number": {"metrics": 5},
        "licence a list": {"licence": []},
        "version a number": {"version": 1},
        "classes a number": {"training": {"classes": 7}},
        "classes a text": {"training": {"classes": "apple"}},
        "classes of lists": {"training": {"classes": [["apple"]]}},
        **{f"pairs, {name}": {"pairs": {**_RATES, **change}} for name, change in _LYING_RATES.items()},
    }
    for name, change in changes.items():
        yield Hostile("checkpoint whose header lies", f"{name}.safetensors", with_header(**change), False)
    for name, text in {"empty": "", "a list": "[]", "half": '{"format": 1', "deep": "[" * 200_000}.items():
        yield Hostile("checkpoint whose header lies", f"header {name}.safetensors", _with_text(text), False)
    tensors = {k: v.contiguous() for k, v in _twin().state_dict().items()}
    own = {checkpoint_files.METADATA_KEY: json.dumps(CheckpointInfo("tiny", MODEL).to_json())}
    name = "head.weight"
    wrong = {
        "weight missing": {k: v for k, v in tensors.items() if k != name},
        "weight too many": {**tensors, "surplus": torch.zeros(2)},
        "weight of integers": {**tensors, name: torch.zeros(tensors[name].shape, dtype=torch.int64)},
        "weights huge": {k: v * 1e30 if v.is_floating_point() else v for k, v in tensors.items()},
        "tensor of 40 MB": {**tensors, "surplus": torch.zeros(10 * 2**20)},
        "weight not a number": {**tensors, name: torch.full_like(tensors[name], float("nan"))},
    }
    wide = ModelConfig(widths=(4_096, 2), image_size=512)
    with torch.device("meta"):
        sketch = TwinNetwork(wide).state_dict()
    values = {name: torch.zeros(tensor.shape, dtype=tensor.dtype) for name, tensor in sketch.items()}
    text = json.dumps(CheckpointInfo("wide", wide).to_json())
    data = safetensors.torch.save(values, {checkpoint_files.METADATA_KEY: text})
    yield Hostile("checkpoint whose header lies", "layer of 4 GB a picture.safetensors", data, False)
    for title, values in wrong.items():
        yield Hostile(
            "checkpoint whose weights do not fit",
            f"{title}.safetensors",
            safetensors.torch.save(values, own),
            False,
        )
