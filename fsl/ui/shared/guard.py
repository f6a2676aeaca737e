"""Errors on a page: a sentence on the screen, the traceback in the log."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import streamlit as st

from fsl.base.errors import FslError
from fsl.ui.components.undivided import undivided
from fsl.ui.shared.escape import markdown

_LOG = logging.getLogger(__name__)
UNEXPECTED = "Something went wrong here. Nothing you entered is lost; details are in the server's log."

P = ParamSpec("P")


@contextmanager
def guarded() -> Iterator[None]:
    """Show an error inside the block as a message in its place; the rest of the page goes on."""
    try:
        yield
    except FslError as error:
        st.error(markdown(str(error)), icon=":material/error:")
    except Exception:  # noqa: BLE001 - the last line of defence of a page
        _LOG.exception("Unexpected error on a page")
        st.error(UNEXPECTED, icon=":material/error:")


def guarded_callback(callback: Callable[P, None]) -> Callable[P, None]:
    """Guard a widget's callback, which no other event interrupts.

    It runs before the page is drawn, so its error message stays until somebody closes it.
    """

    @functools.wraps(callback)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with undivided():
                callback(*args, **kwargs)
        except FslError as error:
            _tell(str(error))
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("Unexpected error in a callback")
            _tell(UNEXPECTED)

    return wrapper


def guarded_button(label: str, key: str, press: Callable[[], None], **look: Any) -> None:
    """Show a button whose press is guarded.

    Args:
        label: label of the button.
        key: key of the button.
        press: called when it is pressed, before the page is drawn anew.
        look: other arguments of ``st.button``.
    """
    st.button(label, key=key, on_click=guarded_callback(press), **look)


def _tell(message: str) -> None:
    st.toast(markdown(message), icon=":material/error:", duration="infinite")
