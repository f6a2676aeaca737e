"""ONNX Runtime against torch, and when which of them embeds."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

import fsl
from fsl.base.types import PixelArray
from fsl.config import ModelConfig
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.checkpoint_files import CHECKPOINT_DIR, available
from fsl.twin.engine import choose
from fsl.twin.engine.choose import TOLERANCE, difference_of, session_of
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tests.helpers.networks import checkpoint


def noise(n: int, side: int) -> PixelArray:
    return np.random.default_rng(n).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def by_torch(made: Checkpoint, images: PixelArray, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    with monkeypatch.context() as patch:
        patch.setenv("FSL_ENGINE", "torch")
        assert session_of(made.twin) is None
        return embed_images(made.twin, images)


@pytest.mark.parametrize("name", sorted(available(CHECKPOINT_DIR)))
def test_the_engines_agree_on_every_shipped_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone (all cores on one image) and together (a core for each), whatever else is in the batch."""
    made = fsl.load(name, "cpu")
    images = noise(5, made.info.model.image_size)
    assert session_of(made.twin) is not None
    expected = by_torch(made, images, monkeypatch)
    together, alone = embed_images(made.twin, images), embed_images(made.twin, images[3:4])
    assert together.dtype == torch.float32
    for found, wanted in ((together, expected), (alone, expected[3:4])):
        assert float(((found - wanted).norm(dim=1) / wanted.norm(dim=1)).max()) < TOLERANCE
    assert torch.equal(embed_images(made.twin, images), together)  # the same again


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(backbone="plain4", widths=(4, 4), image_size=20, embedding_dim=6, damped=2, adapter=3),
        ModelConfig(backbone="resnet18", image_size=64, grey=True, views=2),
        ModelConfig(backbone="pixels", image_size=32),
        ModelConfig(backbone="efficientnet_lite1", image_size=47, centre_spread=0.3, damped=9),
        ModelConfig(backbone="residual", widths=(8, 16), image_size=33, views=8, grey=True),
    ],
    ids=lambda config: config.backbone,
)
def test_the_engines_agree_on_every_kind_of_network(config: ModelConfig) -> None:
    """With statistics and weights that matter, unlike those of a new network."""
    torch.manual_seed(0)
    twin = TwinNetwork(config)
    for name, tensor in twin.named_buffers():
        if tensor.is_floating_point():
            tensor.uniform_(0.2 if "var" in name else -0.1, 1.0 if "var" in name else 0.1)
    if config.adapter:
        nn.init.normal_(twin.adapter.change, std=0.1)
    session = session_of(twin.eval().requires_grad_(False))
    assert session is not None
    assert difference_of(twin, session) < TOLERANCE


def test_a_network_that_learns_or_was_changed_is_never_answered_from_old_weights() -> None:
    twin, images = checkpoint().twin.copy(), noise(3, 16)
    before = embed_images(twin, images)
    with torch.no_grad():
        next(twin.backbone.parameters()).mul_(2)
    after = embed_images(twin, images)
    assert not torch.allclose(before, after)
    session = session_of(twin)
    assert session is not None
    assert difference_of(twin, session) < TOLERANCE
    assert session_of(twin.requires_grad_(True)) is None
    assert session_of(twin.requires_grad_(False).train()) is None


def test_a_thread_that_may_use_one_core_uses_the_session_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside a training, and without making a session for each number of threads in turn."""
    twin, images = checkpoint().twin, noise(9, 16)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    found, session = embed_images(twin, images), session_of(twin)
    assert session is not None
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert session_of(twin) is session
    monkeypatch.setattr(session, "_pool", None)
    torch.testing.assert_close(embed_images(twin, images), found, atol=1e-5, rtol=1e-4)


def test_threads_share_one_session_and_get_what_they_would_get_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, sessions = checkpoint(), list[object]()
    images = noise(24, 16)
    monkeypatch.setattr(choose, "Session", lambda *args: sessions.append(args) or real(*args))
    expected = by_torch(made, images, monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: embed_images(made.twin, images[i : i + 3]), range(0, 24, 3)))
    torch.testing.assert_close(torch.cat(found), expected, atol=1e-5, rtol=1e-4)
    assert len(sessions) == 1


real = choose.Session


class _Sorted(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).sort(1).values[:, :8]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_has_sessions_of_its_own() -> None:
    """Closing the parent's would wait for threads that do not exist in the child."""
    made, threads = checkpoint(), torch.get_num_threads()
    images = noise(3, made.twin.config.image_size)
    torch.set_num_threads(2)
    try:
        expected = embed_images(made.twin, images)
        embed_images(made.twin, images[:1])  # by both cores, so by threads of the runtime
        time.sleep(0.5)  # until these threads wait
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            os._exit(0 if torch.equal(embed_images(made.twin, images), expected) else 1)
        deadline = time.monotonic() + 60
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert ended == (child, 0)
    finally:
        torch.set_num_threads(threads)


def test_torch_embeds_what_the_other_engine_cannot_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(choose, "_told", set())
    images = noise(2, 16)
    unknown = checkpoint().twin.copy()
    unknown.backbone = _Sorted()
    with caplog.at_level(logging.WARNING):
        assert embed_images(unknown, images).shape == (2, 8)
        assert embed_images(unknown.copy(), images).shape == (2, 8)
    (message,) = caplog.messages
    assert "torch, because sort is not known here" in message
    caplog.clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with caplog.at_level(logging.WARNING):
        for made in (checkpoint(), checkpoint()):
            assert len(embed_images(made.twin, images)) == 2
    assert caplog.messages == [
        "onnxruntime is not installed, so torch embeds all pictures, which takes longer."
    ]
