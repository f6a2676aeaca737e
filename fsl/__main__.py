"""``python -m fsl COMMAND``: classify, compare, evaluate, train, embed and more from a shell.

Exit status 0, 1 (a failure: one clear line on stderr, no traceback) or 2 (usage).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import fsl
from fsl.cli import (
    checkpoints,
    classify,
    compare,
    embed,
    evaluate,
    export,
    lr_range,
    omniglot_runs,
    train,
    verify,
)
from fsl.cli.failure import failure_line
from fsl.memory import reuse_memory

COMMANDS = (
    classify,
    compare,
    evaluate,
    verify,
    omniglot_runs,
    train,
    lr_range,
    embed,
    export,
    checkpoints,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each module in ``fsl.cli`` adds its own."""
    parser = argparse.ArgumentParser(
        prog="python -m fsl", description="Few-shot image classification with a twin network."
    )
    parser.add_argument("--version", action="version", version=f"Few-Shot Lab {fsl.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text
    options = build_parser().parse_args(arguments)
    reuse_memory()
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()  # the reader (head, less) has gone
        return 1
    except KeyboardInterrupt:
        print("fsl: stopped.", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the program's outermost frame: a line, not a traceback
        print(f"fsl: {failure_line(error)}", file=sys.stderr)
        if isinstance(error, OSError):
            _give_up_output()
        return 1
    return 0


def _give_up_output() -> None:
    """Leave nothing for the interpreter's own flush to fail on."""
    try:
        output = sys.stdout.fileno()
    except OSError:  # no file, as under a test
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)


if __name__ == "__main__":
    sys.exit(main())
