"""The renderer: repeatable, and what ships is what it draws."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from fsl.base.errors import SettingsError
from fsl.data.drawn_fruit import FRUIT_CLASSES, SIDE, fruit_pictures
from tools.draw_fruit.__main__ import rounded
from tools.draw_fruit.render import render_examples, render_image


def test_what_ships_is_what_the_renderer_draws() -> None:
    for name, (picture,) in render_examples(None, 1, SIDE, seed=0).items():
        shipped = fruit_pictures(name)[0].astype(int)
        # Another processor rounds otherwise here and there.
        different = np.abs(shipped - rounded(np.asarray(picture))) > 3
        assert different.mean() < 1e-3, name


def test_rounding_changes_no_level_by_more_than_one() -> None:
    levels = np.arange(256, dtype=np.uint8)
    assert np.abs(rounded(levels).astype(int) - levels).max() == 1
    assert (rounded(levels)[[0, 255]] == [0, 255]).all()


@pytest.mark.parametrize("size", [16, 17, 33, 128])
@pytest.mark.parametrize("name", ["pear", "grapes", "avocado half"])
def test_odd_and_extreme_sizes(name: str, size: int) -> None:
    image = render_image(name, size, np.random.default_rng(0))
    assert (image.mode, image.size) == ("RGB", (size, size))


def test_the_seed_alone_decides_the_pixels() -> None:
    first, second = render_examples(["banana", "plum"], 2, 32, seed=11)["plum"]
    assert first.tobytes() != second.tobytes()
    assert render_examples(["plum"], 1, 32, seed=11)["plum"][0].tobytes() == first.tobytes()
    assert render_examples(["plum"], 1, 32, seed=12)["plum"][0].tobytes() != first.tobytes()


def test_another_process_draws_the_same() -> None:
    # Python's own string hash differs from process to process: a seed made with it would show here.
    code = (
        "import hashlib; from tools.draw_fruit.render import render_examples;"
        "image = render_examples(['plum'], 1, 32, 5)['plum'][0];"
        "print(hashlib.sha256(image.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "1"}
    )
    here = render_examples(["plum"], 1, 32, 5)["plum"][0].tobytes()
    assert done.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_classes_and_numbers_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(SettingsError, match=rf"'durian'.*{FRUIT_CLASSES[1]}"):
        render_examples(["pear", "durian"], 1, 64, seed=0)
    with pytest.raises(SettingsError, match="15 pixels"):
        render_image("pear", 15, np.random.default_rng(0))
    with pytest.raises(SettingsError, match="1 or more"):
        render_examples(["pear"], 0, 64, seed=0)
