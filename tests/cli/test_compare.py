"""The commands ``compare`` and ``verify``: names, options, JSON keys, exit status, one line on stderr."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from bench.recalibrate import source_of, write_header
from fsl.base.text import one_in, rate_text
from fsl.data.catalogue import path_source
from fsl.data.query import ImageQuery
from fsl.fewshot.error_rate_text import describe_error_rates, measured_on
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.inference import embed_images, similarities
from fsl.twin.pair_rates import LEVELS
from tests.helpers.commands import run


@pytest.fixture
def measured(folder: Path, weights: str) -> str:
    """The same network with error rates measured on the folder's own colours."""
    loaded = checkpoints.load(Path(weights))
    data = path_source(folder).load(ImageQuery(16))[0]
    rates = measure_pair_rates(
        loaded.twin, [(embed_images(loaded.twin, data.images), data.labels)], "colours"
    )
    path = Path(weights).with_name("measured.safetensors")
    write_header(Path(weights), path, replace(loaded.info, pairs=rates))
    return str(path)


def test_compare_json(
    folder: Path, measured: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    alike, other = folder / "red" / "1.png", folder / "green" / "0.png"
    status, out, err = run(
        capsys, "compare", folder / "red" / "0.png", alike, other, tmp_path / "bad.png",
        "--checkpoint", measured, "--far", "0.2", "--json",
    )  # fmt: skip
    assert status == 0
    result = json.loads(out)
    assert [one["file"] for one in result["left_out"]] == [str(tmp_path / "bad.png")]
    rates = checkpoint_files.read_info(Path(measured)).pairs
    assert rates is not None
    assert [pair["probe"] for pair in result["pairs"]] == [str(alike), str(other)]
    for pair in result["pairs"]:
        assert set(pair) == {"reference", "probe", "similarity", "same", "threshold"}
        assert pair["threshold"] == pytest.approx(rates.threshold_at(0.2))
        assert pair["same"] == (pair["similarity"] >= pair["threshold"])
    assert result["pairs"][0]["same"]
    assert result["pairs"][0]["similarity"] > result["pairs"][1]["similarity"]
    assert result["false_accept"] == pytest.approx(0.2)
    assert "bad.png" in err


def test_compare_a_folder_of_references_for_people(
    folder: Path, measured: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(
        capsys, "compare", folder / "red", folder / "red" / "3.png", folder / "green",
        "--checkpoint", measured, "--threshold", "0.5",
    )  # fmt: skip
    assert status == 0
    lines = out.splitlines()
    assert len(lines) == 6
    assert lines[0].split("\t")[1] in ("same", "different")
    assert lines[-1].startswith("Limit 0.50. At this limit ")
    assert "pairs of different things would be called the same" in lines[-1]
    assert "single references" in lines[-1]


def test_verify_says_that_no_threshold_keeps_a_rate(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the network sees no difference between classes, every pair has similarity 1."""
    blind = checkpoints.load(Path(weights))
    blind.twin.head.bias.fill_(-200.0)
    checkpoints.save(tmp_path / "blind.safetensors", blind.twin, blind.info)
    command = ["verify", "--data", folder, "--checkpoint", tmp_path / "blind.safetensors", "--bootstrap", 5]
    result = json.loads(run(capsys, *command, "--json")[1])
    assert result["tar_at_far"]["0.01"] == 0
    assert result["thresholds"]["0.01"]["threshold"] == 1
    assert result["thresholds"]["0.01"]["false_accept"] == 1
    said = run(capsys, *command)[1]
    assert "1% false accepts: no threshold keeps this rate, as 100% of the different pairs" in said


def test_verify_json_against_scikit_learn(
    folder: Path, measured: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(
        capsys, "verify", "--data", folder, "--checkpoint", measured, "--bootstrap", 20, "--json"
    )
    assert status == 0
    result = json.loads(out)
    assert {"auc", "eer", "eer_threshold", "accuracy_at_stored_threshold", "tar_at_far"} <= set(result)
    assert set(result["tar_at_far"]) == {"0.01", "0.001"}
    assert (result["same_pairs"], result["different_pairs"]) == (24, 96)
    loaded = checkpoints.load(Path(measured))
    data = path_source(folder).load(ImageQuery(16))[0]
    embeddings = embed_images(loaded.twin, data.images)
    table = similarities(loaded.twin, embeddings, embeddings).double().numpy()
    rows = np.triu_indices(16, 1)
    same = data.labels[rows[0]] == data.labels[rows[1]]
    assert result["auc"] == pytest.approx(roc_auc_score(same, table[rows]), abs=1e-3)
    assert not result["thresholds"]["0.01"]["promised"]  # 6 pairs of colours
    assert 0 <= result["eer_interval"][0] <= result["eer"] <= result["eer_interval"][1] <= 1


def test_verify_for_people_names_the_rates_that_cannot_be_measured(
    folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "verify", "--data", folder, "--checkpoint", weights, "--bootstrap", 5)
    assert status == 0
    assert "equal error rate" in out
    assert "too few classes to measure this rate: 6 pairs of classes are enough for 50% and above" in out
    assert "stored threshold" not in out  # none was ever measured


@pytest.mark.parametrize("why", ["one draw", "two classes"])
def test_verify_names_no_interval_where_all_draws_are_equal(
    why: str, folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = tmp_path / "two"
    two.mkdir()
    for colour in ("red", "green"):
        (two / colour).symlink_to(folder / colour)
    draws, data = (1, folder) if why == "one draw" else (20, two)
    _, out, _ = run(capsys, "verify", "--data", data, "--checkpoint", weights, "--bootstrap", draws, "--json")
    result = json.loads(out)
    at = result["thresholds"]["0.01"]
    assert [result["eer_interval"], *(at[name] for name in at if name.endswith("interval"))] == [None] * 4
    _, out, _ = run(capsys, "verify", "--data", data, "--checkpoint", weights, "--bootstrap", draws)
    assert "equal error rate" in out
    assert "95%" not in out
    assert "up to" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["compare", "RED", "RED"], "ever measured for tiny"),
        (["compare", "RED", "RED", "--far", "2"], "--far is 2"),
        (["compare", "RED", "RED", "--threshold", "7"], "--threshold is 7"),
        (["compare", "absent.png", "RED", "--threshold", "0.5"], "absent.png"),
        (["compare", "RED", "absent.png", "--threshold", "0.5"], "None of the probes"),
        (["verify", "--data", "absent"], "absent"),
        (["verify", "--data", "DATA", "--far", "0"], "--far is 0"),
        (["verify", "--data", "DATA", "--seed", "-1"], "--seed is -1"),
        (["verify", "--data", "DATA", "--bootstrap", "0"], "--bootstrap is 0"),
    ],
)
def test_failures_are_one_line(
    arguments: list[str], told: str, folder: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"RED": str(folder / "red" / "0.png"), "DATA": str(folder)}
    filled = [places.get(a, a) for a in arguments]
    status, out, err = run(capsys, *filled, "--checkpoint", weights)
    assert (status, out) == (1, "")
    assert told in err.splitlines()[-1]
    assert err.count("\n") <= 2  # a file left out is named first


def test_where_no_face_is_found_a_network_for_things_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    red = str(folder / "red" / "0.png")
    status, out, err = run(capsys, "compare", red, red, "--checkpoint", "faces")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"{red}: no face was found in it. This network compares people" in err
    assert "photos" in err


def test_a_new_header_leaves_the_weights_alone(measured: str, weights: str) -> None:
    old, new = checkpoints.load(Path(weights)), checkpoints.load(Path(measured))
    for (name, before), after in zip(
        old.twin.state_dict().items(), new.twin.state_dict().values(), strict=True
    ):
        assert torch.equal(before, after), name
    assert old.info == replace(new.info, pairs=None)
    source = source_of("lfw:val@0.48")
    assert (source.data, source.classes, source.centre) == ("lfw", "val", 0.48)
    assert source_of("fruits360").centre == 1


def test_data_sets_that_rates_were_measured_on_are_named_in_words(measured: str) -> None:
    rates = checkpoint_files.read_info(Path(measured)).pairs
    assert rates is not None
    known = replace(rates, fitted_on="lfw val@0.48 and orl val: pairs of 9 images")
    assert measured_on(known) == "press photos (LFW) and studio photos (ORL): pairs of 9 images"
    assert measured_on(replace(rates, fitted_on="my val: 3 pairs")) == "my val: 3 pairs"


def test_rates_in_words(measured: str) -> None:
    assert [one_in(r) for r in (0.0, 0.00004, 0.0003, 0.001, 0.01, 0.015, 0.333, 1.0)] == [
        "fewer than 1 in 10,000 pairs",
        "fewer than 1 in 10,000 pairs",
        "3 in 10,000 pairs",
        "1 in 1,000 pairs",
        "1 in 100 pairs",
        "15 in 1,000 pairs",
        "33 in 100 pairs",
        "100 in 100 pairs",
    ]
    assert [rate_text(r) for r in (0.001, 0.0333, 0.12, 0.0, 1.0)] == ["0.1%", "3.3%", "12%", "0%", "100%"]
    rates = checkpoint_files.read_info(Path(measured)).pairs
    assert rates is not None
    assert "not certain" in describe_error_rates(rates, 1.0, "thing")
    assert "not certain" not in describe_error_rates(rates, 0.0, "thing")
    assert "of different things would be" in describe_error_rates(rates, 0.5, "thing")
    of_people = describe_error_rates(rates, 0.5, "person")
    assert "of different people would be" in of_people
    assert "of the same person different" in of_people
    wide = replace(rates, false_accept_high=(0.9,) * len(LEVELS))
    assert "(with other people up to 90 in 100 pairs)" in describe_error_rates(
        wide, rates.threshold_at(0.2), "person"
    )
    assert "never seen" in describe_error_rates(replace(rates, familiar=True), 0.5, "person")
    assert "never seen" not in of_people
    assert "with other" not in describe_error_rates(replace(rates, false_accept_high=()), 0.5, "person")


def test_margins_can_be_left_out(measured: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A red picture in a wide green frame is to a red one as that is to itself, without the frame."""
    red, framed = Image.new("RGB", (40, 40), (250, 0, 0)), Image.new("RGB", (80, 80), (0, 250, 0))
    framed.paste(red, (20, 20))
    for name, image in (("red", red), ("framed", framed)):
        image.save(tmp_path / f"{name}.png")
    pictures = tmp_path / "red.png", tmp_path / "red.png", tmp_path / "framed.png"
    gaps = []
    for centre in ("1", "0.5"):
        options = "--checkpoint", measured, "--centre", centre, "--json"
        status, out, _ = run(capsys, "compare", *pictures, *options)
        assert status == 0
        itself, in_frame = (pair["similarity"] for pair in json.loads(out)["pairs"])
        gaps.append(abs(itself - in_frame))
    assert gaps[0] > 1e-3
    assert gaps[1] < 1e-6
    status, _, err = run(capsys, "compare", *pictures, "--checkpoint", measured, "--centre", "0")
    assert (status, "0.1 to 1" in err) == (1, True)


def test_a_network_trained_on_from_one_of_people_is_one_of_people(
    folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, out = Path(weights).with_name("people.safetensors"), tmp_path / "run"
    write_header(Path(weights), start, replace(checkpoint_files.read_info(Path(weights)), subject="person"))
    code, _, error = run(capsys, "train", "--data", folder, "--start", start, "--steps", 1, "--run-dir", out)
    assert code == 0, error
    info = checkpoint_files.read_info(out / "checkpoint.safetensors")
    assert info.subject == "person"
    assert "decide nothing about anyone" in info.notice
