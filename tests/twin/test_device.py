"""The choice of the device and the precision."""

import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.twin import device as device_module
from fsl.twin.device import bf16_helps, choose_device


def test_a_missing_device_is_explained() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(SettingsError, match=r"'tpu' is not available on this machine; there is .*cpu"):
        choose_device("tpu")  # type: ignore[arg-type]


def test_a_gpu_computes_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.cudnn.allow_tf32", True)
    assert choose_device("auto") == torch.device("cuda")
    assert not torch.backends.cudnn.allow_tf32


def test_measuring_bf16_draws_its_images_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's random generator would not be restored."""
    devices: list[object] = []
    drawn = torch.rand

    def rand(*size: int, device: object = "cpu") -> torch.Tensor:
        devices.append(device)
        return drawn(*size)

    monkeypatch.setattr(torch, "rand", rand)
    monkeypatch.setattr(device_module, "onednn_has_bf16", lambda: True)
    before = torch.get_rng_state()
    bf16_helps.__wrapped__("cpu")
    assert devices == ["cpu"]
    assert torch.equal(torch.get_rng_state(), before)


def test_bf16_is_not_measured_where_one_step_of_it_takes_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "onednn_has_bf16", lambda: False)
    monkeypatch.setattr(device_module, "_seconds_of_step", lambda *_: pytest.fail("a step was measured"))
    assert bf16_helps.__wrapped__("cpu") is False
