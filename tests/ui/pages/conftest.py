from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.pages.helpers import save_small_checkpoint

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    save_small_checkpoint(folder)
    save_small_checkpoint(folder, "small-two")
    return folder


@pytest.fixture
def app(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app on its home page."""
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    st.cache_resource.clear()


@pytest.fixture
def page(app: AppTest) -> AppTest:
    """The app on its Classify page, drawn once."""
    app.switch_page("pages/classify.py").run()
    return app
