import pytest

from fsl.base.errors import SettingsError
from fsl.twin.pretrained import download_megabytes
from fsl.ui.pages.classify import other_networks


@pytest.mark.parametrize("name", sorted(other_networks._MB))
def test_suggestions_are_what_timm_has_and_as_large_as_told(name: str) -> None:
    pytest.importorskip("timm", reason="an extra")
    assert other_networks._MB[name] == pytest.approx(download_megabytes(name), rel=0.02)


def test_the_size_is_that_of_the_weights() -> None:
    timm = pytest.importorskip("timm", reason="an extra")
    network = timm.create_model("test_resnet", pretrained=False)
    in_memory = sum(tensor.nbytes for tensor in network.state_dict().values() if tensor.is_floating_point())
    assert download_megabytes("timm:test_resnet") == pytest.approx(in_memory / 1e6, rel=0.02)
    with pytest.raises(SettingsError, match="no pretrained weights"):
        download_megabytes("no_such_network")


def test_waiting_says_what_is_downloaded() -> None:
    assert other_networks.waiting_text("photos") == "Loading the network"
    assert "resnet50.a1_in1k (102 MB)" in other_networks.waiting_text("timm:resnet50.a1_in1k")
    assert other_networks.waiting_text("timm:mine").startswith("Loading mine; it is downloaded")


def test_waiting_tells_the_size_of_a_typed_name_too() -> None:
    pytest.importorskip("timm", reason="an extra")
    assert "resnet18 (47 MB)" in other_networks.waiting_text("timm:resnet18")
