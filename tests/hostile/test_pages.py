"""The corpus through the pages, many inputs in one drop: messages, good files kept, names shown as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fsl.training.manager import run_manager
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.pages import drop, new_browser, shown, state
from tests.helpers.pictures import picture
from tests.hostile.archives import GOOD, archives, zipped
from tests.hostile.checkpoints import checkpoints
from tests.hostile.images import images
from tests.hostile.projects import projects
from tests.hostile.runs import runs
from tests.hostile.watch import watching

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def assert_harmless(page: AppTest) -> None:
    """No exception, no general apology, no picture from elsewhere, no HTML."""
    assert not page.exception
    elements = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.success]
    for element in elements:
        text = element.value
        assert "Something went wrong" not in text
        assert "Traceback" not in text
        assert "![" not in text.replace("\\[", "")
        assert "<script" not in text.replace("\\<", "")
        text.encode()


def _sent(name: str) -> str:
    """As a browser sends it: always text."""
    return name.encode(errors="replace").decode()


def test_all_hostile_pictures_in_one_drop(page: AppTest, tmp_path: Path) -> None:
    inputs = images()
    with watching(tmp_path) as watch:
        drop(page, "class_0", *((_sent(one.name), one.data) for one in inputs))
    assert watch.faults == []
    assert_harmless(page)
    kept = {p.data for p in state(page).workspace.card(0).pictures}
    assert {one.data for one in inputs if one.good} <= kept
    assert not {one.data for one in inputs if one.good is False} & kept
    refused = sum(one.data not in kept for one in inputs)
    assert f"{refused} files could not be used" in shown(page)


def test_all_hostile_zips_in_one_drop(page: AppTest, tmp_path: Path) -> None:
    inputs = {f"{number} {_sent(one.name)}": one for number, one in enumerate(archives())}
    with watching(tmp_path) as watch:
        files = [(name, one.data) for name, one in inputs.items()]
        drop(page, "class_0", ("mine.png", picture("orange")), *files)
    assert watch.faults == []
    assert_harmless(page)
    now = state(page).workspace
    assert {"apple", "pear"} <= {card.name.rpartition("/")[2] for card in now.classes}
    assert picture("orange") in {p.data for card in now.classes for p in card.pictures}
    for name, one in inputs.items():
        said = " ".join(note for note in state(page).notes if note.startswith(f"{name}: "))
        assert said, name
        if one.good is False:
            assert "Added" not in said, name
        elif one.name.startswith("20000"):
            assert "at most 5,000 pictures together; nothing was added" in said
        elif one.keeps:
            assert "Added" in said or "nothing new" in said, name


def test_projects_dropped_one_after_another(page: AppTest, tmp_path: Path) -> None:
    drop(page, "class_0", ("mine.png", picture("orange")))
    for one in projects():
        before = {p.digest for card in state(page).workspace.classes for p in card.pictures}
        with watching(tmp_path) as watch:
            drop(page, "project", (_sent(one.name), one.data))
        assert watch.faults == [], one.name
        assert_harmless(page)
        if one.good is False:
            assert one.name.split(".")[0][:20] in shown(page), one.name
            now = state(page).workspace
            assert before == {p.digest for card in now.classes for p in card.pictures}, one.name


def _zone(page: AppTest, start: str) -> Any:
    """The drop zone whose key starts so, whichever number it has by now."""
    return next(zone for zone in page.file_uploader if str(zone.key).startswith(start))


def test_all_hostile_pictures_on_the_compare_page(page: AppTest, tmp_path: Path) -> None:
    inputs = images()
    page.switch_page("pages/compare.py").run()
    _zone(page, "compare_drop_references").set_value([("mine.png", picture("red"), "image/png")]).run()
    with watching(tmp_path) as watch:
        files = [(_sent(one.name), one.data, "image/png") for one in inputs]
        _zone(page, "compare_drop_probes").set_value(files).run()
    assert watch.faults == []
    assert_harmless(page)
    kept = {p.data for p in page.session_state["few_shot_lab_compare"].probes}
    assert {one.data for one in inputs if one.good} <= kept
    assert not {one.data for one in inputs if one.good is False} & kept


@pytest.mark.parametrize(
    ("name", "zone", "begin"),
    [
        ("embeddings", "map_zip", ""),
        ("evaluate", "ev_zip", "ev_start"),
        ("training", "training_zip", "start_training"),
    ],
)
def test_zips_on_the_other_pages(
    page: AppTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    zone: str,
    begin: str,
) -> None:
    """First useless zips, one of each kind, then one that holds every hostile picture."""
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    page.switch_page(f"pages/{name}.py").run()
    if name == "training":
        page.selectbox(key="data").set_value("a zip of my own").run()
    # What libraries do when they are used for the first time is none of the inputs' doing.
    _zone(page, zone).set_value(("good.zip", zipped(GOOD), "application/zip")).run()
    if name == "embeddings":
        page.selectbox(key="map_source_choice").set_value("rendered").run()
    for one in {one.kind: one for one in archives() if one.good is False}.values():
        with watching(tmp_path) as watch:
            _zone(page, zone).set_value((_sent(one.name), one.data, "application/zip")).run()
        assert watch.faults == [], one.name
        assert_harmless(page)
        assert one.name in shown(page), one.name
    inputs = images()
    mixed = {f"class {number % 5}/{number}.png": one.data for number, one in enumerate(inputs)}
    with watching(tmp_path) as watch:
        _zone(page, zone).set_value(("mixed.zip", zipped(mixed), "application/zip")).run()
        if begin:
            page.button(key=begin).click().run()
    assert watch.faults == []
    assert_harmless(page)
    assert "files could not be used" in page_text(page)
    if name == "training":
        run_manager().close(120)


def page_text(page: AppTest) -> str:
    """All text, with the headings of what can be unfolded."""
    return "\n".join([shown(page), *(box.label for box in page.expander)])


def test_a_folder_full_of_hostile_checkpoints(
    page: AppTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_small_checkpoint(tmp_path)
    bad = [one for one in checkpoints() if one.good is False]
    for number, one in enumerate(bad):
        (tmp_path / f"bad {number}.safetensors").write_bytes(one.data)
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path))
    drop(page, "class_0", ("r.png", picture("red")))
    drop(page, "class_1", ("b.png", picture("blue")))
    assert "small answers instead." in shown(page)
    drop(page, "queries", ("q.png", picture((250, 10, 10))))
    assert_harmless(page)
    assert "Most like Class 1" in shown(page)
    for name in page.selectbox(key="checkpoint").options:
        page.selectbox(key="checkpoint").set_value(name.partition(":")[0]).run()
        assert_harmless(page)
        assert "Most like Class 1" in shown(page)


def test_a_folder_full_of_hostile_runs(
    app: AppTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = []
    for number, run in enumerate(runs()):
        names.append(f"run{number}")
        for file, data in run.files.items():
            path = tmp_path / names[-1] / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path))
    for start in range(0, len(names), 4):
        run = ",".join([*names[start : start + 4], "no such run", "../..", "![x](y)"])
        assert_harmless(new_browser("pages/training.py", run=run))
