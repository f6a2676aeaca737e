"""``app``: open the web app. Options of ``streamlit run``, such as ``--server.port 8502``, may follow."""

from __future__ import annotations

import argparse
import sys
from runpy import run_module

from fsl.base.shipped import shipped_path

TAKES_OTHER_OPTIONS = True
"""Tells the command line to leave options that it does not know to this command, as ``other_options``."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add no options of its own; those of Streamlit are passed on."""
    parser.usage = "%(prog)s [-h] [streamlit options]"
    parser.epilog = "The app listens on this machine only, unless --server.address says otherwise."


def run(options: argparse.Namespace) -> None:
    """Serve the app until it is stopped, with the settings in its ``.streamlit`` folder."""
    sys.argv = ["streamlit", "run", str(shipped_path("app.py")), *options.other_options]
    run_module("streamlit", run_name="__main__")
