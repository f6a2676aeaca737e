"""An anonymous name for each browser, and what it may see and change of training runs.

A run belongs to the browser that started it, or to the shell. Whoever has the link to a run sees how its
training goes. Only its owner changes it, and sees the pictures and names that it learns from if they are the
owner's own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Container, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import DataError, FslError
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

COOKIE = "few_shot_lab_browser"
_KEY = "few_shot_lab_visitor"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_NAME_DIGITS = 32
_SHORTER_NAME_DIGITS = 16  # in run folders of earlier versions


def visitor() -> str:
    """Return the name of this browser; a reload or a restart of browser or server does not change it.

    The name is a digest of a random number in a cookie. Run folders hold the digest, which does not reveal
    the number.
    """
    return hashlib.sha256(_token().encode()).hexdigest()[:_NAME_DIGITS]


def may_see(run: RunInfo, linked: Container[str]) -> bool:
    """Return whether to show a run: one of this browser, of the shell, or one whose link was opened.

    Args:
        run: the run.
        linked: ids of runs in an opened link.
    """
    return is_of_the_shell(run) or owns(run) or run.id in linked


def is_of_the_shell(run: RunInfo) -> bool:
    """Return whether a run was started from a shell; everyone sees it, and only the shell changes it."""
    return not run.visitor


def owns(run: RunInfo) -> bool:
    """Return whether this browser started a run."""
    name = visitor()
    return run.visitor in (name, name[:_SHORTER_NAME_DIGITS])


def may_look_inside(run: RunInfo) -> bool:
    """Return whether to show a run's pictures, names of classes and files, and network."""
    return is_of_the_shell(run) or owns(run) or not run.has_own_pictures


def as_seen(run: RunInfo) -> RunInfo:
    """Return what this browser may know of a run: without names and network unless it may look inside."""
    if may_look_inside(run):
        return run
    error = "The run failed." if run.error else ""
    return replace(run, about={}, error=error, left_out="", problems=(), has_checkpoint=False)


def readable_runs(run_ids: Iterable[str]) -> list[RunInfo]:
    """Return what this browser may know of those runs now; show why the others cannot be read."""
    runs = []
    for run_id in run_ids:
        try:
            runs.append(as_seen(core.find_run(run_id)))
        except FslError as error:
            st.warning(markdown(str(error)))
    return runs


def refuse_unless_owner(run: RunInfo) -> None:
    """Refuse to stop, resume, rename or delete a run of somebody else.

    Raises:
        DataError: this browser did not start it.
    """
    if not owns(run):
        raise DataError(whose(run))


def whose(run: RunInfo) -> str:
    """Return a sentence about who may change a run of somebody else, plain text."""
    if is_of_the_shell(run):
        return "Started from a shell: stop, resume or delete it there."
    hidden = "" if may_look_inside(run) else " Its pictures and names are shown there only."
    return f"Only the browser that started this run can stop, resume or delete it.{hidden}"


def new_token() -> str:
    """Return the number for a new browser's cookie: 128 random bits."""
    return secrets.token_hex(16)


def is_token(value: object) -> bool:
    """Return whether the value of a cookie is such a number."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _token() -> str:
    """Return the number that the browser sent when the session began, or one for this session alone."""
    sent = str(st.context.cookies.get(COOKIE))
    token: str = st.session_state.setdefault(_KEY, sent if is_token(sent) else new_token())
    return token
