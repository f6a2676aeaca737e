"""The settings that keep a server to itself; whoever changes one has to change it here as well."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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


def test_the_image_installs_what_the_project_requires_in_the_tested_versions() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r'python -c "(import tomllib[^"]+)"', text)
    assert found is not None
    listed = subprocess.run(
        [sys.executable, "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert listed.stdout.splitlines() == PROJECT["dependencies"]
    assert "pip install -r /tmp/requirements.txt -c constraints.txt" in text


def test_the_constraints_hold_a_version_in_range_for_every_requirement() -> None:
    exact = {canonicalize_name(name): version for name, version in constraints()}
    requirements = [Requirement(text) for text in PROJECT["dependencies"]]
    for extra in ("timm", "export", "dev"):
        requirements += [Requirement(text) for text in PROJECT["optional-dependencies"][extra]]
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        # Without an exact version, an installation with the constraints would not be the tested one.
        assert name == PROJECT["name"] or exact[name] in requirement.specifier, requirement


def constraints() -> list[tuple[str, str]]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
