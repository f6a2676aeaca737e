"""Errors on a page: a sentence for the person, whichever page it is."""

from streamlit.testing.v1 import AppTest


def page_with_a_button() -> None:
    import streamlit as st

    from fsl.base.errors import DataError
    from fsl.ui.shared.guard import guarded_callback

    def refuse() -> None:
        raise DataError("There is *no* room.")

    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    st.button("refuse", key="refuse", on_click=guarded_callback(refuse))
    st.button("fail", key="fail", on_click=guarded_callback(fail))


def test_what_a_callback_could_not_do_is_said_on_the_page_it_happened_on() -> None:
    page = AppTest.from_function(page_with_a_button).run()
    page.button(key="refuse").click().run()
    assert [toast.value for toast in page.toast] == [r"There is \*no\* room."]
    page.button(key="fail").click().run()
    assert not page.exception
    (said,) = (toast.value for toast in page.toast)
    assert said.startswith("Something went wrong here.")
    assert "secret" not in said
