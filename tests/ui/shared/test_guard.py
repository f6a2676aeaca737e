"""Errors on a page: a sentence for the person, whichever page it is."""

import ast
from pathlib import Path

from streamlit.testing.v1 import AppTest

from fsl.ui.shared import guard


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


def test_every_callback_of_a_widget_is_guarded() -> None:
    folder, checked = Path(guard.__file__).parents[1], 0
    for path in [*(folder / "pages").rglob("*.py"), *(folder / "shared").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        names = {ast.unparse(node.targets[0]) for node in assigned if is_guarded(node.value)}
        for word in (node for node in ast.walk(tree) if isinstance(node, ast.keyword)):
            if word.arg in ("on_click", "on_change") and not isinstance(word.value, ast.Constant):
                assert is_guarded(word.value) or ast.unparse(word.value) in names, (path, word.lineno)
                checked += 1
    assert checked > 15


def is_guarded(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "guarded_callback"
