"""``python -m fsl COMMAND``: classify, compare, evaluate, train, embed and more from a shell.

Exit status 0, 1 (a failure: one clear line on stderr, no traceback) or 2 (usage).
"""

from __future__ import annotations

import argparse
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
from fsl.errors import FslError

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
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except FslError as error:
        print(f"fsl: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader (head, less) has gone; leave nothing for the interpreter's own flush to fail on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("fsl: stopped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
