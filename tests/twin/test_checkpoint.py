import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fsl
from fsl.base.errors import CheckpointError, WriteError
from fsl.config import ModelConfig
from fsl.twin import checkpoint, checkpoint_files
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork

MODEL = ModelConfig(widths=(2, 2, 2, 2), image_size=16)


def make(name: str = "tiny") -> tuple[TwinNetwork, CheckpointInfo]:
    torch.manual_seed(0)
    calibration = Calibration("max", 0.7, 0.4, 0.1, 0.1, 0.9, "test")
    info = CheckpointInfo(name, MODEL, title="T", calibrations=(calibration,), training={"seed": 1})
    return TwinNetwork(MODEL).eval(), info


def rewrite(path: Path, **changes: object) -> None:
    """Write a checkpoint with changed fields in its JSON header."""
    twin, info = make()
    header = {**info.to_json(), **changes}
    tensors = {k: v.contiguous() for k, v in twin.state_dict().items()}
    path.write_bytes(safetensors.torch.save(tensors, {checkpoint_files.METADATA_KEY: json.dumps(header)}))


def test_round_trip(tmp_path: Path) -> None:
    twin, info = make()
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, twin, info)
    loaded = checkpoint.load(path)
    assert loaded.info == info
    assert fsl.load(path, "cpu").digest == loaded.digest
    images = torch.randn(3, 3, 16, 16)
    assert torch.equal(loaded.twin.embed(images), twin.embed(images))
    assert not loaded.twin.training
    assert not any(p.requires_grad for p in loaded.twin.parameters())
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.safetensors"]  # no temporary file is left


def test_a_file_of_an_earlier_version_that_ignored_a_setting_opens(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    ignored = {"folded": True, "middle": 0.5, "centre_spread": 0.3}
    rewrite(path, model=MODEL.to_json() | ignored)
    assert checkpoint.load(path).info.model == MODEL


def test_calibration_of_another_rule_is_neutral() -> None:
    _, info = make()
    assert info.calibration("max").temperature == 0.7
    assert info.calibration("mean") == Calibration(rule="mean")


@pytest.mark.parametrize("name", ["evil.pt", "evil.safetensors"])
def test_pickles_are_refused_whatever_their_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="pickle"):
        checkpoint.load(path)


def test_torch_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="pickle"):
        checkpoint.load(path)


def test_missing_and_unexpected_weights_are_named(tmp_path: Path) -> None:
    twin, info = make()
    tensors = {k: v.contiguous() for k, v in twin.state_dict().items()}
    tensors["surplus"] = tensors.pop("head.bias")
    path = tmp_path / "x.safetensors"
    path.write_bytes(
        safetensors.torch.save(tensors, {checkpoint_files.METADATA_KEY: json.dumps(info.to_json())})
    )
    with pytest.raises(CheckpointError, match=r"missing: head\.bias.*unexpected: surplus"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"model": {"backbone": "nonsense"}}, "nonsense"),
        ({"model": {"image_size": -1}}, "damaged header"),
        ({"model": {"surprise": 1}}, "damaged header"),
        ({"model": None}, "damaged header"),
        ({"model": {**MODEL.to_json(), "image_size": 64, "embedding_dim": 8}}, "does not fit"),
        ({"model": {**MODEL.to_json(), "widths": [3, 2, 2, 2]}}, "of another shape"),
        ({"calibrations": [1, 2]}, "damaged header"),
        ({"subject": "ghost"}, "damaged header"),
        ({"subject": ["person"]}, "damaged header"),
    ],
)
def test_wrong_headers_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = tmp_path / "x.safetensors"
    rewrite(path, **changes)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(path)


def test_foreign_safetensors_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors.torch.save({"a": torch.zeros(2)}))
    with pytest.raises(CheckpointError, match="without this project's header"):
        checkpoint.load(path)


def test_find_lists_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin, info = make()
    checkpoint.save(tmp_path / "tiny.safetensors", twin, info)
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    assert checkpoint_files.find("tiny") == tmp_path / "tiny.safetensors"
    with pytest.raises(CheckpointError, match="tiny"):
        checkpoint_files.find("absent")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="could not be written"):
        checkpoint.save(tmp_path / "file" / "x.safetensors", *make())


@given(cut=st.floats(0, 1), flip=st.integers(0, 10**9), keep=st.booleans())
@settings(max_examples=60, deadline=None)
def test_damaged_files_raise_only_checkpoint_errors(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flip: int, keep: bool
) -> None:
    data = bytearray(checkpoint.dump(*make()))
    if keep:
        data[flip % len(data)] ^= 0xFF
    else:
        del data[int(cut * len(data)) :]
    path = tmp_path_factory.mktemp("damaged") / "x.safetensors"
    path.write_bytes(data)
    try:
        checkpoint.load(path)
    except CheckpointError as error:
        assert "x.safetensors" in str(error)


def test_half_precision_halves_the_weights_and_loads_in_full(tmp_path: Path) -> None:
    twin, info = make()
    checkpoint.save(tmp_path / "half.safetensors", twin, info, half=True)
    stored = safetensors.torch.load_file(tmp_path / "half.safetensors")
    assert {t.dtype for t in stored.values() if t.ndim >= 2} == {torch.float16}
    loaded = checkpoint.load(tmp_path / "half.safetensors").twin
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for name, tensor in twin.state_dict().items():
        expected = tensor.half().float() if tensor.ndim >= 2 else tensor
        assert torch.equal(loaded.state_dict()[name], expected)


def test_headers_older_than_a_setting_are_read() -> None:
    _, info = make()
    header = info.to_json()
    for name in ("head", "damped", "centre_on_support"):
        del header["model"][name]
    assert CheckpointInfo.from_json(header, "old").model == MODEL


def test_classes_trained_on_are_found_by_name() -> None:
    """If there were several data sets, as for the shipped networks, the data set's name comes first."""
    trained = CheckpointInfo("x", MODEL, training={"classes": ["apple", "fruits360/Fig 1"]})
    assert trained.trained_on(["apple", "Fig 1", "pear"], "fruits360") == ["apple", "Fig 1"]
    assert trained.trained_on(["Fig 1"], "grocery") == []
    assert CheckpointInfo("x", MODEL).trained_on(["apple"], "fruits360") == []


def test_files_that_ask_for_five_copies_get_the_three_of_today() -> None:
    header = CheckpointInfo("old", ModelConfig(head="cosine", support_views=3)).to_json()
    header["model"]["support_views"] = 5
    assert CheckpointInfo.from_json(header, "old").model.support_views == 3
