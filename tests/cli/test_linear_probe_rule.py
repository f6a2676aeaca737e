"""``classify --rule quick``: the fitted classifier from a shell."""

import json
from pathlib import Path

import pytest

from fsl.__main__ import main
from fsl.twin import checkpoint as checkpoints
from tests.helpers.networks import checkpoint
from tests.helpers.pictures import named_image


def arguments(folder: Path, n_shot: int) -> list[str]:
    made = checkpoint()
    checkpoints.save(folder / "tiny.safetensors", made.twin, made.info)
    for number, colour in enumerate(("red", "green")):
        (folder / "classes" / colour).mkdir(parents=True)
        for shot in range(n_shot):
            picture = named_image(colour, 10 * number + shot)
            picture.image.save(folder / "classes" / colour / f"{shot}.png")
    named_image("green", 99).image.save(folder / "query.png")
    return [
        *("classify", "--checkpoint", str(folder / "tiny.safetensors"), "--rule", "quick", "--json"),
        *("--support", str(folder / "classes"), "--query", str(folder / "query.png")),
    ]


def test_it_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, n_shot=5)) == 0
    (prediction,) = json.loads(capsys.readouterr().out)["predictions"]
    assert prediction["label"] == "green"
    assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_too_few_shots_are_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, n_shot=4)) == 1
    assert "needs 5 images of every class" in capsys.readouterr().err
