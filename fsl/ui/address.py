"""Settings in a page's address, so that a link or a bookmark brings them back."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

_KEY = "few_shot_lab_address"


def read_address(page: str) -> dict[str, str]:
    """What the address asks for, unless the page wrote it there itself; to be called first.

    Args:
        page: name of the page.

    Returns:
        the address's parameters; what they say is from outside and to be checked.
    """
    asked = {name: str(value) for name, value in st.query_params.items()}
    return {} if asked == _written().get(page) else asked


def write_address(page: str, settings: Mapping[str, str]) -> None:
    """Put settings into the address; those that are "" are left out.

    Args:
        page: name of the page.
        settings: by parameter.
    """
    wanted = {name: value for name, value in settings.items() if value}
    _written()[page] = wanted
    if dict(st.query_params.items()) != wanted:
        st.query_params.from_dict(wanted)


def _written() -> dict[str, dict[str, str]]:
    written: dict[str, dict[str, str]] = st.session_state.setdefault(_KEY, {})
    return written
