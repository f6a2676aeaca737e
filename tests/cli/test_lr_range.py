"""``lr-range``: the contract's keys, on data that comes with the program."""

import json

import pytest

from fsl.__main__ import main


def test_lr_range_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        ["lr-range", "--data", "digits", "--image-size", "16", "--batch-classes", "4", "--batch-images", "2",
         "--points", "15", "--device", "cpu", "--json"]
    )  # fmt: skip
    out = capsys.readouterr().out
    assert status == 0
    result = json.loads(out)
    assert set(result) == {"points", "suggestion"}
    assert len(result["points"]) == 15
    assert set(result["points"][0]) == {"lr", "loss"}


def test_a_failure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lr-range", "--data", "nowhere"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
