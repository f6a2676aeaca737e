"""The command ``serve``: whom it lets in, where it listens, and that it ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fsl.__main__ import build_parser
from fsl.base.errors import SettingsError
from fsl.cli.serve import server_settings
from tests.helpers.commands import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("words", "token", "hosts"),
    [
        ("", "", {"localhost", "127.0.0.1", "::1"}),
        ("--host 127.0.0.2", "", {"localhost", "127.0.0.1", "::1", "127.0.0.2"}),
        ("--host ::1", "", {"localhost", "127.0.0.1", "::1"}),
        ("--host 0.0.0.0 --token x", "x", set()),
        ("--token x", "x", set()),
    ],
)
def test_without_a_token_only_this_machine_is_answered(words: str, token: str, hosts: set[str]) -> None:
    settings = server_settings(build_parser("serve").parse_args(["serve", *words.split()]))
    assert (settings.token, settings.hosts) == (token, hosts)


def test_the_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    options = build_parser("serve").parse_args(["serve", "--host", "0.0.0.0"])
    with pytest.raises(SettingsError, match=r"Give it a token .* set FSL_API_TOKEN, or --token"):
        server_settings(options)
    monkeypatch.setenv("FSL_API_TOKEN", "from outside")
    assert server_settings(options).token == "from outside"


def test_options_of_pages_and_of_the_device_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_API_CORS", "https://one.example https://two.example")
    options = build_parser("serve").parse_args(
        ["serve", "--cors", "http://localhost:3000", "--device", "cpu"]
    )
    settings = server_settings(options)
    assert settings.origins == {"https://one.example", "https://two.example", "http://localhost:3000"}
    assert settings.device == "cpu"


def test_a_place_where_it_cannot_listen_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, said in (
            (["--port", port], f"cannot listen at 127.0.0.1, port {port}"),
            (["--port", "70000"], "--port is 70000; it must be 0 to 65535."),
            (["--host", "no.such.host.invalid", "--token", "x"], "no.such.host.invalid"),
            (["--host", "0.0.0.0"], "a token that clients must send"),
            (["--allow", tmp_path / "none"], "no such folder"),
            (["--cors", "*"], "Name each as browsers do"),
        ):
            status, out, err = run(capsys, "serve", *words)
            assert (status, out) == (1, "")
            assert said in err
            assert err.count("\n") == 1


def test_it_says_where_it_is_and_ends_when_it_is_stopped(checkpoint_folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fsl", "serve", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "FSL_CHECKPOINT_DIR": str(checkpoint_folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[5]
        with urllib.request.urlopen(f"{address}/checkpoints", timeout=20) as found:
            assert {one["name"] for one in json.load(found)["checkpoints"]} == {"small", "small-two"}
            assert "server" not in found.headers
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout.read() == "Stopped.\n"
    finally:
        process.kill()
        process.wait(20)
