"""Settings in a page's address, so that a link or a bookmark restores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_KEY = "few_shot_lab_address"
_PAGE_KEY = "few_shot_lab_page"


@dataclass
class _Address:
    """Addresses that one page wrote.

    Attributes:
        written: parameters that the page wrote last; None before it wrote any.
        replaced: parameters that were overwritten. A click may still arrive with them, made before the
            browser had the new address; taking them would undo what was chosen since.
        is_opened: whether the page was opened and has not written its address since. The browser may show
            that of the page before, which was still being drawn as one went back.
    """

    written: dict[str, str] | None = None
    replaced: list[dict[str, str]] = field(default_factory=list)
    is_opened: bool = True


def is_opened(page: str) -> bool:
    """Return whether another page was shown before this run, or none.

    Overwritten addresses are forgotten then, as a link may lead to one of them.

    Args:
        page: title of the page that is drawn.
    """
    if st.session_state.get(_PAGE_KEY) == page:
        return False
    st.session_state[_PAGE_KEY] = page
    addresses: dict[str, _Address] = st.session_state.get(_KEY, {})
    for address in addresses.values():
        address.replaced.clear()
        address.is_opened = True
    return True


def read_address(page: str) -> dict[str, str]:
    """Return the parameters that a link, a bookmark or the Back button asks for; call this first.

    Args:
        page: name of the page.

    Returns:
        the address's parameters, which come from outside and have to be checked; none if the page wrote the
        address itself.
    """
    asked = _now()
    address = _address(page)
    if asked in address.replaced and not _is_history_navigation():
        return {}
    address.replaced.clear()  # the browser has the new address, or another was opened
    return {} if asked == address.written else asked


def write_address(page: str, settings: Mapping[str, str]) -> None:
    """Write settings into the address, except empty ones.

    Args:
        page: name of the page.
        settings: text by parameter.
    """
    wanted = {name: value for name, value in settings.items() if value}
    address = _address(page)
    address.written = wanted
    before = _now()
    if before != wanted and before not in address.replaced:
        address.replaced.append(before)
    if before != wanted or address.is_opened:
        st.query_params.from_dict(wanted)
    address.is_opened = False


def _is_history_navigation() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _now() -> dict[str, str]:
    return {name: str(value) for name, value in st.query_params.items()}


def _address(page: str) -> _Address:
    addresses: dict[str, _Address] = st.session_state.setdefault(_KEY, {})
    return addresses.setdefault(page, _Address())
