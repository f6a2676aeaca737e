"""The self-check of the classes: how well their pictures recognise each other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.pages.classify.decide import check_support, compare
from fsl.ui.pages.classify.fine_tune import fine_tuning_in_brief, show_fine_tuning
from fsl.ui.pages.classify.settings import method_in_use, rule_in_use, use_method
from fsl.ui.shared import wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.state import Session

if TYPE_CHECKING:
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint


def show_self_check(state: Session, checkpoint: Checkpoint, support: SupportSet) -> None:
    """Show the leave-one-out accuracy, and what to do about it."""
    outcome = check_support(state, checkpoint, support, rule_in_use(state, checkpoint))
    brief = wording.self_check_in_brief(outcome, fine_tuning_in_brief(state, checkpoint, outcome))
    st.toggle(brief, key="self_check_unfolded")  # on a phone
    with st.container(border=True, key="self_check", gap="small"):
        st.markdown(
            f"**Self-check.** {markdown(wording.self_check(outcome))}",
            help="Each of your pictures is hidden in turn and classified by all the others.",
        )
        if outcome is not None:
            st.progress(outcome.accuracy)
            hint = wording.self_check_hint(outcome)
            if hint:
                st.caption(markdown(hint))
        _show_comparison(state, checkpoint, support)
        if outcome is not None:
            show_fine_tuning(state, checkpoint, outcome)


def _show_comparison(state: Session, checkpoint: Checkpoint, support: SupportSet) -> None:
    with st.spinner("Testing the quick classifier on your pictures"):
        found = compare(state, checkpoint, support)
    if found is None:
        return
    st.markdown(
        f"**Best method.** {markdown(wording.verdict(found))}",
        help="The quick classifier is a small one (logistic regression), fitted to the embeddings of your "
        "pictures. With it, too, similarities and what counts as unknown come from the network.",
    )
    st.caption(markdown(wording.comparison(found)))
    if found.right[found.best] > found.right[method_in_use(state, checkpoint, support)]:
        guarded_button(
            f"Use it: {wording.RULE_NAMES[found.best].lower()}",
            "use_best",
            partial(use_method, state, found.best),
            icon=":material/check:",
        )
