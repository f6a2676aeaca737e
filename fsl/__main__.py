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
from fsl.base.errors import DataError
from fsl.base.memory import keep_freed_memory

COMMANDS = {
    "classify": "say which class each picture shows",
    "compare": "say whether pictures show the same person or thing",
    "evaluate": "measure the accuracy of a checkpoint",
    "check": "find copies, likely wrong labels and other problems in a data set",
    "verify": "measure how well a checkpoint tells same from different",
    "omniglot-runs": "measure a checkpoint on Omniglot's 20 published one-shot runs",
    "train": "train or fine-tune a network",
    "lr-range": "find a learning rate",
    "embed": "write the embeddings and a map of a folder of images",
    "index": "find the nearest pictures in a large collection",
    "export": "write a checkpoint as ONNX, TFLite or a web page",
    "checkpoints": "list the installed checkpoints",
    "app": "open the web app",
    "serve": "answer the HTTP API, without the web app",
}
"""Name and summary of each command. Its module in ``fsl.cli`` imports torch, so it is loaded when chosen."""


def build_parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands; only the chosen one has its options."""
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
    # Also behind an option that stands before it, which is then refused by name.
    command = next((argument for argument in given if not argument.startswith("-")), "")
    parser = build_parser(command)
    options, unknown = parser.parse_known_args(given)
    if unknown and not options.takes_other_options:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not options.takes_other_options:
        _refuse_empty_values(given)
    options.other_options = unknown
    return options


def _refuse_empty_values(given: Sequence[str]) -> None:
    """Raise DataError if a value is empty, as of a variable that a script did not set.

    As a path it would mean the current folder.
    """
    option = "the command"
    for argument in given:
        value = argument
        if argument.startswith("--"):
            option, equals, value = argument.partition("=")
            value = value if equals else argument
        if not value:
            raise DataError(f"A value of {option} is empty: give one, or leave out the option.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    _prepare_output()
    try:
        options = _parse(given)
        keep_freed_memory()
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()  # whoever reads it (head, less) has ended
        return 1
    except KeyboardInterrupt:
        print("fsl: stopped.", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the outermost frame prints one line, not a traceback
        from fsl.cli.failure import failure_line  # imports Pillow, which --help need not wait for

        print(f"fsl: {failure_line(error)}", file=sys.stderr)
        if isinstance(error, OSError):
            _give_up_output()
        return 1
    return 0


def _prepare_output() -> None:
    """Let stdout and stderr take any text, since file names may not be valid Unicode.

    Replace a stream that was closed (``2>&-``): Python would print on stdout what is meant for stderr.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open until the process ends
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_output() -> None:
    """Discard what is left to print, so that the interpreter's own flush at the end does not fail."""
    try:
        output = sys.stdout.fileno()
    except OSError:  # stdout is not a file, as in tests
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)


if __name__ == "__main__":
    sys.exit(main())
