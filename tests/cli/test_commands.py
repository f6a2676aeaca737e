"""The command line's contract: exit status, and failures that are one line on stderr."""

import json
from pathlib import Path

import pytest

from fsl.__main__ import main
from tests.helpers.commands import run


def test_checkpoints_lists_and_names_damaged_ones(
    weights: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(weights).parent
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(place))
    (place / "broken.safetensors").write_bytes(b"\x00" * 40)
    status, out, err = run(capsys, "checkpoints", "--json")
    assert status == 0
    (entry,) = json.loads(out)
    assert entry["name"] == "tiny"
    assert entry["label_convention"] == "0 = same class, 1 = different class"
    assert "broken.safetensors" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["classify", "--support", "absent", "--query", "x.png"], "absent: there is no such file or folder"),
        (["evaluate", "--data", "absent", "--checkpoint", "CHECKPOINT"], "absent"),
        (["evaluate", "--data", "DATA", "--checkpoint", "nowhere"], "nowhere"),
        (["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--way", "99"], "99"),
        (["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--way", "1"], "n_way is 1"),
        (
            ["evaluate", "--data", "DATA", "--checkpoint", "CHECKPOINT", "--per-class", "-1"],
            "--per-class is -1",
        ),
        (
            ["train", "--data", "DATA", "--run-dir", "RUN", "--recipe", "fruits", "--hold-out", "0.1"],
            "leave out --hold-out",
        ),
        (["train", "--data", "DATA", "--run-dir", "RUN", "--lr", "-1"], "learning rate"),
        (["lr-range", "--data", "DATA", "--points", "0"], "The number of points is 0; it must be 2 or more."),
        (["lr-range", "--data", "DATA", "--lowest", "2"], "lowest rate of the range is 2 and the highest 1"),
        (["classify", "--support", "DATA/red", "--query", "DATA/red"], "At least 2 folders"),
        (["train", "--data", "DATA", "--run-dir", "RUN", "--batch-pairs", "0"], "batch_pairs"),
        (["classify", "--support", "DATA", "--query", "DATA/red/0.png", "--threshold", "2"], "threshold"),
    ],
)
def test_failures_are_one_line(
    arguments: list[str],
    told: str,
    folder: Path,
    weights: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"DATA": str(folder), "CHECKPOINT": weights, "RUN": str(tmp_path / "run")}
    filled = [
        a.replace("DATA", places["DATA"]) if a.startswith("DATA") else places.get(a, a) for a in arguments
    ]
    if filled[0] == "classify" and "--checkpoint" not in filled:
        filled += ["--checkpoint", weights]
    status, out, err = run(capsys, *filled)
    assert status == 1
    assert out == ""
    assert err.count("\n") == 1
    assert told in err


def test_usage_errors_exit_with_2() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["classify"])
    assert exit_.value.code == 2
