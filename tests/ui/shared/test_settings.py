"""Settings: kept for the session, always valid, and changed by the page as well as by the person."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from fsl.ui.shared.settings import Setting


def form() -> None:
    from dataclasses import replace

    import streamlit as st

    from fsl.ui.shared.settings import Setting

    limit = Setting("limit", "Limit", 0.5, span=(0.0, 1.0, 0.1))
    ways = Setting("ways", "Ways", 5, span=(2, st.session_state.get("most", 12), 1))
    kind = Setting("kind", "Kind", "digits", options={"digits": "Digits", "drawn": "Drawn"})
    several = Setting("several", "Several", ["a"], options={name: name for name in "abc"})
    if st.session_state.get("shows", True):
        st.slider(**limit.widget())
        st.slider(**ways.widget())
        st.selectbox(**replace(kind, options=st.session_state.get("kinds", kind.options)).widget())
        st.multiselect(**several.widget())
    if st.button("After the widgets", key="later"):
        limit.put(0.9)
        st.rerun()
    st.text(f"{limit.value} {ways.value} {kind.value} {several.value}")


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_function(form).run()


def test_a_value_survives_while_its_widget_is_not_drawn(page: AppTest) -> None:
    assert page.text[0].value == "0.5 5 digits ['a']"
    page.slider(key="limit").set_value(0.8)
    page.selectbox(key="kind").set_value("drawn")
    page.multiselect(key="several").set_value(["c", "b"]).run()
    page.session_state["shows"] = False
    page.run()
    assert not page.slider
    assert page.text[0].value == "0.8 5 drawn ['c', 'b']"
    page.session_state["shows"] = True
    page.run()
    assert not page.exception
    assert page.slider(key="limit").value == 0.8
    assert page.selectbox(key="kind").value == "drawn"


def test_a_value_fits_the_range_and_the_options_of_now(page: AppTest) -> None:
    page.slider(key="ways").set_value(11)
    page.selectbox(key="kind").set_value("drawn").run()
    page.session_state["most"] = 8
    page.session_state["kinds"] = {"digits": "Digits", "faces": "Faces"}
    page.run()
    assert not page.exception
    assert page.slider(key="ways").value == 8
    assert page.selectbox(key="kind").value == "digits"


def test_a_page_can_change_a_value_whose_widget_is_drawn_already(page: AppTest) -> None:
    page.button(key="later").click().run()
    assert not page.exception
    assert page.slider(key="limit").value == 0.9
    page.slider(key="limit").set_value(0.2).run()
    assert page.text[0].value.startswith("0.2 ")


LIMIT = Setting("limit", "Limit", 0.5, span=(0.0, 1.0, 0.01), parameter="limit")
SEED = Setting("seed", "Seed", 0, span=(0, 9999, 1), parameter="seed")
RATE = Setting("rate", "Rate", 0.01, options={0.01: "1 in 100", 0.1: "1 in 10"}, parameter="rate")


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [(LIMIT, "0.80", 0.8), (LIMIT, "1.2", None), (LIMIT, "nan", None), (LIMIT, "", None),
     (SEED, "7", 7), (SEED, "7.5", None), (SEED, "-1", None), (SEED, "<b>7</b>", None),
     (RATE, "0.1", 0.1), (RATE, "1 in 10", None), (RATE, "2", None)],
)  # fmt: skip
def test_an_address_gives_a_valid_value_or_none(
    setting: Setting[float], text: str, value: float | None
) -> None:
    assert setting.asked_for({setting.parameter: text}) == value


def test_an_address_without_the_parameter_gives_none() -> None:
    assert LIMIT.asked_for({"network": "fruits"}) is None
