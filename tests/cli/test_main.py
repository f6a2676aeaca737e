"""The command line as a whole: what each command imports, interrupts, closed streams."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from fsl.__main__ import COMMANDS, build_parser, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("argument", "unneeded"),
    [
        ("--help", {"torch", "numpy", "PIL"}),
        ("--version", {"torch", "numpy", "PIL"}),
        ("checkpoints", {"torch", "sklearn", "streamlit"}),
    ],
)
def test_a_command_that_only_prints_imports_no_torch(argument: str, unneeded: set[str]) -> None:
    script = (
        "import sys; from fsl.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        f"finally: print(*{unneeded} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, argument], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == "\n"
    shown = " ".join(done.stdout.split())
    if argument == "--help":
        assert " ".join(f"{name} {summary}" for name, summary in COMMANDS.items()) in shown
    elif argument == "checkpoints":
        assert "photos" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    about = import_module(f"fsl.cli.{name.replace('-', '_')}").__doc__ or ""
    assert about.split()[-1] in shown
    assert ("--json" in shown) == (name not in ("app", "serve", "index"))  # index has it in its own commands


def test_a_command_that_there_is_not_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["clasify"], []):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_an_option_before_the_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--json", "checkpoints"])
    assert exit_.value.code == 2
    assert "fsl: error: unrecognized arguments: --json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--support", "", "--query", "x.png"], "A value of --support is empty"),
        (["--support=", "--query", "x.png"], "A value of --support is empty"),
        (["--support", "absent", "--query", "x.png", ""], "A value of --query is empty"),
    ],
)
def test_an_empty_value_is_refused(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a variable that a script did not set: as a path it would mean the current folder."""
    assert main(["classify", *given]) == 1
    assert capsys.readouterr().err.startswith(f"fsl: {told}")


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


# The commands of "index" have it.
WITHOUT_A_DEVICE = {"export", "checkpoints", "app", "serve", "index"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in WITHOUT_A_DEVICE])
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
@pytest.mark.parametrize("closed", ["2>&-", ">&-"])
def test_what_is_meant_for_a_closed_stream_goes_nowhere(closed: str, tmp_path: Path) -> None:
    (tmp_path / "damaged.safetensors").write_bytes(b"")
    environment = {**os.environ, "FSL_CHECKPOINT_DIR": str(tmp_path)}
    command = f"{sys.executable} -m fsl checkpoints --json {closed}"
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0
    if closed == ">&-":
        assert (done.stdout, done.stderr[:8]) == ("", "left out")
    else:
        assert (done.stdout, done.stderr) == ("[]\n", "")
