"""A small network for the pages' tests: untrained, but its random features do tell colours apart."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from PIL import Image
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from fsl.config import RULES, ModelConfig
from fsl.twin.checkpoint import Calibration, CheckpointInfo, save
from fsl.twin.network import TwinNetwork

LIMIT = 0.4


def save_small_checkpoint(folder: Path, name: str = "small") -> None:
    """Write ``<name>.safetensors`` with a calibration for each rule."""
    config = ModelConfig(widths=(8, 8), image_size=16)
    generator_state = torch.get_rng_state()
    torch.manual_seed(0)
    twin = TwinNetwork(config).eval()
    torch.set_rng_state(generator_state)
    with torch.no_grad():
        # One step of distance as far as plain colours are apart, so that equal pictures score high.
        colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]) * 4 - 2
        embedded = twin.embed(colours[:, :, None, None].expand(-1, -1, 16, 16).contiguous())
        apart = (embedded[:, None] - embedded[None]).abs().mean()
        twin.head.weight.fill_(6.0 / (twin.embedding_dim * float(apart)))
        twin.head.bias.fill_(-3.0)
    calibrations = tuple(Calibration(rule, 1.0, LIMIT, 0.05, 0.1, None, "made up") for rule in RULES)
    info = CheckpointInfo(name, config, title="colours", calibrations=calibrations)
    save(folder / f"{name}.safetensors", twin, info)


def picture(colour: str | tuple[int, int, int], size: int = 24) -> bytes:
    """A PNG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


def click_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int = 1) -> list[int]:
    """Have a click, on a link to Home, break the page off in the midst of a function; ``run`` comes back.

    Args:
        monkeypatch: of the test.
        owner: of the function.
        name: of the function.
        call: the one at which the click comes, from 1.

    Returns:
        the growing list of calls.
    """
    real, calls = getattr(owner, name), list[int]()

    def with_a_click(*arguments: object, **named: object) -> object:
        calls.append(len(calls) + 1)
        if len(calls) == call:
            raise RerunException(RerunData())
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, with_a_click)
    return calls
