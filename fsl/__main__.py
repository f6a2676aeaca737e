"""The command line, ``fsl COMMAND`` or ``python -m fsl COMMAND``.

Exit status 0, 1 (a failure: one clear line on stderr, no traceback) or 2 (usage).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import fsl
from fsl.base.memory import reuse_memory

COMMANDS = {
    "classify": "which class is each picture of?",
    "compare": "the same or different?",
    "evaluate": "how good is a checkpoint?",
    "verify": "how well are same and different told apart?",
    "omniglot-runs": "the published 20 one-shot runs",
    "train": "train or fine-tune a checkpoint",
    "lr-range": "learning-rate range test",
    "embed": "embeddings and a map of a folder of images",
    "export": "write a checkpoint as ONNX",
    "checkpoints": "which trained twins are here?",
    "app": "open the web app",
}
"""Each has a module of its name in ``fsl.cli``, imported when it is chosen: torch takes seconds."""


def build_parser(chosen: str = "") -> argparse.ArgumentParser:
    """The parser of all commands; only the chosen one has its options."""
    parser = argparse.ArgumentParser(
        prog="fsl", description="Few-shot image classification with a twin network."
    )
    parser.add_argument("--version", action="version", version=f"Few-Shot Lab {fsl.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == chosen:
            module = import_module(f"fsl.cli.{name.replace('-', '_')}")
            command.description = module.__doc__
            module.add_options(command)
            takes_other_options = getattr(module, "TAKES_OTHER_OPTIONS", False)
            command.set_defaults(run=module.run, takes_other_options=takes_other_options)
    return parser


def _parse(given: Sequence[str]) -> argparse.Namespace:
    parser = build_parser(given[0] if given else "")
    options, unknown = parser.parse_known_args(given)
    if unknown and not options.takes_other_options:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    options.other_options = unknown
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    _prepare_output()
    try:
        options = _parse(given)
        reuse_memory()
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()  # the reader (head, less) has gone
        return 1
    except KeyboardInterrupt:
        print("fsl: stopped.", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the program's outermost frame: a line, not a traceback
        from fsl.cli.failure import failure_line

        print(f"fsl: {failure_line(error)}", file=sys.stderr)
        if isinstance(error, OSError):
            _give_up_output()
        return 1
    return 0


def _prepare_output() -> None:
    """Streams that take any text, as names of files need not be any.

    For one that was closed (``2>&-``) Python has none, and would print on stdout what is meant for it.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_output() -> None:
    """Leave nothing for the interpreter's own flush to fail on."""
    try:
        output = sys.stdout.fileno()
    except OSError:  # no file, as under a test
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)


if __name__ == "__main__":
    sys.exit(main())
