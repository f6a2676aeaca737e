"""How a decision is made: which network, which rule, from which similarity on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.config import METHODS, RULES, Method, Rule
from fsl.ui.pages.classify.decide import can_fit_probe
from fsl.ui.pages.classify.other_networks import show_other_networks
from fsl.ui.shared import wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.network_in_use import chosen_network
from fsl.ui.shared.resources import Choice, offered
from fsl.ui.shared.state import Session

if TYPE_CHECKING:
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint

_RULE_HELP = (
    "What a new picture is compared with: all pictures of a class (steady), the best-matching one (for "
    "classes that look different from case to case), or a blend of them. With five pictures of every class, "
    "a classifier fitted to them joins the list."
)


def threshold_in_use(state: Session, checkpoint: Checkpoint) -> float:
    """The person's own limit, or the calibrated one."""
    if state.threshold is not None:
        return state.threshold
    return checkpoint.info.calibration(rule_in_use(state, checkpoint)).unknown_threshold


def rule_in_use(state: Session, checkpoint: Checkpoint) -> Rule:
    """The network's rule: the person's own choice, or what did best with it on classes held out."""
    return checkpoint.info.rule if state.rule is None or state.rule == "quick" else state.rule


def method_in_use(state: Session, checkpoint: Checkpoint, support: SupportSet) -> Method:
    """The rule, or the quick classifier where it is wished and there are pictures enough for it."""
    if state.rule == "quick" and can_fit_probe(support):
        return "quick"
    return rule_in_use(state, checkpoint)


def use_method(state: Session, method: Method) -> None:
    """Decide by it from now on; a limit moved by hand only meant something for the former one."""
    state.rule = method
    state.threshold = None


def show_settings(state: Session, choices: list[Choice], checkpoint: Checkpoint, support: SupportSet) -> None:
    """The settings, each with a sentence of help. Changes show at once; nothing is embedded again."""
    # Each value is set before its widget is made: the session keeps it, a page change loses the widget's.
    in_use = chosen_network(state, choices)
    titles = {choice.name: choice.label for choice in offered(in_use, choices)}
    st.session_state["checkpoint"] = in_use.name
    st.selectbox(
        "Network",
        list(titles),
        key="checkpoint",
        format_func=lambda name: titles[name],
        help="The trained network that judges how alike two pictures are; each suits other pictures.",
        on_change=guarded_callback(_take),
        args=(state, "checkpoint"),
    )
    show_other_networks(state)
    st.session_state["rule"] = method_in_use(state, checkpoint, support)
    st.selectbox(
        "Compare with",
        METHODS if can_fit_probe(support) else RULES,
        key="rule",
        format_func=_rule_name,
        help=_RULE_HELP,
        on_change=guarded_callback(_take),
        args=(state, "rule"),
    )
    calibration = checkpoint.info.calibration(rule_in_use(state, checkpoint))
    st.session_state["threshold"] = round(threshold_in_use(state, checkpoint), 2)
    st.slider(
        "Say “unknown” below this similarity",
        0.0,
        1.0,
        step=0.01,
        key="threshold",
        help="If even the best class is less similar than this, the answer is “unknown”.",
        on_change=guarded_callback(_take),
        args=(state, "threshold"),
    )
    st.caption(markdown(wording.threshold_effect(calibration, threshold_in_use(state, checkpoint))))
    if state.threshold is not None:
        label = f"Back to {calibration.unknown_threshold:.2f}, the network's own limit"
        reset = guarded_callback(_reset_threshold)
        st.button(label, key="reset_threshold", type="tertiary", on_click=reset, args=(state,))


def _rule_name(method: Method) -> str:
    return f"{wording.RULE_NAMES[method]} ({method})"


def _take(state: Session, name: str) -> None:
    value = st.session_state[name]
    if name == "checkpoint":
        state.use_network(value)
    elif name == "rule":
        use_method(state, value)
    else:
        state.threshold = value


def _reset_threshold(state: Session) -> None:
    state.threshold = None
