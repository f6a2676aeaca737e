"""Settings in a page's address, so that a link or a bookmark brings them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

_KEY = "few_shot_lab_address"


@dataclass
class _Address:
    """One page's.

    Attributes:
        written: what the page wrote last; None before it did.
        replaced: what it wrote that over. A click may still come with one of these, made before the browser
            had the new address; it asks for nothing then, and would undo what was chosen since.
    """

    written: dict[str, str] | None = None
    replaced: list[dict[str, str]] = field(default_factory=list)


def read_address(page: str) -> dict[str, str]:
    """What the address asks for, unless the page wrote it there itself; to be called first.

    Args:
        page: name of the page.

    Returns:
        the address's parameters; what they say is from outside and to be checked.
    """
    asked = _now()
    address = _address(page)
    if asked in address.replaced:
        return {}
    address.replaced.clear()  # the browser has the new address, or another was opened
    return {} if asked == address.written else asked


def write_address(page: str, settings: Mapping[str, str]) -> None:
    """Put settings into the address; those that are "" are left out.

    Args:
        page: name of the page.
        settings: by parameter.
    """
    wanted = {name: value for name, value in settings.items() if value}
    address = _address(page)
    address.written = wanted
    if (before := _now()) != wanted:
        if before not in address.replaced:
            address.replaced.append(before)
        st.query_params.from_dict(wanted)


def _now() -> dict[str, str]:
    return {name: str(value) for name, value in st.query_params.items()}


def _address(page: str) -> _Address:
    addresses: dict[str, _Address] = st.session_state.setdefault(_KEY, {})
    return addresses.setdefault(page, _Address())
