"""Values that each browser session has for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def per_session(key: str, make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that gives this session's value, and calls ``make`` the first time.

    Args:
        key: key in the session's state.
        make: returns a new value.
    """

    def value_of_session() -> T:
        value: T = st.session_state.setdefault(key, make())
        return value

    return value_of_session
