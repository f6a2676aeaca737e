"""How an answer is found: the network, the rule and the limit for “unknown”."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.config import METHODS, RULES, TIMM, Method, Rule
from fsl.ui.pages.classify.decide import can_fit_probe
from fsl.ui.pages.classify.other_networks import show_other_networks
from fsl.ui.shared import wording
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.network_in_use import chosen_network
from fsl.ui.shared.resources import Choice, offered
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.state import Session

if TYPE_CHECKING:
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint

NETWORK = Setting(
    "checkpoint",
    "Network",
    "",
    "The trained network that judges how similar two pictures are. Each suits different pictures.",
    parameter="network",
)
RULE: Setting[Method] = Setting(
    "rule",
    "Compare with",
    "mean",
    "What a new picture is compared with: all pictures of a class (steady), the best match (for classes that "
    "look different from case to case), or a blend of them. With five pictures of every class, a classifier "
    "fitted to them joins the list.",
    options={method: f"{title} ({method})" for method, title in wording.RULE_NAMES.items()},
    parameter="rule",
)
TOGETHER = Setting(
    "together",
    "Also learn from the pictures to classify",
    False,
    "Better if the classes have one or two pictures each, and the pictures to classify are of all classes. "
    "An answer then depends on which other pictures there are. What is “unknown” stays as it is.",
)
LIMIT = Setting(
    "threshold",
    "Say “unknown” below this similarity",
    0.5,
    "If even the best class is less similar than this, the answer is “unknown”.",
    (0.0, 1.0, 0.01),
    parameter="limit",
)

_PAGE = "classify"


def take_address(state: Session) -> None:
    """Adopt ``?network=fruits&rule=max&limit=0.80``; ignore what makes no sense."""
    asked = read_address(_PAGE)
    network = asked.get(NETWORK.parameter, state.checkpoint)
    # A network that is not installed gives the default one; no link makes this server download anything.
    if network != state.checkpoint and not network.startswith(TIMM):
        state.use_network(network)
    state.rule = RULE.asked_for(asked) or state.rule
    limit = LIMIT.asked_for(asked)
    if limit is not None:
        state.threshold = limit


def show_address(state: Session) -> None:
    """Write the settings into the address, so that it can be kept or sent."""
    limit = "" if state.threshold is None else f"{state.threshold:.2f}"
    write_address(
        _PAGE,
        {NETWORK.parameter: state.checkpoint, RULE.parameter: state.rule or "", LIMIT.parameter: limit},
    )


def threshold_in_use(state: Session, checkpoint: Checkpoint) -> float:
    """Return the person's own limit, or else the calibrated one."""
    if state.threshold is not None:
        return state.threshold
    return checkpoint.info.calibration(rule_in_use(state, checkpoint)).unknown_threshold


def rule_in_use(state: Session, checkpoint: Checkpoint) -> Rule:
    """Return the person's own rule, or else the one that did best on held-out classes."""
    return checkpoint.info.rule if state.rule is None or state.rule == "quick" else state.rule


def method_in_use(state: Session, checkpoint: Checkpoint, support: SupportSet) -> Method:
    """Return the rule, or the linear probe if it was chosen and there are enough pictures."""
    if state.rule == "quick" and can_fit_probe(support):
        return "quick"
    return rule_in_use(state, checkpoint)


def use_method(state: Session, method: Method) -> None:
    """Use a method from now on, and forget a limit that was moved for the previous one."""
    state.rule = method
    state.threshold = None


def show_settings(state: Session, choices: list[Choice], checkpoint: Checkpoint, support: SupportSet) -> None:
    """Show the settings; a change shows at once, and nothing is embedded again."""
    in_use = chosen_network(state, choices)
    NETWORK.put(in_use.name)
    titles = {choice.name: choice.label for choice in offered(in_use, choices)}
    st.selectbox(
        **replace(NETWORK, options=titles).widget(), on_change=guarded_callback(_use_network), args=(state,)
    )
    show_other_networks(state)
    RULE.put(method_in_use(state, checkpoint, support))
    methods = {method: RULE.options[method] for method in (METHODS if can_fit_probe(support) else RULES)}
    st.selectbox(
        **replace(RULE, options=methods).widget(), on_change=guarded_callback(_use_rule), args=(state,)
    )
    if method_in_use(state, checkpoint, support) == "prototype":
        TOGETHER.put(state.together)
        st.toggle(**TOGETHER.widget(), on_change=guarded_callback(_use_together), args=(state,))
    threshold = threshold_in_use(state, checkpoint)
    LIMIT.put(round(threshold, 2))
    st.slider(**LIMIT.widget(), on_change=guarded_callback(_use_limit), args=(state,))
    calibration = checkpoint.info.calibration(rule_in_use(state, checkpoint))
    st.caption(markdown(wording.threshold_effect(calibration, threshold)))
    if state.threshold is not None:
        label = f"Back to {calibration.unknown_threshold:.2f}, the network's own limit"
        guarded_button(label, "reset_threshold", partial(_reset_threshold, state), type="tertiary")


def _use_network(state: Session) -> None:
    state.use_network(NETWORK.value)


def _use_rule(state: Session) -> None:
    use_method(state, RULE.value)


def _use_together(state: Session) -> None:
    state.together = TOGETHER.value


def _use_limit(state: Session) -> None:
    state.threshold = LIMIT.value


def _reset_threshold(state: Session) -> None:
    state.threshold = None
