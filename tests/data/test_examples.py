"""The ready-made tasks."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import DataError, SettingsError
from fsl.data import examples
from fsl.data.download import Answer
from fsl.data.examples import ExampleTask, digits_task, fruits_sample, fruits_task, rendered_task
from fsl.data.images.decode import decode_image


def jpeg_of(url: str) -> bytes:
    """A picture of its own for every URL."""
    buffer = io.BytesIO()
    rng = np.random.default_rng(sum(url.encode()))
    Image.fromarray(rng.integers(0, 256, (10, 10, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue() + url.encode()


@pytest.fixture
def fruits_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., ExampleTask]:
    """``fruits_task`` with the digests of made-up pictures."""
    import hashlib
    from dataclasses import replace

    rows = tuple(replace(r, sha256=hashlib.sha256(jpeg_of(r.url)).hexdigest()) for r in fruits_sample())
    monkeypatch.setattr(examples, "fruits_sample", lambda: rows)

    def answer(url: str, start: int) -> Answer:
        content = jpeg_of(url)
        return Answer(0, len(content), iter([content]))

    return lambda *args, **kwargs: fruits_task(*args, cache=tmp_path, fetch=answer, **kwargs)


@pytest.fixture(params=["digits", "rendered", "fruits"])
def make(request: pytest.FixtureRequest) -> Callable[..., ExampleTask]:
    if request.param == "fruits":
        task: Callable[..., ExampleTask] = request.getfixturevalue("fruits_offline")
        return task
    if request.param == "rendered":
        return rendered_task
    return digits_task


@pytest.mark.parametrize(("n_way", "n_shot", "n_query"), [(5, 2, 6), (2, 1, 1), (3, 5, 10)])
def test_a_task_has_what_was_asked_for(
    make: Callable[..., ExampleTask], n_way: int, n_shot: int, n_query: int
) -> None:
    task = make(n_way, n_shot, n_query, seed=3)
    assert len(task.classes) == n_way
    assert {len(files) for files in task.classes.values()} == {n_shot}
    assert len(task.queries) == len(task.answers) == n_query
    assert set(task.answers) <= set(task.classes)
    assert max(Counter(task.answers).values()) <= -(-n_query // n_way)
    files = [file for one in task.classes.values() for file in one] + task.queries
    assert all(min(decode_image(data, name).size) >= 10 for name, data in files)
    assert len({data for _, data in files}) == len(files), "a query must not be a support image"
    assert not any(answer in name for (name, _), answer in zip(task.queries, task.answers, strict=True))


def test_a_seed_gives_the_same_task_again(make: Callable[..., ExampleTask]) -> None:
    assert make(seed=1) == make(seed=1)
    assert make(seed=1) != make(seed=2)


@pytest.mark.parametrize("numbers", [(1, 1, 1), (11, 1, 1), (5, 0, 1), (5, 1, 0)])
def test_numbers_out_of_range(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(SettingsError):
        digits_task(*numbers)


def test_more_images_than_there_are(fruits_offline: Callable[..., ExampleTask]) -> None:
    with pytest.raises(SettingsError, match="there are 20"):
        fruits_offline(2, 20, 1)


def test_digits_are_dark_on_white() -> None:
    name, data = next(iter(digits_task().classes.values()))[0]
    pixels = np.asarray(decode_image(data, name))
    assert pixels.shape == (96, 96, 3)
    assert (pixels[0] > 250).all()
    assert pixels.min() < 40
    assert 0.05 < (pixels < 128).mean() < 0.5


def test_the_fruit_sample_is_well_formed() -> None:
    rows = fruits_sample()
    assert len(rows) == len({row.name for row in rows}) == len({row.sha256 for row in rows}) == 200
    assert set(Counter(row.name.split("/")[0] for row in rows).values()) == {20}
    assert all(
        len(row.sha256) == 64 and row.url.startswith("https://") and " " not in row.url for row in rows
    )


def test_offline_is_said_plainly(tmp_path: Path) -> None:
    def offline(url: str, start: int) -> Answer:
        raise OSError("network is unreachable")

    with pytest.raises(DataError, match="connection to the internet"):
        fruits_task(cache=tmp_path, fetch=offline)
