import itertools
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.data.rendered import RENDERED_CLASSES, render_examples, render_image

SIZE = 32
PER_CLASS = 6


@pytest.fixture(scope="module")
def sheet() -> dict[str, list[Image.Image]]:
    return render_examples(None, PER_CLASS, SIZE, seed=11)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255


def test_there_are_enough_classes_with_plain_names():
    assert len(RENDERED_CLASSES) >= 16
    assert len(set(RENDERED_CLASSES)) == len(RENDERED_CLASSES)
    assert all(name == name.lower().strip() for name in RENDERED_CLASSES)


def test_all_classes_are_rendered_in_order_at_the_size_asked_for(sheet):
    assert tuple(sheet) == RENDERED_CLASSES
    for images in sheet.values():
        assert len(images) == PER_CLASS
        assert {(image.mode, image.size) for image in images} == {("RGB", (SIZE, SIZE))}


@pytest.mark.parametrize("size", [16, 17, 33, 128])
@pytest.mark.parametrize("name", ["pear", "grapes", "avocado half"])
def test_odd_and_extreme_sizes(name, size):
    image = render_image(name, size, np.random.default_rng(0))
    assert image.size == (size, size)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(sheet):
    again = render_examples(["banana"], PER_CLASS, SIZE, seed=11)["banana"]
    assert [image.tobytes() for image in again] == [image.tobytes() for image in sheet["banana"]]
    other = render_examples(["banana"], 1, SIZE, seed=12)["banana"]
    assert other[0].tobytes() != again[0].tobytes()


def test_a_class_depends_neither_on_the_others_asked_for_nor_on_the_count(sheet):
    some = render_examples(["tomato", "grapes"], 2, SIZE, seed=11)
    assert list(some) == ["tomato", "grapes"]
    for name, images in some.items():
        assert [image.tobytes() for image in images] == [image.tobytes() for image in sheet[name][:2]]


def test_another_process_renders_the_same():
    # Python's own string hash differs from process to process: a seed made with it would show here.
    code = (
        "import hashlib; from fsl.data.rendered import render_examples;"
        "image = render_examples(['plum'], 1, 32, 5)['plum'][0];"
        "print(hashlib.sha256(image.tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    }
    assert len(runs) == 1


def test_corners_are_white_and_the_middle_is_not(sheet):
    for name, images in sheet.items():
        for image in images:
            values = pixels(image)
            assert values[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 0.97, name
            assert (values.min(axis=2) < 0.85).mean() > 0.08, name


def test_objects_lie_within_the_frame():
    # Large enough for the margin to be wider than the shadow's dark rim.
    for name, images in render_examples(None, 3, 64, seed=3).items():
        for image in images:
            values = pixels(image)
            border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
            assert border.min() > 0.75, name


def test_images_of_a_class_differ(sheet):
    for name, images in sheet.items():
        for first, second in itertools.pairwise(images):
            assert np.abs(pixels(first) - pixels(second)).mean() > 0.01, name


def test_colour_and_shape_tell_the_classes_apart(sheet):
    features, labels = [], []
    for label, images in enumerate(sheet.values()):
        for image in images:
            values = pixels(image)
            inside = values.min(axis=2) < 0.85
            spread = np.cov(np.argwhere(inside).T)
            low, high = np.linalg.eigvalsh(spread)
            colour = values[inside]
            features.append(np.concatenate([colour.mean(axis=0), colour.std(axis=0), [np.sqrt(low / high)]]))
            labels.append(label)
    scaled = np.array(features) / np.std(features, axis=0)
    labels = np.array(labels)
    number = np.arange(len(labels)) % PER_CLASS
    known, asked = number < PER_CLASS // 2, number >= PER_CLASS // 2
    means = np.stack([scaled[known & (labels == label)].mean(axis=0) for label in range(len(sheet))])
    distance = np.linalg.norm(scaled[asked][:, None] - means[None], axis=2)
    correct = (distance.argmin(axis=1) == labels[asked]).mean()
    assert correct > 0.5, f"{correct:.0%} right; chance is {1 / len(sheet):.0%}"


def test_an_unknown_class_is_an_error_that_names_the_known_ones():
    with pytest.raises(SettingsError, match=r"'durian'.*banana"):
        render_image("durian", 64, np.random.default_rng(0))
    with pytest.raises(SettingsError, match="durian"):
        render_examples(["pear", "durian"], 1, 64, seed=0)


def test_too_small_a_size_or_count_is_an_error():
    with pytest.raises(SettingsError, match="15 pixels"):
        render_image("pear", 15, np.random.default_rng(0))
    with pytest.raises(SettingsError, match="1 or more"):
        render_examples(["pear"], 0, 64, seed=0)


def test_nothing_heavy_is_imported():
    code = "import sys, fsl.data.rendered; print([m for m in ('torch', 'streamlit') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
