"""What commands print and write: JSON in every encoding, files whole or not at all, refused in time."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from fsl.__main__ import main
from fsl.cli.common import progress_bar
from fsl.cli.output import print_json, write_result
from tests.helpers.commands import run

ROOT = Path(__file__).resolve().parents[2]
STRAWBERRY = "\N{STRAWBERRY} café"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", ["classify", "evaluate", "train"])
def test_json_is_json_in_every_encoding(
    command: str, encoding: str, folder: Path, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "red").rename(folder / STRAWBERRY)
    further = {
        "classify": ("--support", folder, "--query", folder / STRAWBERRY / "0.png", "--checkpoint", weights),
        "evaluate": ("--data", folder, "--checkpoint", weights, "--way", 3, "--episodes", 2),
        "train": (
            "--data", folder, "--run-dir", tmp_path / "run", "--steps", 1, "--batch-classes", 2,
            "--batch-images", 2, "--hold-out", 0.5, "--image-size", 16,
        ),
    }[command]  # fmt: skip
    printed = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding, write_through=True))
        status = main([command, *map(str, further), "--json"])
        text = printed.getvalue().decode(encoding)
    assert status == 0
    documents = text.splitlines() if command == "train" else [text]
    said = [json.loads(document) for document in documents]
    if command == "classify":
        assert STRAWBERRY in said[0]["predictions"][0]["scores"]
        assert (STRAWBERRY in text) == (encoding == "utf-8")  # for people, where it can be shown
    if command == "evaluate":
        assert STRAWBERRY in said[0]["per_class"]


@pytest.mark.parametrize("name", ["out.csv", "out.npz"])
def test_a_full_disk_leaves_the_former_file(
    name: str, folder: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "results" / name
    out.parent.mkdir()
    out.write_bytes(b"of the last time")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    commands = [("embed", "--data", folder, "--map", "none", "--out", out)]
    if out.suffix == ".csv":
        commands += [("classify", "--support", folder, "--query", folder / "red", "--csv", out)]
    for command in commands:
        status, _, err = run(capsys, *command, "--checkpoint", weights)
        assert (status, err) == (1, f"fsl: {out} could not be written: No space left on device.\n")
        assert [(path.name, path.read_bytes()) for path in out.parent.iterdir()] == [
            (name, b"of the last time")
        ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("rank", ["0", "1"])
def test_progress_is_shown_on_a_terminal_by_the_first_process(
    rank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("RANK", rank)
    with progress_bar("embedding") as progress:
        assert terminal.getvalue() == ""  # nothing to show yet
        for done in (2, 4, 5):
            progress(done, 5)
    shown = terminal.getvalue()
    assert ("embedding: 100%" in shown and "5/5" in shown) == (rank == "0")
    assert (shown == "") == (rank == "1")


def test_without_a_terminal_no_progress_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    with progress_bar("embedding") as progress:
        progress(1, 1)
    assert stream.getvalue() == ""


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "out.csv", tmp_path / "elsewhere" / "real.csv"
    target.write_text("old")
    link.symlink_to(target)
    write_result(link, "caf\u00e9 \udcff\r\n")
    assert link.is_symlink()
    assert target.read_bytes() == b"caf\xc3\xa9 \\udcff\r\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_result(pipe, b"a table")
    reader.join(20)
    assert found == [b"a table"]
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
def test_a_table_on_stdout_stands_before_what_is_printed_after(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from fsl.cli.output import write_result;"
        "print('before'); write_result(Path('/dev/stdout'), 'a table\\n'); print('after')"
    )
    with (tmp_path / "out.txt").open("wb") as file:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=file, timeout=120, check=True)
    assert (tmp_path / "out.txt").read_text() == "before\na table\nafter\n"
    piped = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert piped.stdout == "before\na table\nafter\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("classify", "--support", "absent", "--query", "x.png", "--csv", "FOLDER"), "which is a folder"),
        (("classify", "--support", "absent", "--query", "x.png", "--csv", "."), "which is a folder"),
        (("classify", "--support", "absent", "--query", "x.png", "--csv", "FOLDER/no/x"), "no folder"),
        (("embed", "--data", "absent", "--out", "FOLDER.csv"), "which is a folder"),
        (("embed", "--data", "absent", "--out", "FOLDER/no/x.csv"), "no folder"),
        (("export", "--checkpoint", "absent", "--out", "FOLDER"), "which is a folder"),
        (("export", "--checkpoint", "absent", "--out", "FOLDER/no/x.onnx"), "no folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(
    command: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "a.csv"):
        (tmp_path / name).mkdir()
    status, out, err = run(capsys, *(part.replace("FOLDER", str(tmp_path / "a")) for part in command))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert told in err
    assert ("--csv is " if "--csv" in command else "--out is ") in err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "a.csv"]


def test_a_folder_closed_to_this_user_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path or mode != os.W_OK)
    out = tmp_path / "x.csv"
    status, _, err = run(capsys, "embed", "--data", "absent", "--out", out)
    assert (status, err) == (
        1,
        f"fsl: --out is {out}, which may not be written there. Name another folder.\n",
    )


def test_numbers_that_json_does_not_know_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"auc": float("nan"), "rows": [(1.5, float("inf")), {"low": float("-inf")}]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "auc": None,
        "rows": [[1.5, None], {"low": None}],
    }
