import pytest
import torch

from fsl.ui.classify import other_networks


@pytest.mark.parametrize("name", sorted(other_networks._MB))
def test_suggestions_are_what_timm_has_and_as_large_as_told(name: str) -> None:
    timm = pytest.importorskip("timm", reason="an extra")
    assert timm.get_pretrained_cfg(name).has_weights
    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False)
    megabytes = 4 * sum(tensor.numel() for tensor in network.state_dict().values()) / 1e6
    assert other_networks._MB[name] == pytest.approx(megabytes, rel=0.02)


def test_waiting_says_what_is_downloaded() -> None:
    assert other_networks.waiting_text("photos") == "Loading the network"
    assert "resnet50.a1_in1k (102 MB)" in other_networks.waiting_text("timm:resnet50.a1_in1k")
    assert other_networks.waiting_text("timm:mine").startswith("Loading mine; the first time")
