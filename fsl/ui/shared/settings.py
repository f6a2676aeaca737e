"""Settings of a page: one table per page, kept for the browser session, some of them in the address.

Streamlit keeps the value of a widget when the page changes (``persist_state="session"``). The address is our
own (``fsl.ui.shared.address``): ``bind="query-params"`` writes labels instead of names, shares a parameter
between pages of the same session, drops comma-separated lists, and replaces the browser's history entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.errors import StreamlitWidgetAlreadyInstantiatedError

from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState

T = TypeVar("T")


@dataclass
class ChosenSettings(TabState):
    """The latest value of each setting that was drawn or put in this session, by key."""

    values: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> ChosenSettings:
        """Return a copy for another tab."""
        return ChosenSettings(dict(self.values))


_chosen = per_session("few_shot_lab_settings", ChosenSettings)


def restore_settings() -> None:
    """Give the widgets of all pages the values that the tab had before; call it before any is drawn."""
    for key, value in _chosen().values.items():
        st.session_state[key] = value


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One setting, drawn as a widget: ``st.slider(**WAYS.widget())``.

    Attributes:
        key: key of the widget, and of the value in the session.
        label: label of the widget.
        default: value before anybody chose one.
        help: tooltip, "" for none.
        span: lowest value, highest value and step of a number.
        options: title of each value to choose from.
        parameter: name in the page's address, "" if it does not stand there.
    """

    key: str
    label: str
    default: T
    help: str = ""
    span: tuple[Any, Any, Any] | None = None
    options: Mapping[Any, str] = field(default_factory=dict)
    parameter: str = ""

    @property
    def value(self) -> T:
        """The value now, always inside the span, or one of the options if there are any."""
        held = st.session_state.get(self._later, st.session_state.get(self.key, self.default))
        return self._valid(held)

    def put(self, value: T) -> None:
        """Change the value; a widget that is drawn already shows it in the next run of the page."""
        st.session_state.pop(self._later, None)
        _chosen().values[self.key] = value
        try:
            st.session_state[self.key] = value
        except StreamlitWidgetAlreadyInstantiatedError:
            st.session_state[self._later] = value

    def widget(self) -> dict[str, Any]:
        """Return the arguments for the Streamlit widget that shows this setting."""
        # Written in every run: a widget whose range or options change is a new one to Streamlit.
        value = self.value
        st.session_state.pop(self._later, None)
        st.session_state[self.key] = _chosen().values[self.key] = value
        arguments: dict[str, Any] = {"label": self.label, "key": self.key, "persist_state": "session"}
        if self.help:
            arguments["help"] = self.help
        if self.span is not None:
            arguments.update(zip(("min_value", "max_value", "step"), self.span, strict=True))
        if self.options:
            titles = self.options
            arguments.update(options=list(titles), format_func=lambda one: titles.get(one, str(one)))
        return arguments

    def asked_for(self, asked: Mapping[str, str]) -> T | None:
        """Return the value that an address asks for, None if there is none or it is not valid.

        Args:
            asked: parameters of the address.
        """
        text = asked.get(self.parameter, "")
        if self.span is None:
            return next((option for option in self.options if str(option) == text), None)
        try:
            number = self._number(text)
        except ValueError:
            return None
        valid: T = number
        return valid if self.span[0] <= number <= self.span[1] else None

    def take(self, asked: Mapping[str, str]) -> None:
        """Adopt the value that an address asks for, unless it is not valid."""
        found = self.asked_for(asked)
        if found is not None:
            self.put(found)

    @property
    def _later(self) -> str:
        return f"{self.key}_later"

    def _valid(self, held: Any) -> T:
        if held is None:
            return self.default
        if self.span is not None:
            held = self._number(min(max(held, self.span[0]), self.span[1]))
        elif self.options and isinstance(held, list):
            held = [one for one in held if one in self.options]
        elif self.options and held not in self.options:
            held = self.default if self.default in self.options else next(iter(self.options))
        valid: T = held
        return valid

    def _number(self, given: Any) -> Any:
        return float(given) if isinstance(self.default, float) else int(given)


def address_of(*settings: Setting[Any]) -> dict[str, str]:
    """Return the parameters of the settings that stand in the address, with their values now."""
    return {setting.parameter: str(setting.value) for setting in settings}
