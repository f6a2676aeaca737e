"""The Train page through Streamlit's own test runner; runs are made by the real manager."""

from __future__ import annotations

import shutil
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore

import pytest
from streamlit.testing.v1 import AppTest

from fsl.base.errors import DataError
from fsl.config import NO_AUGMENTATION
from fsl.data.download import Answer
from fsl.data.public import OLIVETTI
from fsl.training.manager import run_manager
from fsl.training.snapshots import has_snapshots
from fsl.training.status import RunInfo, find_run, list_runs
from fsl.twin.checkpoint import load
from fsl.ui.pages.training import actions, range_test
from fsl.ui.shared.resources import choices
from fsl.ui.shared.run_labels import learning_rate_text
from tests.helpers.pages import drop, shown, start, state, wait_until_over
from tests.helpers.pictures import noisy_png, picture, zipped
from tests.helpers.waiting import until

APP = Path(__file__).resolve().parents[3] / "app.py"
OWNER = "0123456789abcdef" * 2
"""The number in the cookie of the browser that started ``finished``."""
VISITOR_KEY = "few_shot_lab_visitor"


@pytest.fixture
def training(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app on its Train page, with an empty folder of runs."""
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    app.switch_page("pages/training.py").run()
    yield app
    run_manager().close(timeout=20)


def test_three_rates_are_three_runs_that_share_all_else(training: AppTest) -> None:
    runs = start(training, [1e-4, 1e-3, 10.0])
    assert sorted(run.config.learning_rate for run in runs if run.config) == [1e-4, 1e-3, 10.0]
    assert len({run.group for run in runs}) == 1
    assert len({run.config.seed for run in runs if run.config}) == 1
    runs = wait_until_over(training)
    assert [run.status for run in runs] == ["finished"] * 3
    by_rate = sorted(runs, key=lambda run: run.config.learning_rate if run.config else 0)
    assert training.multiselect(key="shown").value == [run.id for run in by_rate]
    text = shown(training)
    for rate in ("0.0001", "0.001", "10"):
        assert f"rate {rate}" in text
    training.switch_page("pages/classify.py").run()
    training.switch_page("pages/training.py").run()
    assert training.multiselect(key="rates").value == [1e-4, 1e-3, 10.0]  # settings and runs are still there
    assert training.number_input(key="steps").value == 20
    assert "rate 0.0001" in shown(training)


def test_stop_leaves_a_network_and_resume_goes_on(training: AppTest) -> None:
    (run,) = start(training, [1e-3], steps=100_000)
    deadline = time.monotonic() + 60
    while list_runs()[0].step is None and time.monotonic() < deadline:
        time.sleep(0.1)
    training.run()
    training.button(key=f"stop_{run.id}").click().run()
    (run,) = wait_until_over(training)
    assert run.status == "stopped"
    load(run.folder / "checkpoint.safetensors")
    training.button(key=f"resume_{run.id}").click().run()
    assert list_runs()[0].is_live, (training.session_state["few_shot_lab"].notes, list_runs()[0])


def test_my_own_classes_can_be_trained_on(training: AppTest) -> None:
    training.switch_page("pages/classify.py").run()
    for number, colour in enumerate([(250, 0, 0), (0, 0, 250)]):
        files = [
            (f"{number}{i}.png", picture(tuple(min(255, c + i) for c in colour)))  # type: ignore[arg-type]
            for i in range(4)
        ]
        drop(training, f"class_{number}", *files)
    training.switch_page("pages/training.py").run()
    training.pills(key="preset").set_value("fine-tune").run()
    assert training.selectbox(key="start").value == "small"
    assert figure(training).count("<img") == 16  # own pictures, and what the network says of them already
    assert figure(training).count("✓") + figure(training).count("✗") == 8
    training.number_input(key="steps").set_value(6)
    training.button(key="start_training").click().run()
    (run,) = wait_until_over(training)
    assert (run.status, run.error) == ("finished", "")
    assert run.about["start"] == "small"
    assert run.comparison is not None
    told = shown(training) + "".join(element.value for element in training.success)
    assert f"{run.comparison.before:.1%} before, {run.comparison.after:.1%} after" in told


def test_one_small_class_leaves_the_others_their_test(training: AppTest) -> None:
    training.switch_page("pages/classify.py").run()
    sizes = {"red": 4, "blue": 4, "grey": 3}
    files = {
        f"{name}/{i}": noisy_png((80 * n, 90, 10), 10 * n + i)
        for n, (name, size) in enumerate(sizes.items())
        for i in range(size)
    }
    drop(training, "zip", ("mine.zip", zipped(**files)))
    training.switch_page("pages/training.py").run()
    training.pills(key="preset").set_value("fine-tune").run()
    assert "Tested on 40% of each class's pictures" in shown(training)
    assert "1 class with fewer than 4 pictures is only learned from." in shown(training)
    training.selectbox(key="batch_part").set_value("held out for testing").run()
    assert figure(training).count("<img") == 16
    workspace = state(training).workspace
    state(training).change(workspace.without_class(workspace.classes[0].id))
    training.run()
    assert "A test needs two classes with 4 or more" in shown(training)


def test_what_is_missing_is_said(training: AppTest) -> None:
    training.multiselect(key="rates").set_value([])
    training.button(key="start_training").click().run()
    assert "at least one learning rate" in shown(training)
    training.multiselect(key="rates").set_value([1e-3])
    for data, told in (
        ("the classes of the Classify page", "fewer than 2 classes"),
        ("a zip of my own", "Drop a zip"),
    ):
        training.selectbox(key="data").set_value(data)
        training.button(key="start_training").click().run()
        assert not training.exception
        assert told in shown(training)
    assert list_runs() == []


def test_a_zip_is_shown_as_a_batch_and_trained_on(training: AppTest) -> None:
    colours = {"red": (250, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 250), "grey": (90, 90, 90)}
    files = {f"{name}/{i}.png": picture(rgb, 20 + i) for name, rgb in colours.items() for i in range(4)}
    training.selectbox(key="data").set_value("a zip of my own").run()
    assert "Drop a zip" in shown(training)
    assert "held out for testing, listed when the pictures are here." in shown(training)
    archive = zipped(**files, **{"red/broken.png": b"none"})
    training.file_uploader(key="training_zip_0").upload("colours.zip", archive, "application/zip").run()
    assert "Learns from **2 classes**" in shown(training)
    assert figure(training).count("<img") == 16
    (run,) = start(training, [1e-3], steps=6)
    (run,) = wait_until_over(training)
    assert (run.status, run.error) == ("finished", "")
    assert "red/broken.png" in shown(training)
    training.switch_page("pages/classify.py").run()
    training.switch_page("pages/training.py").run()
    assert "colours.zip" in shown(training)  # still there
    assert figure(training).count("<img") == 16

    training.button(key="training_zip_remove").click().run()
    assert "Drop a zip" in shown(training)
    assert not list(training.session_state["few_shot_lab_training_own"].holdings())
    assert (run.folder / "data.npz").exists()  # the run keeps what it needs to go on


def test_offline_a_download_says_so(
    training: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(url: str, start: int) -> Answer:
        raise urllib.error.URLError("name or service not known")

    monkeypatch.setenv("FSL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("fsl.data.download.fetch_url", offline)
    training.selectbox(key="data").set_value("olivetti").run()
    assert "not been downloaded yet" in shown(training)  # nothing is fetched unasked
    assert "Tested on **16 others**" in shown(training)
    training.button(key="fetch_data").click().run()
    assert "needs a connection to the internet" in shown(training)
    training.run()
    assert "not been downloaded yet" in shown(training)
    (run,) = start(training, [1e-3])
    (run,) = wait_until_over(training)
    assert run.status == "failed"
    assert "needs a connection to the internet" in run.error
    assert run.error in shown(training)


def test_what_was_downloaded_before_is_no_download(
    training: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CACHE_DIR", str(tmp_path))
    titles = training.run().selectbox(key="data").options
    assert sum(title.startswith("Olivetti") and "(to download)" in title for title in titles) == 1
    (tmp_path / OLIVETTI.name).write_bytes(b"faces")
    titles = training.run().selectbox(key="data").options
    assert sum(title.startswith("Olivetti") for title in titles) == 1
    assert not any(title.startswith("Olivetti") and "(to download)" in title for title in titles)


def figure(page: AppTest) -> str:
    """The HTML of the batch."""
    bodies = [element.proto.body for element in page.get("html")]
    return "".join(body for body in bodies if 'class="pairs"' in body)


def test_the_batch_is_shown_as_in_the_article(training: AppTest) -> None:
    first = figure(training)
    assert first.count("<img") == 16
    assert first.count("<b>0 same</b>") == first.count("<b>1 different</b>") == 4
    assert "<span>output" not in first
    assert "0 = same class and 1 = different class" in shown(training)
    training.button(key="other_pairs").click().run()
    assert figure(training) != first
    assert not training.exception


def test_the_split_is_shown_and_can_be_chosen(training: AppTest) -> None:
    training.selectbox(key="data").set_value("digits").run()
    assert "Learns from **6 classes**" in shown(training)
    assert "Tested on **4 others**" in shown(training)
    training.toggle(key="choose_classes").set_value(True).run()
    training.multiselect(key="held_out").set_value(["digit 3", "digit 7"]).run()
    assert "Tested on **2 others**, which it never learns from: digit 3, digit 7" in shown(training)
    (run,) = start(training, [1e-3], steps=4)
    (run,) = wait_until_over(training)
    assert run.status == "finished"
    assert run.started is not None
    assert run.started.n_classes == 8
    info = load(run.folder / "checkpoint.safetensors").info
    assert "digit 3" not in info.training["classes"]
    training.multiselect(key="held_out").set_value(["digit 3"]).run()
    assert "Hold out at least 2 classes" in shown(training)


def test_runs_are_compared_in_a_table_and_tried_at_another_rate(training: AppTest) -> None:
    start(training, [3e-4, 3.0], steps=60)
    runs = wait_until_over(training)
    training.session_state["all_runs"] = True
    training.run()
    table = training.dataframe[0].value
    assert table["rate"].tolist() == ["3", "0.0003"] or table["rate"].tolist() == ["0.0003", "3"]
    assert all("±" in test for test in table["test accuracy"])
    assert set(table["link"]) == {f"?run={run.id}" for run in runs}
    bad = next(run for run in runs if run.config and run.config.learning_rate == 3.0)
    assert bad.verdict is not None
    assert bad.verdict.kind in ("stalled", "diverged")
    training.button(key=f"try_{bad.id}").click().run()
    assert not training.exception
    new = next(run for run in list_runs() if run.id not in {old.id for old in runs})
    assert new.config is not None
    assert new.config.learning_rate == pytest.approx(0.3)
    assert new.visitor == bad.visitor != ""  # listed to nobody else
    assert new.id in training.multiselect(key="shown").value


def _runs_drawn_alone_after_the_last_one_was_deleted() -> None:
    import streamlit as st

    from fsl.ui.pages.training.page import _draw
    from fsl.ui.pages.training.state import training_state

    if "drawn" not in st.session_state:
        st.session_state["drawn"] = True
        training_state().shown_next = []
        _draw(["a run that was deleted"])
    st.write("the whole page")


def test_an_action_that_starts_or_deletes_a_run_changes_the_whole_page(training: AppTest) -> None:
    """After a click on a run only the runs are drawn, with the choice of before."""
    page = AppTest.from_function(_runs_drawn_alone_after_the_last_one_was_deleted, default_timeout=60).run()
    assert not page.exception
    assert not page.warning
    assert page.markdown[0].value == "the whole page"


def test_the_range_test_suggests_a_rate_to_use(training: AppTest) -> None:
    training.select_slider(key="image_size").set_value(16)
    training.button(key="range_test").click().run()
    assert not training.exception
    label = training.button(key="use_suggestion").label
    training.button(key="use_suggestion").click().run()
    assert not training.exception
    (rate,) = training.multiselect(key="rates").value
    assert label == f"Use {learning_rate_text(rate)}"  # the suggestion itself, whatever rates the list has
    assert training.button(key="use_suggestion")  # another rate to choose does not make the test out of date
    training.select_slider(key="batch").set_value(8).run()
    assert "The settings have changed since the last test" in shown(training)
    training.select_slider(key="batch").set_value(32).run()
    training.session_state["few_shot_lab_training"].range_test.is_cancelled = True
    training.run()
    assert "The last test was interrupted. Run it again." in shown(training)
    assert list_runs() == []


def test_clicks_neither_end_nor_repeat_the_range_test(
    training: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, calls = Semaphore(0), list[float]()

    def step_by_step(rate: float) -> str:  # called in each batch
        calls.append(rate)
        assert len(calls) < 30 or go_on.acquire(timeout=20)
        return learning_rate_text(rate)

    training.select_slider(key="image_size").set_value(16).run()
    with monkeypatch.context() as patch:
        patch.setattr(range_test, "learning_rate_text", step_by_step)
        patch.setattr("fsl.ui.shared.work.PATIENCE_SECONDS", 0.0)
        training.button(key="range_test").click().run()
        test = training.session_state["few_shot_lab_training"].range_test
        until(lambda: len(calls) == 30)
        training.button(key="other_pairs").click().run()
        assert "rate" in test.text
        assert not test.is_over
        go_on.release(1_000)
        assert test.wait(20)
    training.run()
    assert not training.exception
    assert training.button(key="use_suggestion")
    assert training.session_state["few_shot_lab_training"].range_test is test
    assert 50 < len(test.result()) <= len(calls)


def test_another_rate_can_be_typed(training: AppTest) -> None:
    training.session_state["rates"] = [1e-3, "0.0025", "fast", "-1"]
    training.run()
    assert "fast is ignored" in shown(training)
    assert "-1 is ignored" in shown(training)
    training.number_input(key="steps").set_value(10)
    training.select_slider(key="image_size").set_value(16)
    training.button(key="start_training").click().run()
    assert sorted(run.config.learning_rate for run in wait_until_over(training) if run.config) == [
        1e-3,
        2.5e-3,
    ]


def test_a_preset_sets_everything_it_says(training: AppTest) -> None:
    training.selectbox(key="loss").set_value("triplet").run()
    assert not training.exception
    assert training.selectbox(key="pairing").options == [
        "All pairs of each batch"
    ]  # random pairs do not go with it
    assert "The head alone" not in training.selectbox(key="trainable").options
    training.toggle(key="augment").set_value(False).run()
    training.pills(key="preset").set_value("fine-tune").run()
    assert training.select_slider(key="batch").value == 16
    assert training.toggle(key="augment").value
    assert training.selectbox(key="data").value == "the classes of the Classify page"
    training.pills(key="preset").set_value("article").run()
    assert training.selectbox(key="data").value == "rendered"
    assert training.selectbox(key="pairing").value == "random"
    training.pills(key="preset").set_value("fine-tune").run()
    training.selectbox(key="data").set_value("digits").run()
    training.toggle(key="augment").set_value(False)
    training.number_input(key="steps").set_value(10)
    training.button(key="start_training").click().run()
    (run,) = wait_until_over(training)
    assert run.config is not None
    assert (run.config.batch_classes, run.config.batch_images) == (8, 2)
    assert run.config.augment == NO_AUGMENTATION  # off is off, mirroring too


def test_any_fine_tune_is_compared_with_what_it_began_with(training: AppTest) -> None:
    training.pills(key="preset").set_value("quick").run()
    training.selectbox(key="start").set_value("small").run()
    (run,) = start(training, [1e-4], steps=10, size=0)
    (run,) = wait_until_over(training)
    assert run.comparison is not None
    assert f"Test accuracy {run.comparison.before:.1%} before" in shown(training)


def test_a_zip_of_few_classes_is_tested_on_other_pictures_of_them(training: AppTest) -> None:
    """And a class of which nothing can be read changes nothing of what is shown to be held out."""
    colours = {"red": (250, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 250)}
    files = {f"{name}/{i}.png": picture(rgb, 20 + i) for name, rgb in colours.items() for i in range(5)}
    training.selectbox(key="data").set_value("a zip of my own").run()
    training.file_uploader(key="training_zip_0").upload("few.zip", zipped(**files), "application/zip").run()
    assert "too few classes to hold some out. Tested on 40% of each class's pictures" in shown(training)
    (run,) = start(training, [1e-3], steps=6)
    (run,) = wait_until_over(training)
    assert run.evaluation is not None
    assert run.evaluation.n_way == 3


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([1, 2, 9], "A test needs two classes with 4 or more, so no test will show"),
        # The seed holds out the third, fifth, seventh and eighth of ten classes.
        ([4, 4, 1, 4, 1, 4, 1, 1, 4, 4], "of those held out, 0 have as many"),
        ([1, 1, 4, 1, 4, 1, 4, 4, 1, 4], "of those to learn from, 1 has as many"),
        ([4] * 10, ""),
    ],
)
def test_a_zip_with_too_few_pictures_promises_no_test(training: AppTest, sizes: list[int], told: str) -> None:
    files = {
        f"c{n}/{i}.png": picture((25 * n, 9, 9), 20 + i) for n, size in enumerate(sizes) for i in range(size)
    }
    training.selectbox(key="data").set_value("a zip of my own").run()
    training.file_uploader(key="training_zip_0").upload("few.zip", zipped(**files), "application/zip").run()
    assert not training.exception
    warned = "\n".join(one.value for one in (*training.caption, *training.warning) if "needs" in one.value)
    assert told in warned
    assert bool(told) == bool(warned)


def test_the_split_that_is_shown_is_the_run_s(training: AppTest) -> None:
    names = ("amber", "blue", "cyan", "green", "grey", "red")
    files = {
        f"{name}/{i}.png": picture((40 * n, 99, 10), 20 + i) for n, name in enumerate(names) for i in range(4)
    }
    files |= {f"broken/{i}.png": b"no picture" for i in range(4)}
    training.selectbox(key="data").set_value("a zip of my own").run()
    training.file_uploader(key="training_zip_0").upload("some.zip", zipped(**files), "application/zip").run()
    told = next(c.value for c in training.caption if "Tested on" in c.value)
    tested = told.partition("which it never learns from: ")[2].rstrip(".").split(", ")
    assert len(tested) == 3
    (run,) = start(training, [1e-3], steps=4)
    (run,) = wait_until_over(training)
    learned = load(run.folder / "checkpoint.safetensors").info.training["classes"]
    assert set(learned) == set(names) - set(tested)


def test_runs_of_one_name_are_told_apart(training: AppTest) -> None:
    start(training, [1e-3], steps=10)
    wait_until_over(training)
    training.number_input(key="seed").set_value(7).run()
    start(training, [1e-3], steps=10)
    first, second = sorted(wait_until_over(training), key=lambda run: run.id)
    training.multiselect(key="shown").set_value([first.id, second.id]).run()
    assert not training.exception
    assert "rate 0.001 (seed 0)" in shown(training)
    assert "rate 0.001 (seed 7)" in shown(training)
    assert "rate 0.001 (seed 7)" in training.selectbox(key="batch_network").options


def test_all_are_stopped_and_resumed_at_once(training: AppTest) -> None:
    start(training, [1e-4, 1e-3, 1e-2], steps=100_000)
    training.run()
    training.button(key="stop_all").click().run()
    runs = wait_until_over(training)
    assert [run.status for run in runs] == ["stopped"] * 3
    training.button(key="resume_all").click().run()
    assert not training.exception
    assert all(run.is_live for run in list_runs())


@pytest.fixture(scope="module")
def finished(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run that somebody else's browser started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
        patch.setenv("FSL_RUNS_DIR", str(tmp_path_factory.mktemp("finished")))
        page = AppTest.from_file(APP, default_timeout=60).switch_page("pages/training.py")
        page.session_state[VISITOR_KEY] = OWNER
        start(page.run(), [1e-3])
        (run,) = wait_until_over(page)
        run_manager().close(timeout=20)
    return run.folder


@pytest.fixture
def one_run(finished: Path, app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return the app on its Train page, opened by the link to a copy of the finished run."""
    monkeypatch.setenv("FSL_RUNS_DIR", str(tmp_path / "runs"))
    shutil.copytree(finished, tmp_path / "runs" / finished.name)
    app.switch_page("pages/training.py").query_params["run"] = finished.name
    return app.run()


def test_somebody_elses_run_is_shown_only_to_who_opens_its_link(
    one_run: AppTest, finished: Path, checkpoint_folder: Path
) -> None:
    assert one_run.multiselect(key="shown").value == [finished.name]
    newcomer = AppTest.from_file(APP, default_timeout=60).switch_page("pages/training.py").run()
    assert "No run yet" in shown(newcomer)
    assert finished.name not in shown(newcomer)


def test_a_link_shows_a_run_and_changes_nothing(one_run: AppTest, finished: Path) -> None:
    assert "Only the browser that started this run" in shown(one_run)
    changing = {f"{act}_{finished.name}" for act in ("stop", "resume", "delete", "use", "save", "name")}
    fields = [*one_run.button, *one_run.text_input]
    assert not changing & {element.key for element in fields}
    with pytest.raises(DataError, match="Only the browser"):  # whatever a forged message asks for
        actions._delete(finished.name)
    with pytest.raises(DataError, match="Only the browser"):
        actions._stop([finished.name])
    with pytest.raises(DataError, match="Only the browser"):
        actions._resume([finished.name])
    with pytest.raises(DataError, match="Only the browser"):
        actions._save(find_run(finished.name), "taken over")
    assert len(list_runs()) == 1


def test_a_link_replaces_the_runs_shown_before_and_shows_as_many_as_fit(
    one_run: AppTest, finished: Path, tmp_path: Path
) -> None:
    runs = [finished.name[:-1] + letter for letter in "stuvwxyz"]
    for run_id in runs:
        shutil.copytree(finished, tmp_path / "runs" / run_id)
    one_run.query_params["run"] = ",".join(runs[:2])
    one_run.run()
    assert one_run.multiselect(key="shown").value == runs[:2]
    one_run.multiselect(key="shown").set_value(runs[:1]).run()
    assert one_run.multiselect(key="shown").value == runs[:1]  # the link counts once
    assert one_run.query_params["run"] in (runs[0], runs[:1])  # as AppTest likes it
    one_run.query_params["run"] = ",".join(["gone", *runs])
    one_run.run()
    assert not one_run.error
    assert one_run.multiselect(key="shown").value == runs[:6]
    assert "Not found, perhaps deleted: 1 run (gone)." in shown(one_run)


def test_the_run_of_a_shell_belongs_to_the_shell(one_run: AppTest, finished: Path) -> None:
    (find_run(finished.name).folder / "visitor").unlink()
    one_run.run()
    assert "Started from a shell" in shown(one_run)
    keys = {button.key for button in one_run.button}
    assert f"use_{finished.name}" in keys
    assert f"delete_{finished.name}" not in keys
    with pytest.raises(DataError, match="from a shell"):
        actions._delete(finished.name)


def sent_to(page: AppTest) -> str:
    """Return everything that a page sends to the browser, as text."""
    return "".join(str(element.proto) for element in page.main if hasattr(element, "proto")) + shown(page)


def test_the_names_and_pictures_of_somebody_elses_run_stay_theirs(
    training: AppTest, checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the link shows them, nor the network kept for everyone; only the owner's browser does."""
    shutil.copytree(checkpoint_folder, tmp_path / "mine")
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "mine"))
    secret = {
        f"zebra{n}/stripe{i}.png": picture((40 * n, 90, 250), 20 + i) for n in range(4) for i in range(4)
    }
    training.selectbox(key="data").set_value("a zip of my own").run()
    zebras = zipped(**secret, **{"zebra0/torn.png": b"none"})
    training.file_uploader(key="training_zip_0").upload("zoo.zip", zebras, "application/zip").run()
    monkeypatch.setattr(RunInfo, "why_not_to_use", "")  # six batches need not make it better
    (run,) = start(training, [1e-3], steps=6)
    wait_until_over(training)
    training.button(key=f"use_{run.id}").click().run()
    assert not training.exception
    (kept,) = [choice.name for choice in choices() if "rate" in choice.name]
    assert run.id.split("-")[2] not in kept
    assert has_snapshots(run.folder)
    assert "torn" in sent_to(training)
    for page in ("pages/training.py", "pages/embeddings.py"):
        other = AppTest.from_file(APP, default_timeout=60).switch_page(page)
        other.query_params["run"] = run.id
        other.run()
        assert not other.exception
        assert "Only the browser that started this run" in shown(other)
        assert not [word for word in ("zebra", "stripe", "torn", "zoo.zip") if word in sent_to(other)]


def test_a_kept_network_can_be_chosen_and_a_run_deleted(
    one_run: AppTest, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "mine"))
    one_run.session_state[VISITOR_KEY] = OWNER
    one_run.run()
    one_run.button(key=f"save_{finished.name}").click().run()
    assert "name has 1 to 60 letters" in shown(one_run)
    one_run.text_input(key=f"name_{finished.name}").set_value("my nte").run()
    one_run.text_input(key=f"name_{finished.name}").set_value("my net")  # the click comes from the field
    one_run.button(key=f"save_{finished.name}").click().run()
    assert not one_run.exception
    assert "my net" in one_run.selectbox(key="start").options[-1]
    # A run whose network is gone can still be deleted.
    (tmp_path / "runs" / finished.name / "checkpoint.safetensors").unlink()
    one_run.button(key=f"delete_{finished.name}").click().run()
    assert not one_run.exception
    assert list_runs() == []


def test_a_trained_network_answers_under_the_batch(one_run: AppTest, finished: Path) -> None:
    assert one_run.selectbox(key="batch_network").value == finished.name
    answered = figure(one_run)
    assert answered.count("✓") + answered.count("✗") == 8
    assert f"{answered.count('✓')} of 8 outputs" in shown(one_run)
    one_run.selectbox(key="batch_network").set_value("").run()
    assert "✓" not in figure(one_run)
    assert "✗" not in figure(one_run)
    one_run.selectbox(key="batch_part").set_value("held out for testing").run()
    assert figure(one_run).count("<img") == 16


def test_an_earlier_network_is_asked_about_its_own_pictures(one_run: AppTest, finished: Path) -> None:
    """The network may have learned from what another data set or split holds out."""
    one_run.selectbox(key="data").set_value("digits").run()
    assert one_run.selectbox(key="batch_network").value == ""  # it did not learn from these
    drawn = figure(one_run)
    one_run.selectbox(key="batch_network").set_value(finished.name).run()
    assert not one_run.exception
    assert "Pictures of what this network learned from: rendered" in shown(one_run)
    assert figure(one_run) != drawn
    assert figure(one_run).count("<b>0 same</b>") == 4
