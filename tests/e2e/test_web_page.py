"""The exported web page gives the answers of the Python program, and needs nothing but its folder."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageOps

import fsl
from bench._web_page import answers_on_page, runtime, served, write_page
from fsl.config import RULES, Fit, Head, ModelConfig, Rule
from fsl.data.images.colour import shrink_to_rgb
from fsl.data.images.resize import crop_centre, to_square
from fsl.twin import checkpoint as checkpoints
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZE = 32


def network(head: Head, fit: Fit, rule: Rule, views: int = 1, limit: float = 0.5) -> checkpoints.Checkpoint:
    """A small untrained network whose rules differ in temperature and limit, so that using another shows."""
    import torch

    torch.manual_seed(0)
    model = ModelConfig(
        widths=(8, 8, 8, 8),
        image_size=SIZE,
        head=head,
        fit=fit,
        centre_on_support=head == "cosine",
        damp_on_support=head == "cosine",
        support_views=views,
    )
    of_rules = tuple(Calibration(r, 0.1 * (i + 1), limit if r == rule else 1.0) for i, r in enumerate(RULES))
    info = CheckpointInfo("tiny", model, rule=rule, licence="mine", calibrations=of_rules)
    return checkpoints.from_twin(TwinNetwork(model).eval(), info)


@pytest.fixture
def page_folder(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder for the page, with the runtime, and the address that it is served at."""
    pytest.importorskip("onnxruntime", reason="in the extra [export]")
    folder = tmp_path / "page"
    shutil.copytree(runtime(), folder / "runtime")
    with served(folder) as address:
        yield folder, address


def write_task(folder: Path) -> list[Path]:
    """Write striped, noisy pictures that are larger than the input; return the queries.

    One query is turned by its EXIF, one is partly transparent, one is unlike all classes.
    """
    rng = np.random.default_rng(0)
    colours = {"red": (200, 60, 60), "green": (60, 190, 70), "blue": (60, 80, 220)}
    for slot, (name, colour) in enumerate(colours.items()):
        for number in range(3 + slot):  # two, three and four pictures, and one query
            noise = rng.normal(0, 40, (120 + 10 * number, 170, 3))
            stripes = 50 * np.sign(np.sin(np.arange(170) * (0.5 + 0.2 * slot)))[None, :, None]
            pixels = np.clip(np.array(colour) + stripes + noise, 0, 255).astype(np.uint8)
            place = folder / (f"classes/{name}" if number else "queries")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(place / f"{name} {number}.png")
    queries = folder / "queries"
    turned = Image.Exif()
    turned[274] = 6
    Image.open(queries / "green 0.png").save(queries / "turned.png", exif=turned)
    clear = Image.open(queries / "red 0.png").convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 60, 60))
    clear.save(queries / "clear.png")
    Image.new("RGB", (90, 90), "white").save(queries / "white.png")
    return sorted(queries.iterdir())


@pytest.mark.parametrize(
    ("head", "fit", "rule", "views"),
    [("cosine", "crop", "prototype", 3), ("absolute", "pad", "max", 1)],
)
def test_its_answers_are_those_of_classify(
    tab: Page, page_folder: tuple[Path, str], tmp_path: Path, head: Head, fit: Fit, rule: Rule, views: int
) -> None:
    folder, address = page_folder
    queries = write_task(tmp_path / "task")
    support = fsl.SupportSet.from_folder(tmp_path / "task" / "classes")
    first = fsl.classify(network(head, fit, rule, views), support, queries)
    best = sorted(max(p.class_similarity.values()) for p in first)
    made = network(head, fit, rule, views, limit=(best[2] + best[3]) / 2)
    write_page(folder, made)
    tab.goto(address)
    found = answers_on_page(tab, tmp_path / "task", len(queries))
    own = fsl.classify(made, support, queries)
    assert sum(p.unknown for p in own) == 3
    for on_page, here in zip(found, own, strict=True):
        assert on_page["query"] == Path(here.query).name
        assert (on_page["label"], on_page["unknown"]) == (here.label, here.unknown)
        assert on_page["scores"] == pytest.approx(here.scores, abs=1e-3)


def pixels_on_page(tab: Page, picture: Image.Image, call: str) -> np.ndarray:
    """Return what a call of the page's own pixel code makes of a picture."""
    data = base64.b64encode(picture.tobytes()).decode()
    code = (
        "async ([width, height, text]) => { const { square, bounded, copies } = await import('./pixels.js');"
        "const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));"
        f"const made = ((picture) => {call})({{ width, height, data }});"
        "let out = ''; for (const value of made.data) out += String.fromCharCode(value);"
        "return [made.width, made.height, btoa(out)]; }"
    )
    width, height, text = tab.evaluate(code, [picture.width, picture.height, data])
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3)


def agree(made: np.ndarray, expected: np.ndarray) -> None:
    """Few values differ, and by no more than 1 of 255; see pixels.js."""
    assert made.shape == expected.shape
    apart = np.abs(made.astype(int) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.5


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_its_pixels_are_those_of_the_program(tab: Page, page_folder: tuple[Path, str]) -> None:
    folder, address = page_folder
    write_page(folder, network("absolute", "crop", "mean"))
    tab.goto(address)
    for picture in (noise(97, 64), noise(31, 45), noise(501, 333), noise(224, 224), noise(1, 7)):
        for size, fit in ((32, "crop"), (33, "pad"), (224, "stretch")):
            made = pixels_on_page(tab, picture, f"square(picture, {size}, '{fit}')")
            agree(made, to_square(picture, size, fit))  # type: ignore[arg-type]
    for picture in (noise(1100, 20), noise(2301, 60), noise(40, 4200)):
        made = pixels_on_page(tab, picture, "bounded(picture, 1024, false)")
        agree(made, np.asarray(shrink_to_rgb(picture, 1024)))
    picture = noise(45, 45)
    middle = to_square(ImageOps.mirror(crop_centre(picture, 0.85)), 45, "crop")
    for i, expected in enumerate([picture, middle, picture.transpose(Image.Transpose.TRANSPOSE)]):
        made = pixels_on_page(tab, picture, f"copies(picture, 3, 0.85)[{i}]")
        agree(made, np.asarray(expected))


def test_files_that_are_no_pictures_are_named_and_the_others_kept(
    tab: Page, page_folder: tuple[Path, str]
) -> None:
    folder, address = page_folder
    write_page(folder, network("cosine", "crop", "prototype"))
    tab.goto(address)
    tab.locator("#example").click()
    tab.locator("#answers li").nth(4).wait_for()
    buffer = io.BytesIO()
    noise(40, 40).save(buffer, "PNG")
    files = [
        {"name": name, "mimeType": kind, "buffer": data}
        for name, kind, data in (
            ("notes.txt", "text/plain", b"no picture"),
            ("broken.png", "image/png", b"no picture"),
            ("good <b>.png", "image/png", buffer.getvalue()),
        )
    ]
    tab.locator("#query-files").set_input_files(files)  # type: ignore[arg-type]
    tab.locator("#problems li").nth(1).wait_for()
    problems = tab.locator("#problems li").all_inner_texts()
    assert [problem.partition(":")[0] for problem in problems] == ["notes.txt", "broken.png"]
    tab.locator("#answers .file", has_text="good <b>.png").wait_for()
    assert tab.locator("#answers li").count() == 6


def test_without_the_runtime_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    write_page(tmp_path, network("absolute", "crop", "mean"))
    with served(tmp_path) as address:
        page = browser.new_page()
        page.goto(address)
        page.locator("#status.failed").wait_for()
        assert "npm install" in page.locator("#status").inner_text()
        page.close()
