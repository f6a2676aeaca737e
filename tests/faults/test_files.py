"""kill -9 while a file is written or fetched, a full disk, a read-only folder: the old file or the new."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fsl.base.errors import WriteError
from fsl.base.files import write_atomically
from fsl.data.download import Answer, download_files
from fsl.training.events import Finished
from fsl.training.run_log import EventLog
from fsl.training.save_as import save_as
from fsl.twin import checkpoint, checkpoint_files
from tests.helpers.downloads import ROWS, content
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.training import CONFIG as SMALL
from tests.helpers.training import MODEL, run_in

ROOT = Path(__file__).resolve().parents[2]
SAVE_WITHOUT_END = """
import sys
from pathlib import Path
from tests.helpers.networks import save_small_checkpoint
save_small_checkpoint(Path(sys.argv[1]))
print("saving", flush=True)
while True:
    save_small_checkpoint(Path(sys.argv[1]))
"""
FETCH_AND_HANG = """
import sys, time
from pathlib import Path
from tests.helpers.downloads import ROWS, content
from fsl.data import download

def fetch(url, start):
    def pieces():
        yield content(url)[:500]
        if url.endswith("2"):
            yield content(url)[500:900]
            print("fetching", flush=True)
            time.sleep(600)
        yield content(url)[500:]

    return download.Answer(0, len(content(url)), pieces())

download._PARALLEL = 1
download.download_files(ROWS, Path(sys.argv[1]), fetch=fetch)
"""


def kill_after(script: str, folder: Path, seconds: float) -> None:
    """Run a script until it says a word and a little longer, then kill it."""
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)


def test_killed_while_saving_a_checkpoint(tmp_path: Path) -> None:
    rng = random.Random(0)
    for _ in range(2):
        kill_after(SAVE_WITHOUT_END, tmp_path, rng.uniform(0, 0.2))
        assert checkpoint.load(tmp_path / "small.safetensors").info.name == "small"
    left = tmp_path / ".small.safetensors.abc.tmp"
    left.write_bytes(b"half")
    save_small_checkpoint(tmp_path)
    assert left.exists()  # somebody may be writing it right now
    os.utime(left, (0, 0))
    save_small_checkpoint(tmp_path)
    assert not left.exists()
    assert list(checkpoint_files.available(tmp_path)) == ["small"]


def test_killed_while_fetching(tmp_path: Path) -> None:
    kill_after(FETCH_AND_HANG, tmp_path, 0.1)
    assert {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")} == {"0.bin", "1.bin"}
    asked = {}

    def fetch(url: str, start: int) -> Answer:
        asked[url[-1]] = start
        return Answer(start, len(content(url)), iter([content(url)[start:]]))

    paths = download_files(ROWS, tmp_path, fetch=fetch)
    assert set(asked) == {"2", "3"}
    assert asked["3"] == 0
    assert asked["2"] in (0, 900)  # what had reached the disk is not fetched again
    assert [p.read_bytes() for p in paths] == [content(row.url) for row in ROWS]


def test_a_full_disk_leaves_the_last_checkpoint_and_no_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_small_checkpoint(tmp_path)
    before = (tmp_path / "small.safetensors").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"small\.safetensors could not be written: No space left"):
        save_small_checkpoint(tmp_path)
    assert (tmp_path / "small.safetensors").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes and umasks are of POSIX systems")
def test_a_rewritten_file_keeps_its_permissions_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    file, other = tmp_path / "a.csv", tmp_path / "b.csv"
    before = os.umask(0o027)
    try:
        write_atomically(file, b"first")
        assert mode(file) == 0o640
        file.chmod(0o600)
        write_atomically(file, b"second")
        assert mode(file) == 0o600
        other.symlink_to(file)
        write_atomically(other, b"third")  # the link makes way
        assert (mode(other), file.read_bytes()) == (0o640, b"second")
    finally:
        os.umask(before)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_under_the_log_gives_a_plain_message() -> None:
    with (
        EventLog(Path("/dev/full")) as log,
        pytest.raises(WriteError, match=r"No space left.*the run can be resumed"),
    ):
        log.write(Finished(1, 1.0, False))


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits on the size of files")
def test_a_run_from_the_shell_on_a_full_disk(tmp_path: Path) -> None:
    """The system refuses every file above 100 kB, as a quota does."""
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from fsl.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    options = ["--data", "digits", "--run-dir", str(tmp_path / "run"), "--image-size", "16", "--steps", "2"]
    done = subprocess.run(
        [sys.executable, "-c", script, "train", *options, "--device", "cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "checkpoint.safetensors could not be written: File too large" in done.stderr
    assert not list((tmp_path / "run").glob("*.safetensors"))
    assert not list((tmp_path / "run").glob(".*.tmp"))


def test_a_read_only_folder_of_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coloured_set: object
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(tmp_path / "saved"))
    data = coloured_set()  # type: ignore[operator]
    for _ in run_in(tmp_path / "runs" / "r", data, SMALL, MODEL):
        pass

    really = Path.open

    def read_only(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "xb":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return really(path, mode, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", read_only)
        with pytest.raises(WriteError, match=r"mine\.safetensors could not be written: Read-only"):
            save_as("r", "mine", tmp_path / "runs")
    assert save_as("r", "mine", tmp_path / "runs").is_file()
