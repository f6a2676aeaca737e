"""The settings that keep a server to itself; whoever changes one has to change it here as well."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_server_keeps_to_loopback_and_tells_nothing() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    server = settings["server"]
    assert server["address"] == "127.0.0.1"
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert 0 < server["maxUploadSize"] <= 500
    assert 0 < server["disconnectedSessionTTL"] <= 300
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"


def test_the_image_runs_without_rights_and_says_whether_it_is_healthy() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert lines.index("USER lab") < next(n for n, line in enumerate(lines) if line.startswith("CMD"))
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    copied = {name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    assert copied == kept


def test_the_image_without_a_gpu_has_the_tested_versions_of_torch_too() -> None:
    """The Dockerfile takes them from the constraints; a "+cpu" behind the version counts as the same."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r'grep -E "([^"]+)" constraints.txt', text)
    assert found is not None
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in lines if re.match(found[1], line)] == ["torch", "torchvision"]
    assert "pip install -r requirements.txt -c constraints.txt" in text


def test_every_requirement_is_pinned_to_a_tested_range_that_holds_the_exact_version() -> None:
    exact = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    for name, low, high in re.findall(
        r"^([\w-]+)>=([\d.]+),<([\d.]+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    ):
        version = exact[name]
        assert _number(low) <= _number(version) < _number(high), name


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
