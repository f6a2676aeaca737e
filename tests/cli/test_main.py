"""The outermost frame of the command line: what is imported when, interrupts, streams that are closed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from fsl.__main__ import COMMANDS, build_parser, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_wait_for_no_torch(option: str) -> None:
    script = (
        "import sys; from fsl.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(*{'torch', 'numpy', 'PIL'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, option], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == "\n"
    if option == "--help":
        shown = " ".join(done.stdout.split())
        assert " ".join(f"{name} {summary}" for name, summary in COMMANDS.items()) in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    about = import_module(f"fsl.cli.{name.replace('-', '_')}").__doc__ or ""
    assert about.split()[-1] in shown
    assert ("--json" in shown) == (name != "app")


def test_a_command_that_there_is_not_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["clasify"], []):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_options_of_streamlit_are_for_the_app_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["fsl"])
    monkeypatch.setattr("fsl.cli.app.run_module", lambda *_, **__: started.append(sys.argv))
    options = ["--server.port", "8502", "--theme.base=dark"]
    assert main(["app", *options]) == 0
    assert started == [["streamlit", "run", str(ROOT / "app.py"), *options]]
    with pytest.raises(SystemExit) as exit_:
        main(["checkpoints", *options])
    assert exit_.value.code == 2
    assert "fsl: error: unrecognized arguments: --server.port 8502" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("export", "checkpoints", "app")])
def test_a_device_that_there_cannot_be_is_a_usage_error(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        build_parser(name).parse_args([name, "--device", "gpu"])
    assert exit_.value.code == 2
    assert "--device: invalid choice: 'gpu'" in capsys.readouterr().err


def test_an_interrupt_while_a_command_is_imported_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fsl.__main__.import_module", interrupt)
    assert main(["checkpoints"]) == 1
    assert capsys.readouterr().err == "fsl: stopped.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX systems closes the stream")
@pytest.mark.parametrize(("closed", "status"), [("2>&-", 1), (">&-", 0)])
def test_what_is_meant_for_a_closed_stream_goes_nowhere(closed: str, status: int) -> None:
    arguments = "checkpoints --json" if status == 0 else "classify --support absent --query x --csv ''"
    command = f"{sys.executable} -m fsl {arguments} {closed}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
