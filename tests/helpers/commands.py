"""Commands of the command line, run in this process."""

from __future__ import annotations

import pytest

from fsl.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run ``python -m fsl`` with the arguments; return its exit status, stdout and stderr."""
    capsys.readouterr()
    status = main([str(a) for a in arguments])
    out = capsys.readouterr()
    return status, out.out, out.err
