"""Settings for all tests, and what several of them use."""

from __future__ import annotations

import os

# Idle threads of torch's pool sleep rather than spin: on a small machine the browser tests need the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Several processes test side by side: each computes on a core of its own, and so do those it starts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

pytest_plugins = ["tests.helpers.fixtures"]
pytest.register_assert_rewrite("tests.helpers")

TESTS = Path(__file__).parent
BROWSER_TESTS = "tests/e2e/"
# What takes long begins first, so that no process is left alone with it in the end.
LONG = (
    BROWSER_TESTS,
    "tests/hostile/",
    "tests/test_shipped.py",
    "tests/training/",
    "tests/ui/",
    "tests/cli/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first."""

    def place(item: pytest.Item) -> int:
        path = f"tests/{item.path.relative_to(TESTS).as_posix()}"
        return next((i for i, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Keep the tests of a file in one process, and all that share the browser and the server."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class BrowserTestsTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER_TESTS if nodeid.startswith(BROWSER_TESTS) else super()._split_scope(nodeid)

    return BrowserTestsTogether(config, log)


@pytest.fixture(scope="session", autouse=True)
def _installed_packages_are_searched_once() -> Iterator[None]:
    """Every AppTest would look through all installed packages for components, a third of a second each."""
    from streamlit.components.v2 import manifest_scanner

    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda *_, **__: found)
        yield


def _data_dir() -> Path | None:
    folder = os.environ.get("FSL_DATA_DIR")
    return Path(folder) if folder else None


@pytest.fixture
def data_dir() -> Path:
    """The folder of the real data sets.

    Skips without one, but fails where FSL_REQUIRE_DATA says that there must be one.
    """
    folder = _data_dir()
    if folder is not None and folder.is_dir():
        return folder
    message = f"FSL_DATA_DIR is {folder}; set it to the folder of the data sets"
    if os.environ.get("FSL_REQUIRE_DATA") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def coloured_set() -> Callable[..., object]:
    """A maker of image sets whose classes differ in colour: easy to learn, with nothing to download."""

    def make(n_classes: int = 6, per_class: int = 6, size: int = 16, seed: int = 0) -> object:
        from fsl.data.imageset import ImageSet

        rng = np.random.default_rng(seed)
        colours = rng.uniform(0, 255, (n_classes, 1, 1, 1, 3))
        noise = rng.normal(0, 20, (n_classes, per_class, size, size, 3))
        images = (colours + noise).clip(0, 255).astype(np.uint8).reshape(-1, size, size, 3)
        labels = np.repeat(np.arange(n_classes), per_class)
        names = tuple(f"{c}/{i}" for c in range(n_classes) for i in range(per_class))
        return ImageSet(images, labels, tuple(f"colour {c}" for c in range(n_classes)), names)

    return make
